"""Scripts and configurations that people wrote, with the values that the real libraries give for them."""

import json
from itertools import accumulate
from pathlib import Path

import pytest
import timm

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
    "Lightning's fine-tuning of a backbone, written anew": (
        "import lightning.pytorch as pl, torch, timm\nfrom torch import nn\n"
        "class Own(pl.callbacks.BackboneFinetuning):\n    def finetune_function(self, pl_module, epoch, optimizer):\n"
        "        if epoch == self.unfreeze_backbone_at_epoch:\n            self.make_trainable(pl_module.backbone)\n"
        "            if self.verbose:\n                print(round(1e-3, self.rounding))\n"
        "class Net(pl.LightningModule):\n    def __init__(self):\n        super().__init__()\n"
        "        net = timm.create_model('resnet18')\n"
        "        self.backbone = nn.Sequential(*list(net.children())[:-1])\n        self.top = nn.Linear(512, 8)\n"
        "    def configure_optimizers(self):\n        return torch.optim.Adam(self.parameters())\n"
        "pl.Trainer(max_epochs=9, callbacks=[Own(3, verbose=True)]).fit(Net())\n",
        {2: "freeze all; train norms head", 3: "train all"},
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


UNDECIDED = {
    "a value that is not told, sought in a set": (
        "if CFG.mode in {'backbone', 'all'}:\n    model.layer1.requires_grad_(False)\n"
    ),
    "a value that is not told, sought among a table's keys": (
        "if CFG.mode in {'backbone': 1}:\n    model.layer1.requires_grad_(False)\n"
    ),
    "a set of what another text lists": (
        "names = {n for n in load_names('x.txt')}\nfor n, p in model.named_parameters():\n    if n in names:\n"
        "        p.requires_grad = False\n"
    ),
    "all names but those of a file": (
        "gone = {line.strip() for line in open('frozen.txt')}\nkept = {n for n, _ in model.named_parameters()} - gone\n"
        "for n, p in model.named_parameters():\n    p.requires_grad = n in kept\n"
    ),
    "as many blocks as a file has lines": (
        "lines = [line for line in open('frozen.txt')]\nfor child in list(model.children())[: len(lines)]:\n"
        "    child.requires_grad_(False)\n"
    ),
    "as many blocks as were counted": (
        "count = 0\nfor stage in CFG.stages:\n    count += 2\nfor child in list(model.children())[:count]:\n"
        "    child.requires_grad_(False)\n"
    ),
    "parameters beside the lines of a file": (
        "lines = [line for line in open('frozen.txt')]\nfor line, p in zip(lines, model.parameters()):\n"
        "    p.requires_grad = False\n"
    ),
    "parameters beside a range whose end is not known": (
        "import numpy as np\nsizes = np.array([p.numel() for p in model.parameters()])\n"
        "end = np.searchsorted(np.cumsum(sizes), 0.6 * np.sum(sizes))\n"
        "for _, p in zip(tqdm(range(end)), model.parameters()):\n    p.requires_grad = False\n"
    ),
    "blocks by their place in a range whose end is not known": (
        "for i, _ in enumerate(range(CFG.stages)):\n    list(model.children())[i].requires_grad_(False)\n"
    ),
    "blocks whose place is none of a range whose end is not known": (
        "for i in {0, 1, 2}.difference(range(CFG.stages)):\n    model.layer1[i].requires_grad_(False)\n"
    ),
    "a function of another text that is handed a progress bar of parameters": (
        "from tqdm import tqdm\nfrom settings import stop\nstop(tqdm(list(model.parameters())))\n"
    ),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_depends_on_values_in_a_set_or_on_a_count_of_unknown_things_is_told(name):
    text = f"from settings import CFG, load_names\nmodel.fc.requires_grad_(False)\n{UNDECIDED[name]}"
    assert import_rules(text, opened("timm:resnet18")).unread


def test_a_range_whose_end_is_not_known_is_one_of_the_things_in_a_list():
    text = "from settings import CFG\nif len([range(CFG.stages), 3]) == 2:\n    model.layer1.requires_grad_(False)\n"
    assert import_rules(text, opened("timm:resnet18")).rules == "freeze layer1"


def test_as_many_parameters_as_bisect_counts_are_frozen():
    text = (
        "from bisect import bisect_right\nfrom itertools import accumulate\nimport timm\n"
        "model = timm.create_model('resnet18')\nends = list(accumulate(p.numel() for p in model.parameters()))\n"
        "for _, p in zip(range(bisect_right(ends, int(ends[-1] * 0.6))), model.parameters()):\n"
        "    p.requires_grad = False\n"
    )
    tree = opened("timm:resnet18")
    found = import_rules(text, tree)
    model = timm.create_model("resnet18")
    ends = list(accumulate(p.numel() for p in model.parameters()))
    frozen = sum(end <= int(ends[-1] * 0.6) for end in ends)
    assert not found.unread and 40 < frozen < 60
    assert resolve(found.spec, tree).names() == tuple(name for name, _ in model.named_parameters())[frozen:]


@pytest.mark.parametrize("repository", ("facebookresearch/dinov2", "pytorch/vision"))
def test_only_torchvision_s_models_from_a_hub_are_called_torchvision_s(repository):
    text = f"import torch\nmodel = torch.hub.load('{repository}', 'vgg11')\nmodel.features.requires_grad_(False)\n"
    notes = import_rules(text, opened("timm:vgg11")).notes
    assert any("torchvision's" in str(note) for note in notes) is (repository == "pytorch/vision")


@pytest.mark.parametrize("names", ("cls.__dataclass_fields__", "{f.name for f in fields(cls)}"))
def test_a_configuration_takes_only_the_keys_that_its_class_has(names):
    text = (
        "from dataclasses import dataclass, fields\nimport timm\n@dataclass\nclass Cfg:\n    share: float = 0.0\n"
        f"    @classmethod\n    def of(cls, d):\n        return cls(**{{k: d[k] for k in d if k in {names}}})\n"
        "cfg = Cfg.of({'share': 0.5, 'comment': 'half'})\nmodel = timm.create_model('resnet18')\n"
        "named = list(model.named_parameters())\nfor i, (_, p) in enumerate(named):\n"
        "    p.requires_grad_(i >= round(cfg.share * len(named)))\n"
    )
    tree = opened("timm:resnet18")
    found = import_rules(text, tree)
    assert not found.unread
    assert resolve(found.spec, tree).names() == tuple(p.name for p in tree.parameters[31:])


@pytest.mark.parametrize("train_bn", (True, False))
def test_lightning_s_optimizer_gets_no_norms_that_are_not_to_train(train_bn):
    text = (
        "import lightning.pytorch as pl, torch, timm\nfrom torch import nn\nclass Net(pl.LightningModule):\n"
        "    def __init__(self):\n        super().__init__()\n        self.backbone = timm.create_model('resnet18')\n"
        "    def configure_optimizers(self):\n"
        "        return torch.optim.Adam([p for p in self.parameters() if p.requires_grad])\n"
        f"cb = pl.callbacks.BackboneFinetuning(unfreeze_backbone_at_epoch=2, train_bn={train_bn})\n"
        "pl.Trainer(max_epochs=9, callbacks=[cb]).fit(Net())\n"
    )
    notes = import_rules(text, opened("timm:resnet18")).notes
    assert notes == (() if train_bn else ("Its optimizer is given only 22 of the 62 parameters that train.",))
