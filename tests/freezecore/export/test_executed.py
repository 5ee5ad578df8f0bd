"""Exported Python, run against the real libraries in a fresh interpreter: exactly what the mask says trains."""

import pytest

from tests.freezecore.export.models import small
from tests.freezecore.export.running import Case, difference, run

pytest.importorskip("accelerate", reason="requirements-dev.txt")

SEED = "freeze embeddings; freeze blocks:0-2"
GRADUAL = "freeze all; train head; from epoch 1: train blocks:last1; from epoch 2: train blocks:last2"
DIAGONAL = [
    ("pytorch", "resnet18", "freeze all; train head"),
    ("pytorch", "bert", SEED),
    ("pytorch", "test_vit", "freeze all; train norms head; dropout on"),
    ("pytorch", "test_efficientnet", "freeze all; train biases head; norms update"),
    ("pytorch", "t5", GRADUAL),
    ("timm", "test_convnext", "freeze all; train blocks:last2 head"),
    ("timm", "resnet18", GRADUAL),
    ("transformers-trainer", "bert", "freeze all; train head"),
    ("transformers-trainer", "gpt2", GRADUAL),
    ("transformers-trainer", "resnet18", "freeze stem; freeze blocks:0-2"),
    ("lightning", "test_efficientnet", "freeze all; train head; from epoch 1: freeze head; train blocks:last1"),
    ("lightning", "llama", "freeze norms"),
    ("fastai", "resnet18", GRADUAL),
    ("fastai", "t5", "freeze embeddings"),
    ("accelerate", "gpt2", "freeze all; train blocks:first1"),
    ("accelerate", "test_vit", GRADUAL),
]


RESUMED = [
    ("pytorch", "bert", GRADUAL),
    ("pytorch", "test_convnext", "freeze all; train head"),
    ("timm", "resnet18", GRADUAL),
    ("accelerate", "gpt2", GRADUAL),
    ("fastai", "test_efficientnet", GRADUAL),
    ("lightning", "resnet18", GRADUAL),
    ("transformers-trainer", "bert", GRADUAL),
    ("transformers-trainer", "resnet18", "freeze all; train head; from epoch 1: freeze head; train blocks:last1"),
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("exports")
    rows = [(*row, False) for row in DIAGONAL] + [(*row, True) for row in RESUMED]
    cases = [
        Case(f"case{i}", target, small(name, folder), rules, resume)
        for i, (target, name, rules, resume) in enumerate(rows)
    ]
    found = run(cases, folder)
    return {row: (case, found[case.id]) for row, case in zip(rows, cases, strict=True)}


@pytest.mark.parametrize("row", DIAGONAL, ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_exported_script_trains_what_the_mask_says_and_nothing_else(row, outcomes):
    case, found = outcomes[(*row, False)]
    assert difference(case, found) == []


@pytest.mark.parametrize("row", RESUMED, ids=lambda row: f"{row[0]}-{row[1]}")
def test_a_resumed_run_trains_what_its_epoch_says(row, outcomes):
    case, found = outcomes[(*row, True)]
    assert difference(case, found) == []
