"""Scripts and configurations that people wrote, with the values that the real libraries give for them."""

import json
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


LATER = {
    "two stages": (
        "import torchvision\nmodel = torchvision.models.resnet18()\nmodel.requires_grad_(False)\n"
        "model.fc.requires_grad_(True)\nfor epoch in range(3):\n    fit(model)\nmodel.layer4.requires_grad_(True)\n",
        {0: "freeze all; train fc", 2: "freeze all; train fc", 3: "freeze all; train fc layer4"},
    ),
    "an epoch that is compared": (
        "model.requires_grad_(False)\nfor epoch in range(args.epochs):\n    if epoch == 5:\n"
        "        model.layer4.requires_grad_(True)\n",
        {4: "freeze all", 5: "freeze all; train layer4"},
    ),
    "after an epoch's steps": (
        "model.requires_grad_(False)\nfor epoch in range(20):\n    loss.backward()\n    if epoch == 9:\n"
        "        model.layer4.requires_grad_(True)\n",
        {9: "freeze all", 10: "freeze all; train layer4"},
    ),
    "fastai's fine_tune": (
        "from fastai.vision.all import *\nlearn = vision_learner(dls, resnet18)\nlearn.fine_tune(4, freeze_epochs=2)\n",
        {1: "freeze all; train norms fc", 2: "train all"},
    ),
    "a module with hyperparameters": (
        "import lightning as L, timm\nclass Lit(L.LightningModule):\n    def __init__(self, at=4):\n"
        "        super().__init__()\n        self.save_hyperparameters()\n"
        "        self.model = timm.create_model('resnet18')\n"
        "        self.model.requires_grad_(False)\n    def on_train_epoch_start(self):\n"
        "        if self.current_epoch == self.hparams.at:\n            self.model.requires_grad_(True)\n",
        {3: "freeze all", 4: "train all"},
    ),
    "a Trainer's callback at a step": (
        "from transformers import Trainer, TrainingArguments, TrainerCallback\nclass Later(TrainerCallback):\n"
        "    done = False\n    def on_train_begin(self, args, state, control, model=None, **kwargs):\n"
        "        model.layer1.requires_grad_(False)\n"
        "    def on_step_begin(self, args, state, control, model, **kwargs):\n"
        "        if not self.done and state.epoch > 2:\n"
        "            model.layer1.requires_grad_(True)\n            self.done = True\n"
        "Trainer(model=model, args=TrainingArguments('x', num_train_epochs=5), callbacks=[Later()]).train()\n",
        {1: "freeze layer1", 2: "train all"},
    ),
    "a Trainer's default of three epochs": (
        "from transformers import Trainer, TrainingArguments, TrainerCallback\nclass Later(TrainerCallback):\n"
        "    def on_epoch_begin(self, args, state, control, model=None, **kwargs):\n        if state.epoch == 6:\n"
        "            model.layer4.requires_grad_(True)\nmodel.requires_grad_(False)\n"
        "Trainer(model=model, args=TrainingArguments('x'), callbacks=[Later()]).train()\n",
        {2: "freeze all", 7: "freeze all"},
    ),
    "Lightning's older hook of an epoch": (
        "import pytorch_lightning as pl\nclass Unfreeze(pl.Callback):\n"
        "    def on_epoch_start(self, trainer, pl_module):\n        if trainer.current_epoch == 4:\n"
        "            for p in pl_module.parameters():\n                p.requires_grad = True\n"
        "model.requires_grad_(False)\npl.Trainer(max_epochs=9, callbacks=[Unfreeze()]).fit(model)\n",
        {3: "freeze all", 4: "train all"},
    ),
    "a Trainer's callback": (
        "from transformers import Trainer, TrainingArguments, TrainerCallback\nclass Later(TrainerCallback):\n"
        "    def on_epoch_begin(self, args, state, control, model=None, **kwargs):\n        if state.epoch >= 2:\n"
        "            model.layer4.requires_grad_(True)\nmodel.requires_grad_(False)\n"
        "Trainer(model=model, args=TrainingArguments('x', num_train_epochs=5), callbacks=[Later()]).train()\n",
        {1: "freeze all", 2: "freeze all; train layer4"},
    ),
}


@pytest.mark.parametrize("name", LATER)
def test_what_is_set_at_a_later_epoch_becomes_a_phase(name):
    text, wanted = LATER[name]
    tree = opened("timm:resnet18")
    found = import_rules(text, tree)
    for epoch, rules in wanted.items():
        assert resolve(found.spec, tree, epoch).names() == resolve(FreezeSpec.parse(rules), tree).names(), epoch


def test_after_a_training_of_unknown_length_it_is_told():
    text = "model.requires_grad_(False)\ntrain(model, loader)\nmodel.fc.requires_grad_(True)\n"
    found = import_rules(text, opened("timm:resnet18"))
    assert found.rules == "freeze all"
    assert [row.line for row in found.unread] == [3]


def test_a_notebook_is_read_whole_without_its_magics():
    cells = [["!pip install timm\n", "%matplotlib inline\n", "import timm\n"],
             ["%%time\n", "m = timm.create_model('resnet18')"],
             ["for p in m.parameters():\n", "    p.requires_grad = False\n", "m.reset_classifier(3)"]]  # fmt: skip
    text = json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": cell} for cell in cells]})
    found = import_rules(text, opened("timm:resnet18"))
    assert found.rules == "freeze all; train head"
    assert "3 lines for the notebook's shell were left out." in found.notes


def test_what_a_script_states_of_its_training_comes_along():
    text = (
        "import torch\nmodel.requires_grad_(False)\nmodel.fc.requires_grad_(True)\n"
        "groups = [{'params': model.layer4.parameters(), 'lr': 1e-5}, {'params': model.fc.parameters()}]\n"
        "opt = torch.optim.AdamW(groups, lr=1e-3)\n"
        "loader = torch.utils.data.DataLoader(data, batch_size=48, shuffle=True)\n"
        "with torch.autocast('cuda', dtype=torch.bfloat16):\n    pass\n"
    )
    stated = dict(import_rules(text, opened("timm:resnet18")).stated)
    assert (stated["optimizer"], stated["batch_size"], stated["precision"]) == ("adamw", 48, "bf16-autocast")
    assert [(rate["learning_rate"], rate["parameters"]) for rate in stated["rates"]] == [(1e-5, 15), (1e-3, 2)]


def test_a_condition_that_nothing_decides_is_told_and_its_parameters_are_not_claimed():
    text = "if cfg.freeze:\n    model.layer1.requires_grad_(False)\nmodel.conv1.requires_grad_(False)\n"
    found = import_rules(text, opened("timm:resnet18"))
    assert found.rules == "freeze conv1.weight"
    assert [row.line for row in found.unread] == [1]
