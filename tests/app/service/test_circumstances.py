from dataclasses import replace

import pytest

from app.link import Link
from app.service.circumstances import differences, link_of
from app.service.selection import select
from freezecore.probe import ProbeRequest
from freezecore.search.sweep import SweepRequest
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from tests.app.conftest import _tree

LINK = Link(model="timm:resnet18", rules="freeze all; train head")
ASKED = ProbeRequest(ModelSource("timm", "resnet18", "pretrained"), FreezeSpec.parse("freeze all; train fc"))


def selected(**fields):
    link = replace(LINK, **fields)
    return select(link, _tree(ModelSource.parse(link.model)))


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ((), {}),
        ((), {"rules": "freeze all; train fc.weight; train fc.bias"}),
        ((), {"rules": None}),
        ((), {"precision": "bf16-autocast", "checkpointing": True}),  # a probe has neither
        (("rules",), {"rules": "train all"}),
        (("rules",), {"rules": "freeze all; train head; norms update"}),
        (("rules",), {"rules": "freeze all; train fc; from epoch 2: train all"}),
        (("batch",), {"batch": 8}),
        (("size",), {"size": 64}),
        (("optimizer",), {"optimizer": "sgd"}),
        (("model", "rules"), {"model": "timm:resnet34", "rules": "train all"}),
    ],
)
def test_what_differs_from_what_a_run_was_measured_under(changed, fields):
    selection = selected(**fields)
    assert differences(ASKED.to_json(), selection) == changed
    back = link_of(ASKED.to_json(), selection.link)
    assert not differences(ASKED.to_json(), select(back, _tree(ModelSource.parse(back.model))))


def test_data_differs_only_from_data_that_was_chosen():
    assert differences(ASKED.to_json(), selected(), "digits") == ("data",)
    assert differences(ASKED.to_json(), selected(), "shapes") == differences(ASKED.to_json(), selected()) == ()


def test_a_sweep_belongs_to_its_data_and_workload_and_to_no_rules():
    asked = SweepRequest(ASKED, ("depth",)).to_json()
    assert differences(asked, selected(rules="train all")) == ()
    assert differences(asked, selected(batch=8), "digits") == ("data", "batch")
