"""Freeze, or LoRA: which ways are set beside a selection, and what each leaves on disk."""

import bisect

import pytest
import torch

from freezecore._resolve import resolve
from freezecore._versus import alternatives, checkpoint_bytes, has_new_head, largest_rank
from freezecore.adapter import MOST_RANK
from freezecore.rules.grammar import parse_spec
from freezecore.runtime.build.source import meta
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource
from tests.freezecore.samples import load


@pytest.mark.parametrize(
    ("model", "new"), [("bert", True), ("resnet18", True), ("vit_tiny", True), ("llama", False), ("gpt2", False)]
)
def test_a_head_that_scores_a_vocabulary_is_no_head_for_a_new_task(model, new):
    assert has_new_head(load(model)) is new


def test_a_plain_selection_stands_beside_full_head_lora_and_qlora_of_the_same_model():
    source = ModelSource.parse("config:bert", task="sequence-classification")
    found = {one.key: one for one in alternatives(source, "freeze embeddings", load("bert"), "lora r=4")}
    assert list(found) == ["this", "full", "head", "lora", "qlora"]
    assert (found["this"].source, found["this"].rules) == (source, "freeze embeddings")
    assert (found["full"].source, found["full"].rules) == (source, "")
    assert found["lora"].source == source.with_(adapter="lora r=4")
    assert found["lora"].rules == "freeze all; train adapters head"
    assert found["qlora"].source == source.with_(adapter="lora r=4", quantize="nf4")


def test_a_selection_with_an_adapter_stands_beside_its_own_adapter_and_its_base():
    source = ModelSource.parse("config:llama", task="causal-lm", adapter="lora r=64 dora on *.q_proj")
    found = {one.key: one for one in alternatives(source, "train adapters", load("llama"))}
    assert found["lora"].source == source
    assert found["lora"].rules == "freeze all; train adapters"
    assert found["head"].source == found["full"].source == source.base


def test_nothing_can_be_put_into_a_model_that_came_as_a_file():
    keys = [one.key for one in alternatives(ModelSource.parse("file:model.json"), "", load("resnet18"))]
    assert keys == ["this", "full", "head"]


def test_a_checkpoint_without_adapters_is_the_whole_model_whatever_trains():
    tree = load("resnet18")
    masks = [resolve(parse_spec(rules), tree) for rules in ("train all", "freeze all; train head")]
    whole = sum(one.nbytes for one in (*tree.parameters, *tree.buffers))
    assert {checkpoint_bytes(mask, "fp32") for mask in masks} == {whole}
    assert {checkpoint_bytes(mask, "bf16-autocast") for mask in masks} == {whole}


@pytest.mark.parametrize("adapter", [None, "lora r=4"])
def test_a_checkpoint_of_a_model_in_bf16_is_what_torch_saves_of_it(adapter):
    source = ModelSource.parse("timm:test_vit", adapter=adapter)
    model = meta(source).model.to(torch.bfloat16)
    trained = {n for n, _ in model.named_parameters() if ".lora_" in n} if adapter else model.state_dict().keys()
    mask = resolve(parse_spec("freeze all; train adapters" if adapter else "train all"), read_source(source))
    state = model.state_dict(keep_vars=True)
    saved = {id(state[name]): state[name].nbytes for name in trained}
    assert checkpoint_bytes(mask, "bf16") == sum(saved.values())


RANKS = range(1, MOST_RANK + 1)


@pytest.mark.parametrize("limit", [0, 999, 1_000, 1_700, 5_432, 10**9])
def test_the_largest_rank_is_the_last_that_stays_within_the_limit(limit):
    for lines, most in ((((1_000, 7),), 4), (((1_900, 3), (-1_000, 11), (-9_000, 40)), 12), (((1_000, 0),), 51)):
        peaks = [max(fixed + slope * rank for fixed, slope in lines) for rank in RANKS]
        tried = []

        def peak_at(rank, peaks=peaks, tried=tried):
            tried.append(rank)
            return peaks[rank - 1]

        assert largest_rank(peak_at, limit, {rank: peak_at(rank) for rank in (8, 24)}) == bisect.bisect_right(
            peaks, limit
        )
        assert len(tried) <= most
