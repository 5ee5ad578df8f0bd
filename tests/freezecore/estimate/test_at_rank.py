"""Steps and trees at any rank, against those followed at that rank itself."""

from dataclasses import replace
from pathlib import Path

import pytest

import freezecore as fc
from freezecore._estimate.at_rank import rank_sources, trace_at_rank, tree_at_rank, with_rank
from freezecore._estimate.cost import estimate
from freezecore._versus import rank_within
from freezecore.errors import TraceError
from freezecore.source import ModelSource
from freezecore.workload import Workload

TINY = Path(__file__).parents[1] / "runtime" / "tiny_vit.json"
RULES = ("freeze all; train adapters", "freeze all; train adapters head; freeze blocks:first1", "train all")
FIGURES = ("peak_bytes", "peak_moment", "gradients", "optimizer", "activations", "temporaries", "flops_forward",
           "flops_backward", "weights")  # fmt: skip
CASES = {
    "linear layers": (f"config:{TINY}", "lora dropout=0.1", Workload(2)),
    "two adapters, of which the first changes": (
        f"config:{TINY}",
        "lora dora on *.q_proj; lora r=2 on *.v_proj",
        Workload(2, precision="bf16", device="cuda"),
    ),
    "autocast": (f"config:{TINY}", "lora", Workload(2, precision="bf16-autocast", device="cuda")),
    "convolutions": ("timm:resnet18", "lora on layer1 layer4", Workload(2, image_size=32)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_step_at_a_rank_is_the_one_followed_there_to_the_byte(case):
    text, adapter, workload = CASES[case]
    source = ModelSource.parse(text, adapter=adapter)
    sources = rank_sources(source)
    trees = {rank: fc.read_tree(one) for rank, one in sources.items()}
    steps = {
        rank: fc.pricer(one, workload).complete([fc.resolve(rules, trees[rank]) for rules in RULES])
        for rank, one in sources.items()
    }
    for rank in (2, 64):
        fresh = fc.read_tree(with_rank(source, rank))
        tree, trace = tree_at_rank(trees, rank), trace_at_rank(steps, rank)
        assert tree == fresh
        pricer = fc.pricer(with_rank(source, rank), workload)
        for rules in RULES:
            ours, theirs = estimate(trace, fc.resolve(rules, tree)), pricer.estimate(fc.resolve(rules, fresh))
            assert {name: getattr(ours, name) for name in FIGURES} == {name: getattr(theirs, name) for name in FIGURES}


def test_the_highest_rank_within_a_limit_is_the_last_whose_own_step_stays_in_it():
    source, workload = ModelSource.parse(f"config:{TINY}", adapter="lora"), Workload(2)

    def priced(rank):
        one = with_rank(source, rank)
        tree = fc.read_tree(one)
        pricer, mask = fc.pricer(one, workload), fc.resolve(RULES[0], tree)
        peak = pricer.estimate(mask).peak_bytes
        return tree, pricer.trace, peak

    known = {rank: priced(rank) for rank in rank_sources(source)}
    trees, steps, peaks = ({rank: one[place] for rank, one in known.items()} for place in range(3))
    limit = peaks[24] + 3 * (peaks[24] - peaks[8]) // 16 + 1
    found = rank_within(limit, RULES[0], steps, trees[8], peaks=peaks)
    assert found == rank_within(limit, RULES[0], steps, trees[8])
    assert priced(found)[2] <= limit < priced(found + 1)[2]


def test_steps_that_run_other_operations_give_no_third():
    one = fc.trace(ModelSource.parse(f"config:{TINY}", adapter="lora r=8"), Workload(2))
    with pytest.raises(TraceError, match="other operations at another rank"):
        trace_at_rank({8: one, 24: replace(one, loss=0)}, 16)


def test_a_rank_that_cannot_be_is_told():
    with pytest.raises(fc.FreezeError, match="'0' is no rank"):
        with_rank(ModelSource.parse("timm:resnet18", adapter="lora"), 0)
