"""Scripts and configurations that people wrote, with the values that the real libraries give for them."""

from pathlib import Path

import pytest

from freezecore._resolve import resolve
from freezecore.importing import import_rules
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

SEEN = Path(__file__).parents[2] / "data" / "imports" / "seen"
SCRIPTS = {
    "child_counter.py": ("timm:resnet18", "freeze conv1 bn1 layer1 layer2", 11_006_440),
    "continue_bitfit.py": ("bert", "freeze all; train biases classifier", 104_450),
    "replaced_head.py": ("timm:resnet18", "freeze all; train fc", 513_000),
    "reset_classifier.py": ("timm:resnet18", "freeze all; train fc", 513_000),
    "essay_helper.py": ("config:bert", "freeze embeddings blocks:0-1", 71_469_312),
    "essay_step.py": ("config:bert", "freeze blocks:0,2,4,6,8,10", 66_955_008),
    "essay_flag.py": ("config:bert", "freeze all; train blocks:last1", 7_087_872),
    "comprehension_alone.py": ("timm:resnet18", "freeze layer1", 11_541_544),
    "comprehension_others.py": (
        "timm:resnet18",
        "freeze all; train fc layer4.0.bn1 layer4.1.bn1 layer4.1.conv1 layer4.1.conv2",
        5_233_640,
    ),
    "comprehension_script.py": ("timm:resnet18", "freeze conv1 layer1", 11_532_136),
    "fastai_freeze.py": ("timm:resnet18", "freeze all; train norms fc", 522_600),
    "fastai_freeze_to.py": (
        "timm:resnet18",
        "freeze conv1 layer1 layer2; train norms",
        11_008_360,
    ),
}


def opened(source):
    if source == "bert":
        return read_source(ModelSource.parse("config:bert", task="sequence-classification"))
    return read_source(ModelSource.parse(source))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_trains_what_it_trains_on_the_real_model(name):
    source, rules, trainable = SCRIPTS[name]
    tree = opened(source)
    found = import_rules((SEEN / name).read_text(), tree)
    mask = resolve(found.spec, tree)
    assert mask.names() == resolve(FreezeSpec.parse(rules), tree).names()
    assert mask.trainable == trainable
    assert not found.unread and not found.missing


def test_each_line_says_how_much_it_froze_and_trained():
    found = import_rules((SEEN / "comprehension_others.py").read_text(), opened("timm:resnet18"))
    assert [(row.line, row.froze, row.trained) for row in found.lines] == [(1, 62, 0), (3, 0, 2), (4, 0, 2), (7, 0, 4)]
    assert found.to_json()["lines"][0] == {"line": 1, "froze": 62, "trained": 0}


def test_a_class_that_is_never_built_is_built_once_and_it_is_said():
    found = import_rules((SEEN / "essay_helper.py").read_text(), opened("config:bert"))
    assert found.notes[0] == "The class EssayModel is never built here; it was built once, as its framework would."
