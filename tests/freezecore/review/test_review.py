"""The review as a whole: order, codes, and facts that stand in the sentences."""

from itertools import pairwise

import pytest

from freezecore._presets import presets
from freezecore._resolve import resolve
from freezecore._review import mended, review
from freezecore._review.finding import SEVERITIES, listed
from freezecore.rules.grammar import parse_spec, print_spec
from freezecore.rules.shortest import shortest_rules
from freezecore.workload import Workload
from tests.freezecore.samples import NAMES, load

WORKLOAD = Workload(batch_size=4, checkpointing=True)


@pytest.mark.parametrize("model", NAMES)
def test_findings_are_sorted_by_severity_and_their_fixes_can_be_applied(model):
    tree = load(model)
    for rules in [preset.rules for preset in presets(tree)] + ["freeze all", "freeze all; norms update; dropout on"]:
        spec = parse_spec(rules)
        found = review(tree, resolve(spec, tree), spec=spec, workload=WORKLOAD)
        assert all(SEVERITIES.index(a.severity) <= SEVERITIES.index(b.severity) for a, b in pairwise(found))
        for finding in found:
            assert finding.message.endswith(".")
            assert all(isinstance(fact, str) for fact in finding.facts.values())
            if finding.fix:
                resolve(mended(spec, finding.fix), tree)


@pytest.mark.parametrize("model", NAMES)
def test_a_mask_from_ticks_is_reviewed_like_one_from_rules_but_for_the_rules_themselves(model):
    tree = load(model)
    mask = resolve(parse_spec("freeze all"), tree)
    assert review(tree, mask)
    assert shortest_rules(mask).rules


def test_a_fix_comes_before_the_phases_and_a_setting_holds_for_the_whole_run():
    spec = parse_spec("freeze all; norms update; from epoch 1: train all")
    assert print_spec(mended(spec, "train head")) == "freeze all; train head; norms update; from epoch 1: train all"
    assert print_spec(mended(spec, "norms hold")) == "freeze all; from epoch 1: train all"


def test_a_long_list_is_cut_with_its_count():
    assert listed(("a", "b")) == "a, b"
    assert listed(tuple("abcdef")) == "a, b, c and 3 more"
