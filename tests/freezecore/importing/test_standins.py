"""Stand-ins of libraries: each is small enough to be written in an afternoon, and read from its table."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from freezecore.importing import import_rules
from freezecore.importing.execution.standins import library
from freezecore.importing.execution.unknown import Unknown
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource

FOLDER = Path(library.__file__).parent
OURS = {"__init__", "library", "framework", "model", "module"}  # what the libraries' own stand on
MOST_LINES = 80


@pytest.mark.parametrize("file", [f for f in sorted(FOLDER.glob("*.py")) if f.stem not in OURS], ids=lambda f: f.stem)
def test_a_library_s_stand_in_has_less_than_eighty_lines(file):
    assert len(file.read_text().splitlines()) < MOST_LINES


def test_each_name_that_a_stand_in_gives_is_found_under_it():
    for name in sorted(set(library.FILES.values())):
        for path, held in getattr(import_module(f"{library.__package__}.{name}"), "NAMES", {}).items():
            assert library.resolved(path) is held, path


def test_a_name_below_an_unknown_part_of_a_library_is_found():
    below = library.resolved("torch.nn.modules.batchnorm")
    assert type(below) is Unknown
    assert below.BatchNorm2d is library.resolved("torch.nn.BatchNorm2d")


PEFT = {
    "a task in peft's own enumeration": ("TaskType.SEQ_CLS", True),
    "a task as text": ("'SEQ_CLS'", True),
    "a task that saves no head": ("TaskType.FEATURE_EXTRACTION", False),
}


@pytest.mark.parametrize("name", PEFT)
def test_peft_trains_the_head_of_a_classification_task_beside_its_adapters(name):
    task, trains = PEFT[name]
    tree = read_source(ModelSource.parse("config:bert", task="sequence-classification"))
    text = (
        "from peft import LoraConfig, TaskType, get_peft_model\n"
        f"model = get_peft_model(model, LoraConfig(task_type={task}, target_modules=['query']))\n"
    )
    found = import_rules(text, tree)
    assert found.rules == ("freeze all; train head" if trains else "freeze all")
