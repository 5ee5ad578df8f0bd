"""Imports: the ticks come back from rules, names, configuration and pasted Python; hostile text is a sentence."""

from __future__ import annotations

import json
import pickle

import pytest
import timm
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

import freezecore as fc
from freezecore._export import export
from freezecore._resolve import resolve
from freezecore.errors import ExportError, FreezeError
from freezecore.importing import import_rules
from freezecore.mask import Mask
from freezecore.runtime.tree.read import read_module, read_source
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

RESNET = ModelSource.parse("timm:resnet18")
HEAD = "freeze all; train head"


@pytest.fixture(scope="module")
def resnet():
    return read_source(RESNET)


@pytest.fixture(scope="module")
def bert():
    return read_source(ModelSource.parse("config:bert", task="sequence-classification"))


def trained(text, tree, epoch=0):
    """The names that train under what was imported."""
    return resolve(import_rules(text, tree).spec, tree, epoch).names()


def mask_of(rules, tree):
    return resolve(FreezeSpec.parse(rules), tree).names()


PYTHON = {
    "freeze all; train head": """
        for param in model.parameters():
            param.requires_grad = False
        model.fc = nn.Linear(512, 10)
        for param in model.fc.parameters():
            param.requires_grad = True
    """,
    "freeze conv1.weight": """
        for name, param in model.named_parameters():
            if name == "conv1.weight":
                param.requires_grad = False
    """,
    "freeze contains:layer1.0.": """
        for name, p in model.named_parameters():
            if "layer1.0." in name: p.requires_grad_(False)
    """,
    "freeze conv1 bn1 layer1": """
        frozen = ["conv1", "bn1", "layer1"]
        for name, p in self.model.named_parameters():
            p.requires_grad = not any(name.startswith(f"{part}.") for part in frozen)
    """,
    "freeze layer1 layer2": """
        import timm
        timm.utils.freeze(model, ["layer1", "layer2"])
    """,
    "freeze all; train layer4 fc": """
        model.requires_grad_(False)
        for part in [model.layer4, model.fc]:
            part.requires_grad_(True)
    """,
    "freeze layer1.0": """
        for p in model.layer1[0].parameters():
            p.requires_grad = False
    """,
    "freeze all; train layer3 layer4 fc": r"""
        import re
        for n, p in net.named_parameters():
            p.requires_grad = bool(re.match(r"layer[34]\.|fc", n))
    """,
    "freeze layer1 layer2 layer3": """
        class Freezing(BaseFinetuning):
            def freeze_before_training(self, pl_module):
                self.freeze([pl_module.model.layer1, pl_module.model.layer2, pl_module.model.layer3], train_bn=False)
    """,
    "freeze all; train fc layer4.1.bn2": """
        config = LoraConfig(r=8, target_modules=["conv1"], modules_to_save=["fc", "layer4.1.bn2"])
    """,
}


@pytest.mark.parametrize("rules", PYTHON)
def test_pasted_python_gives_the_ticks(rules, resnet):
    assert trained(PYTHON[rules], resnet) == mask_of(rules, resnet)


def test_the_seed_of_a_text_model_gives_the_ticks(bert):
    snippet = """
    def top_n_layer_freeze(model, n=3):
        for param in model.bert.embeddings.parameters():
            param.requires_grad = False
        for layer in model.bert.encoder.layer[:3]:
            for param in layer.parameters():
                param.requires_grad = False
    """
    assert trained(snippet, bert) == mask_of("freeze embeddings; freeze blocks:0-2", bert)


def test_lightning_s_backbone_finetuning_becomes_a_schedule(resnet):
    found = import_rules("trainer = Trainer(callbacks=[x])\ncb = BackboneFinetuning(5, train_bn=False)", resnet)
    assert found.kind == "lightning"
    assert resolve(found.spec, resnet, 4).names() == mask_of(HEAD, resnet)
    assert resolve(found.spec, resnet, 5).names() == mask_of("train all", resnet)


SCHEDULE = "freeze all; train head; from epoch 1: train blocks:last2; from epoch 3: train all"


@pytest.mark.parametrize("target", ["pytorch", "timm", "transformers-trainer", "lightning", "fastai", "accelerate"])
@pytest.mark.parametrize("rules", [HEAD, "freeze norms", "freeze stem; freeze blocks:0-2", SCHEDULE])
def test_every_export_comes_back_as_the_same_selection(target, rules, resnet):
    spec = FreezeSpec.parse(rules)
    found = import_rules(export(RESNET, spec, target, tree=resnet), resnet)
    assert not found.unread
    for epoch in range(5):
        assert resolve(found.spec, resnet, epoch).names() == resolve(spec, resnet, epoch).names()


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_any_selection_exported_comes_back(
    data,
):
    tree = read_source(RESNET)
    flags = data.draw(st.lists(st.booleans(), min_size=62, max_size=62).filter(any))
    mask = Mask(tree, tuple(flags))
    spec = fc.FreezeSpec.parse(
        "\n".join(f"{'train' if flag else 'freeze'} {p.name}" for p, flag in zip(tree.parameters, flags, strict=True))
    )
    assert trained(export(RESNET, spec, tree=tree), tree) == mask.names()


@pytest.mark.parametrize(
    "line",
    [
        "{} {}",
        "{}: {}",
        "{}\t{}",
        "('{}', {})",
        "- {}: {}",
        "{} requires_grad={}",
        '"{}", {}',
        "{} torch.Size([64, 3]) {}",
        "module.{} {}",
        "_orig_mod.{} {}",
    ],
)
def test_printed_names_with_true_or_false_come_back(line, resnet):
    wanted = mask_of(HEAD, resnet)
    text = "\n".join(line.format(p.name, p.name in wanted) for p in resnet.parameters)
    found = import_rules(text, resnet)
    assert resolve(found.spec, resnet).names() == wanted
    assert (found.kind, found.missing, found.new, found.unread) == ("names", (), (), ())


@pytest.mark.parametrize("text", ["fc.weight\nfc.bias", '["fc.weight", "fc.bias"]', "- fc", "# mine\nfc  # the head"])
def test_names_without_a_state_are_what_trains(text, resnet):
    assert trained(text, resnet) == mask_of(HEAD, resnet)
    assert [note for note in import_rules(text, resnet).notes if "they were taken as what trains" in note]
    assert not import_rules("fc.weight True\nfc.bias True", resnet).notes


def test_what_names_leave_out_or_have_too_much_is_told(resnet):
    lines = [f"{p.name} False" for p in resnet.parameters if not p.name.startswith("fc.")]
    found = import_rules(
        "\n".join([*lines, "classifier.weight True", "what is this?", "backbone.fc.bias True"]), resnet
    )
    assert found.missing == ("classifier.weight",)
    assert found.new == ("fc.weight",)
    assert found.mapped == {"backbone.fc.bias": "fc.bias"}
    assert [(row.line, row.text) for row in found.unread] == [(62, "what is this?")]


def test_axolotl_s_patterns_are_read_as_axolotl_reads_them(resnet):
    found = import_rules(
        "base_model: x\nunfrozen_parameters:\n  - ^fc.\n  - layer4.+.bn\n  - layer9\n  - fc.weight$[:10]\n", resnet
    )
    assert resolve(found.spec, resnet).names() == tuple(
        p.name for p in resnet.parameters if p.name.startswith("fc.") or "layer4" in p.name and ".bn" in p.name
    )
    assert found.missing == ("layer9",)
    assert [row.text for row in found.unread] == ["fc.weight$[:10]"]


def test_llama_factory_s_keys_are_read_as_llama_factory_reads_them(bert):
    found = import_rules(
        "finetuning_type: freeze\nfreeze_trainable_layers: 2\nfreeze_extra_modules: classifier\n", bert
    )
    assert found.kind == "llama-factory"
    assert resolve(found.spec, bert).names() == mask_of("freeze all; train blocks:last2 classifier", bert)


@pytest.mark.parametrize(
    "text", ['{"peft_type": "LORA", "modules_to_save": ["classifier"]}', "modules_to_save:\n- classifier\n"]
)
def test_peft_s_modules_to_save_train(text, bert):
    assert trained(text, bert) == mask_of("freeze all; train classifier", bert)


def test_a_saved_spec_comes_back_whole(resnet):
    rules = "freeze all; train head; norms update"
    assert import_rules(export(RESNET, rules, "spec", tree=resnet), resnet).rules == rules


def test_a_spec_of_another_model_is_refused_whole(bert, resnet):
    with pytest.raises(ExportError, match="does not fit config:bert"):
        import_rules(export(RESNET, HEAD, "spec", tree=resnet), bert)


def test_rules_are_rules(resnet):
    assert import_rules(HEAD, resnet).rules == HEAD
    with pytest.raises(FreezeError, match="No parameter of timm:resnet18 matches 'hed'"):
        import_rules("freeze all; train hed", resnet)


def test_what_python_decides_by_itself_is_shown_line_by_line(resnet):
    snippet = "model.requires_grad_(False)\nlearn.freeze_to(-2)\nfor p in pick(model):\n    p.requires_grad = True\n"
    found = import_rules(snippet, resnet)
    assert [row.line for row in found.unread] == [2, 3]
    assert all(row.why for row in found.unread)


BOMB = "modules_to_save:\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'lol'}]\n" for i in range(12)
)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "The text is empty."),
        (b"\xff\xfe\x00", "This is no text in UTF-8."),
        (pickle.dumps({"a": 1}), "This is a pickle, which could run code when it is opened, and no selection."),
        (b"PK\x03\x04checkpoint", "This is a zip archive, such as a PyTorch checkpoint, and no selection."),
        ("x" * 5_000_000, "5,000,000 bytes are too many for a selection; 4,194,304 are the most that is read."),
        (json.dumps({"cells": [], "nbformat": 4}), "This is a Jupyter notebook."),
        ('{"rules": "freeze', "This JSON cannot be read."),
        (BOMB, "This YAML uses the alias '*a0'."),
        ("modules_to_save: " + "[" * 200, "This YAML is nested more than 60 deep."),
        ("unfrozen_parameters:\n- 'x\n", "This YAML cannot be read near line 3."),
        ("unfrozen_parameters: 3\n", "'unfrozen_parameters' is no list of names."),
        ("a: 1\nb: 2\n", "This configuration has no key that says what to freeze."),
        ("bert.embeddings.weight False\n", "Nothing in this text says what to freeze."),
        ("hello world\n", "Nothing in this text says what to freeze."),
        ("model.requires_grad_(\n", "Nothing in this text says what to freeze."),
        ("for p in model.parameters()\n    p.requires_grad = False", "Line 1 is no Python: expected ':'."),
    ],
)
def test_what_is_no_selection_is_refused_in_a_sentence(content, problem, resnet):
    with pytest.raises(ExportError) as refused:
        import_rules(content, resnet)
    assert refused.value.problem == problem
    assert refused.value.hint


@pytest.mark.parametrize(
    "snippet",
    [
        "p.requires_grad = __import__('os').system('true')",
        "model.requires_grad_(open('/etc/passwd').read())",
        "x = [0] * 10**12\nmodel.requires_grad_(False)",
        "def f(n): return f(n)\nmodel.requires_grad_(f(1))",
        "model.requires_grad_(len(list(range(10**12))) > 0)",
        "for n, p in model.named_parameters():\n    import re\n    p.requires_grad = bool(re.match('(a+)+$', n))",
        "model.requires_grad_(" + "not " * 5_000 + "True)",
        "model.requires_grad_(" + "(" * 500 + "1" + ")" * 500 + ")",
    ],
)
def test_hostile_python_is_parsed_and_never_run(snippet, resnet):
    try:
        found = import_rules(snippet, resnet)
    except FreezeError as error:
        assert error.problem
    else:
        assert found.spec is not None


@given(st.text(max_size=200) | st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused_in_a_sentence(content):
    try:
        import_rules(content, read_source(RESNET))
    except FreezeError as error:
        assert error.problem


def test_a_class_with_blank_lines_between_its_methods_is_run_as_its_framework_would():
    text = (
        "from mmengine.hooks import Hook\n\n\nclass Freeze(Hook):\n    every = 1\n\n"
        "    def before_train(self, runner):\n        runner.model.layer1.requires_grad_(False)\n"
    )
    assert import_rules(text, read_source(ModelSource.parse("timm:resnet18"))).rules == "freeze layer1"


def test_a_part_that_runs_without_gradients_is_told_with_its_line():
    text = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.body = models.resnet18()\n        self.body.conv1.requires_grad_(False)\n\n"
        "    def forward(self, x):\n        with torch.no_grad():\n            return self.body(x)\n\n\nnet = Net()\n"
    )
    found = import_rules(text, read_source(ModelSource.parse("timm:resnet18")))
    assert found.rules == "freeze conv1.weight"
    assert [note for note in found.notes if "Line 8 runs a part without gradients" in note]


NORMS_MOVE = (
    "Of 20 norms without a training weight the statistics stand still here; a loop that calls model.train() lets them "
    "move: `norms update` does as it does."
)
HANDED_OVER = {
    "a process per card": "import torch.multiprocessing as mp\n{}mp.spawn(work, args=(2,), nprocs=2)\n",
    "a command line": "import fire\n{}fire.Fire(work)\n",
    "a thread": "from threading import Thread\n{}Thread(target=work).start()\n",
    "an event": "from somewhere import Engine\n{}Engine('n').add_event_handler('started', work)\n",
}


@pytest.mark.parametrize("to", HANDED_OVER)
def test_a_function_that_is_handed_to_something_unknown_is_run_once_and_it_is_said(to):
    function = "def work(trainer=None):\n    model.layer1.requires_grad_(False)\n\n\n"
    found = import_rules(HANDED_OVER[to].format(function), read_source(ModelSource.parse("timm:resnet18")))
    assert found.rules == "freeze layer1"
    assert "work() is handed to what is not in this text; it was called once." in found.notes


def test_what_pytorch_refuses_as_requires_grad_is_told_with_its_line():
    text = "model.layer1.requires_grad_(False)\nmodel.conv1.weight.requires_grad = 0\n"
    found = import_rules(text, read_source(ModelSource.parse("timm:resnet18")))
    assert (found.rules, found.unread[0].line) == ("freeze layer1", 2)


def test_a_rate_of_zero_is_told():
    text = (
        "model.conv1.requires_grad_(False)\n"
        "optimizer = torch.optim.SGD([{'params': model.fc.parameters(), 'lr': 0.0},"
        " {'params': model.layer4.parameters()}], lr=0.1)\n"
    )
    found = import_rules(text, read_source(ModelSource.parse("timm:resnet18")))
    assert found.notes[0] == "Its optimizer gives 2 parameters a rate of 0, which changes nothing of them."


def test_a_helper_that_puts_norms_in_train_mode_is_no_training(resnet):
    text = """
def freeze_backbone(model):
    for name, param in model.named_parameters():
        param.requires_grad = name.startswith("fc.")

def unfreeze_last_stage(model):
    for param in model.layer4.parameters():
        param.requires_grad = True
    for module in model.layer4.modules():
        module.train()

def unfreeze_all(model):
    for param in model.parameters():
        param.requires_grad = True
"""
    assert trained(text, resnet) == ("fc.weight", "fc.bias")
    notes = [str(note) for note in import_rules(text, resnet).notes]
    assert notes == ["freeze_backbone() is never called here; it was called once with the model.", NORMS_MOVE]


def test_norms_that_a_script_lets_move_are_told(resnet):
    lines = "for p in model.parameters():\n    p.requires_grad = False\nmodel.fc.requires_grad_(True)\n"
    assert import_rules(lines, resnet).notes == (NORMS_MOVE,)
    assert not import_rules(f"{lines}model.layer1.eval()\n", resnet).notes
    assert not import_rules("model.fc.requires_grad_(True)\n", resnet).notes


NEVER_HANDED = {
    "a callback of transformers": (
        "model.conv1.requires_grad_(False)\nfrom transformers import TrainerCallback\nclass Freeze(TrainerCallback):\n"
        "    def on_train_begin(self, args, state, control, model=None, **kwargs):\n"
        "        model.layer1.requires_grad_(False)\n\nmine = [Freeze()]\n"
    ),
    "a callback of Lightning": (
        "model.conv1.requires_grad_(False)\nimport lightning as L\nclass Freeze(L.Callback):\n"
        "    def on_fit_start(self, trainer, pl_module):\n"
        "        pl_module.layer1.requires_grad_(False)\n\nmine = Freeze()\n"
    ),
    "a module of Lightning": (
        "import lightning as L\nclass Net(L.LightningModule):\n    def __init__(self):\n        super().__init__()\n"
        "        self.net = models.resnet18()\n"
        "        self.net.conv1.requires_grad_(False)\n\n    def setup(self, stage):\n        if stage == 'fit':\n"
        "            self.net.layer1.requires_grad_(False)\n\nmine = Net()\n"
    ),
}


@pytest.mark.parametrize("what", NEVER_HANDED)
def test_what_no_trainer_is_given_is_run_as_its_framework_would(what):
    found = import_rules(NEVER_HANDED[what], read_source(ModelSource.parse("timm:resnet18")))
    assert not found.unread
    assert found.rules == "freeze conv1 layer1"


def test_models_that_are_trained_one_after_another_and_not_frozen_alike_are_told(bert):
    text = """
from transformers import BertForSequenceClassification, Trainer, TrainingArguments
for setting in [{"frozen": 0}, {"frozen": 6}]:
    model = BertForSequenceClassification.from_pretrained("bert-base-uncased")
    for layer in model.bert.encoder.layer[: setting["frozen"]]:
        for param in layer.parameters():
            param.requires_grad = False
    Trainer(model=model, args=TrainingArguments(output_dir="out")).train()
"""
    found = import_rules(text, bert)
    assert str(found.spec) == "freeze blocks:0-5"
    assert any("2 models that are not frozen alike" in str(note) for note in found.notes)


@pytest.fixture(scope="module")
def vit():
    return read_source(ModelSource.parse("config:vit", task="image-classification", num_labels=3))


VIT = "from transformers import ViTForImageClassification as Vit\nmodel = Vit.from_pretrained('google/vit')\n"
FREEZE_BODY = "for p in model.vit.parameters():\n    p.requires_grad = False\n"


def test_a_copy_of_a_model_is_frozen_as_the_model_was(vit):
    text = (
        f"import copy, torch\n{VIT}{FREEZE_BODY}other = copy.deepcopy(model)\ntorch.optim.SGD(other.parameters(), lr=1)"
    )
    assert trained(text, vit) == ("classifier.weight", "classifier.bias")


def test_a_frozen_copy_leaves_the_model_as_it_is(vit):
    text = f"import copy\n{VIT}teacher = copy.deepcopy(model)\n{FREEZE_BODY.replace('model.vit', 'teacher')}"
    text += "model.classifier.requires_grad_(True)"
    assert len(trained(text, vit)) == len(vit.parameters)


@pytest.mark.parametrize("call", ["clip.load('x')", "FastModel.from_pretrained('x', max_seq_length=8)"])
def test_a_model_that_is_unpacked_from_what_something_unknown_gives_is_the_open_one(call, resnet):
    text = f"import clip\nmodel, tokenizer = {call}\nfor p in model.layer1.parameters():\n    p.requires_grad = False"
    found = import_rules(text, resnet)
    assert (found.rules, found.unread) == ("freeze layer1", ())
    assert any("read" in str(note) for note in found.notes), "that it is not known is said"


def test_an_adapter_of_axolotl_leaves_its_patterns_and_says_so(bert):
    found = import_rules("base_model: x\nadapter: lora\nunfrozen_parameters:\n  - ^bert.encoder.*\n", bert)
    assert [each.line for each in found.unread] == [3]
    assert "bert.encoder.layer.0.output.dense.weight" not in resolve(found.spec, bert).names()


def test_modules_that_torchvision_counts_off_otherwise_than_timm_are_told():
    tree = read_source(ModelSource.parse("timm:densenet121"))
    text = (
        "from torchvision import models\nmodel = models.densenet121()\n"
        "for i, (n, c) in enumerate(model.named_children()):\n"
        "    if i < 1:\n        c.requires_grad_(False)\n"
    )
    assert any("in another order than timm's" in str(note) for note in import_rules(text, tree).notes)


def test_a_schedule_goes_on_for_as_long_as_something_changes(resnet):
    text = """
import torch
def main(args):
    model = torch.hub.load("pytorch/vision", "resnet18")
    model.requires_grad_(False)
    blocks = [model.fc, model.layer4, model.layer3, model.layer2, model.layer1]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(args.epochs):
        if epoch >= 1 and (epoch - 1) % 2 == 0:
            n = 1 + (epoch - 1) // 2
            for block in blocks[:n]:
                block.requires_grad_(True)
        loss = train(model)
        loss.backward()
        optimizer.step()
"""
    spec = import_rules(text, resnet).spec
    assert [phase.epoch for phase in spec.phases] == [1, 3, 5, 7, 9]


COPIED = {
    "a document's fence": "```python\nmodel.layer1.requires_grad_(False)\n```\n",
    "two fences with words between": "First:\n```py\nn = 1\n```\nthen\n```py\nmodel.layer1.requires_grad_(False)\n```",
    "rules in a fence": "```\nfreeze layer1\n```",
    "cells": "!pip install timm\n%matplotlib inline\nmodel.layer1.requires_grad_(False)\n",
    "a fence inside of a text": "model.layer1.requires_grad_(False)\nasked = '''\n```\nmodel.fc\n```\n'''\n",
}


@pytest.mark.parametrize("how", COPIED)
def test_code_is_taken_out_of_what_it_was_copied_with(how):
    found = import_rules(COPIED[how], read_source(ModelSource.parse("timm:resnet18")))
    assert (found.rules, found.unread) == ("freeze layer1", ())


TRANSFORMERS_FREEZES = {
    "freeze_encoder": ("whisper", "speech-seq2seq", transformers.WhisperForConditionalGeneration),
    "freeze_feature_encoder": ("wav2vec2", "ctc", transformers.Wav2Vec2ForCTC),
    "freeze_base_model": ("wav2vec2", "audio-classification", transformers.Wav2Vec2ForSequenceClassification),
}


@pytest.mark.parametrize("method", TRANSFORMERS_FREEZES)
def test_a_method_of_transformers_freezes_what_the_real_one_does(method):
    kind, task, model_class = TRANSFORMERS_FREEZES[method]
    tree = read_source(ModelSource.parse(f"config:{kind}", task=task))
    with torch.device("meta"):
        model = model_class(model_class.config_class())
    getattr(model, method)()
    found = import_rules(f"model.{method}()\n", tree)
    frozen = {p.name for p in tree.parameters} - set(resolve(found.spec, tree).names())
    assert frozen == {name for name, p in model.named_parameters() if not p.requires_grad}


def test_a_method_that_freezes_a_part_which_the_model_lacks_is_told():
    with pytest.raises(ExportError) as refused:
        import_rules("model.freeze_encoder()\n", read_source(ModelSource.parse("timm:resnet18")))
    assert "freeze_encoder" in refused.value.hint


def test_a_class_of_a_library_that_is_not_known_can_be_built_with_what_it_takes():
    text = "from click import Command\nclass A(Command):\n    pass\nA(1, two=2)\nmodel.layer1.requires_grad_(False)\n"
    found = import_rules(text, read_source(ModelSource.parse("timm:resnet18")))
    assert (found.rules, found.unread) == ("freeze layer1", ())


GIVEN_AWAY = (
    "import argparse\nargs = argparse.ArgumentParser().parse_args()\nmisc.begin(args)\n"
    "model.layer1.requires_grad_(False)\nif args.distributed:\n    {then}\n"
)


def test_arguments_may_have_what_they_were_given_away_for():
    tree = read_source(ModelSource.parse("timm:resnet18"))
    found = import_rules(GIVEN_AWAY.format(then="model = model.module"), tree)
    assert (found.rules, found.unread) == ("freeze layer1", ())
    found = import_rules(GIVEN_AWAY.format(then="model.fc.requires_grad_(False)"), tree)
    assert [row.why for row in found.unread] == ["it depends on 'args.distributed', which this text does not tell"]


WRITTEN_OUT = """
import torch
from torch import nn


class Reader(nn.Module):
    def __init__(self, words, size):
        super().__init__()
        self.embedding = nn.Embedding(words, size)
        self.convs = nn.ModuleList([nn.Conv1d(size, 8, width) for width in (3, 4)])
        self.fc = nn.Linear(16, 1)


"""
OF_ITS_OWN = {
    "set by a chain of targets in a loop": (
        "model = Reader(len(vocabulary), 8)\nmodel.embedding.weight.requires_grad = open = False\n"
        "for epoch in range(6):\n    train(model)\n    if epoch + 1 >= 3:\n"
        "        model.embedding.weight.requires_grad = open = True\n",
        "freeze embeddings; from epoch 3: train all",
    ),
    "given to an optimizer": (
        "reader = Reader(9, 8)\nreader.fc.requires_grad_(False)\ntorch.optim.Adam(reader.parameters())\n",
        "freeze head",
    ),
    "held by another": (
        "class Whole(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.inner = Reader(9, 8)\n"
        "whole = Whole()\nwhole.inner.convs.requires_grad_(False)\n",
        "freeze convs",
    ),
    "beside a mapping": (
        "sizes = {'words': 9}\nmodel = Reader(sizes['words'], 8)\nmodel.convs[0].requires_grad_(False)\n",
        "freeze convs.0",
    ),
}


@pytest.fixture(scope="module")
def reader():
    space = {}
    exec(WRITTEN_OUT, space)
    return read_module(space["Reader"](9, 8))


@pytest.mark.parametrize("how", OF_ITS_OWN)
def test_a_model_whose_class_the_script_defines_is_the_one_that_is_open(how, reader):
    text, rules = OF_ITS_OWN[how]
    found = import_rules(WRITTEN_OUT + text, reader)
    assert (found.unread, found.rules) == ((), rules)


def test_what_a_script_sets_on_another_model_of_its_own_is_told(reader):
    text = WRITTEN_OUT + "model = Reader(9, 8)\nmodel.fc.requires_grad_(False)\n"
    with pytest.raises(ExportError) as refused:
        import_rules(text, read_source(ModelSource.parse("timm:resnet18")))
    assert refused.value.hint.startswith("Line 15 cannot be read: what is set here is no part of this model")


NOT_INDEXED = (
    "model[0].requires_grad_(False)",
    "model[0].auto_model.requires_grad_(False)",
    "model[:3].eval().freeze()",
)


@pytest.mark.parametrize("line", NOT_INDEXED)
def test_what_is_not_known_is_not_indexed_as_the_open_model_is(line):
    with pytest.raises(ExportError) as refused:
        import_rules(
            f"from mine import build\nmodel = build()\n{line}\n", read_source(ModelSource.parse("timm:resnet18"))
        )
    assert refused.value.hint.startswith("Line 3 cannot be read")


FOLLOWED = {
    "a parent's arguments": "import argparse\nbase = argparse.ArgumentParser(add_help=False)\n"
    "base.add_argument('--part', default='layer1')\nargs = argparse.ArgumentParser('x', parents=[base]).parse_args()\n"
    "getattr(model, args.part).requires_grad_(False)\n",
    "hydra's configuration": "import hydra\n@hydra.main(config_path='conf')\ndef main(cfg):\n"
    "    print(cfg.lr)\n    model.layer1.requires_grad_(False)\nmain()\n",
    "a command's options": "import click\n@click.command()\n@click.option('--lr')\ndef main(lr, seed=1):\n"
    "    model.layer1.requires_grad_(False)\nmain()\n",
    "a model behind a condition": "if args.wrapped:\n    model = model.module\nmodel.layer1.requires_grad_(False)\n",
    "a method of torch's class": "import torch\ninit = torch.Tensor.normal_\nmodel.layer1.requires_grad_(False)\n",
}


@pytest.mark.parametrize("how", FOLLOWED)
def test_what_stands_around_the_freezing_does_not_hinder_it(how):
    found = import_rules(FOLLOWED[how], read_source(ModelSource.parse("timm:resnet18")))
    assert (found.rules, found.unread) == ("freeze layer1", ())


def test_parameters_that_an_optimizer_is_not_given_are_said_where_nothing_is_frozen():
    text = "import torch\nmodel.train()\ntorch.optim.SGD(model.fc.parameters(), lr=0.1)\n"
    with pytest.raises(ExportError) as refused:
        import_rules(text, read_source(ModelSource.parse("timm:resnet18")))
    assert refused.value.hint.endswith("Its optimizer is given only 2 of the 62 parameters that train.")


def test_conditions_that_there_was_no_time_to_try_are_told():
    many = "".join(f"if args.a{i}:\n    print({i})\n" for i in range(60))
    text = f"model.layer1.requires_grad_(False)\n{many}if args.last:\n    model.fc.requires_grad_(False)\n"
    found = import_rules(text, read_source(ModelSource.parse("timm:resnet18")))
    assert (122, "it depends on 'args.last', which this text does not tell") in [(u.line, u.why) for u in found.unread]


@pytest.mark.parametrize("name", ["convnext_tiny", "deit_tiny_distilled_patch16_224", "coat_lite_tiny"])
@pytest.mark.parametrize("how", ["num_classes=0", "reset_classifier"])
def test_timm_leaves_out_the_classifier_that_a_script_does_not_ask_for(name, how):
    with torch.device("meta"):
        whole, without = timm.create_model(name), timm.create_model(name, num_classes=0)
    built = f"timm.create_model('{name}', num_classes=0)" if how == "num_classes=0" else f"timm.create_model('{name}')"
    text = f"import timm\nm = {built}\n{'' if 'num' in how else 'm.reset_classifier(0)'}\nm.requires_grad_(False)\n"
    tree = read_source(ModelSource.parse(f"timm:{name}"))
    trains = set(resolve(import_rules(text, tree).spec, tree).names())
    assert trains == {n for n, _ in whole.named_parameters()} - {n for n, _ in without.named_parameters()}


@pytest.mark.parametrize("name", ["backbone", "base_model", "trunk"])
def test_a_name_that_is_taken_for_all_but_the_head_says_so(name, resnet):
    found = import_rules(f"model.{name}.requires_grad_(False)", resnet)
    assert found.spec == FreezeSpec.parse(HEAD)
    assert found.notes == (f"'{name}' is not in this model: all but its head is taken for it.", NORMS_MOVE)


def test_a_model_s_own_base_is_taken_for_itself_in_silence(bert):
    assert import_rules("model.base_model.requires_grad_(False)", bert).notes == ()


KERAS = {
    "on a module": ("model.layer1.trainable = False\n", 1),
    "on each of a slice": ("for layer in list(model.children())[:-1]:\n    layer.trainable = False\n", 2),
    "by a helper": (
        "def mark(module, on):\n    module.trainable = on\n    for m in module.children():\n        mark(m, on)\n"
        "mark(model, False)\n",
        2,
    ),
    "by setattr": ("setattr(model.layer1, 'trainable', False)\n", 1),
}


@pytest.mark.parametrize("case", KERAS)
def test_keras_s_trainable_freezes_nothing_and_is_told_with_its_line(case, resnet):
    text, line = KERAS[case]
    found = import_rules(text + "model.conv1.requires_grad_(False)\n", resnet)
    assert found.spec == FreezeSpec.parse("freeze conv1.weight")
    assert [(one.line, "'trainable' is Keras's" in one.why) for one in found.unread] == [(line, True)]
    with pytest.raises(ExportError):
        import_rules(text, resnet)


@pytest.mark.parametrize("name", ["require_grad", "requires_grads", "require_gradient"])
def test_a_misspelt_requires_grad_is_told_with_its_line(name, resnet):
    text = f"for n, p in model.named_parameters():\n    p.{name} = False\n"
    found = import_rules(text + "model.conv1.requires_grad_(False)\n", resnet)
    assert found.spec == FreezeSpec.parse("freeze conv1.weight")
    assert [(one.line, f"'{name}' is no attribute" in one.why) for one in found.unread] == [(2, True)]
    with pytest.raises(ExportError, match="could not be followed") as refused:
        import_rules(text, resnet)
    assert f"Line 2 cannot be read: '{name}' is no attribute" in refused.value.hint


def test_a_class_that_makes_trainable_freeze_is_followed(resnet):
    text = """
class Part(torch.nn.Sequential):
    @property
    def trainable(self):
        return True
    @trainable.setter
    def trainable(self, on):
        self.requires_grad_(on)
Part(model.conv1).trainable = False
"""
    found = import_rules("import torch\n" + text, resnet)
    assert found.spec == FreezeSpec.parse("freeze conv1.weight")
    assert found.unread == ()
