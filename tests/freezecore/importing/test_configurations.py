"""Trainers' configurations, against each library's own rule written out again, and against what its own code set."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import resnet18, resnet50
from torchvision.models.detection import FasterRCNN, RetinaNet, fasterrcnn_resnet50_fpn
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d

from freezecore._resolve import resolve
from freezecore.adapter import parse_adapters
from freezecore.adapter_targets import adapter_targets
from freezecore.errors import ExportError
from freezecore.importing import import_rules
from freezecore.runtime.tree.read import read_module, read_source
from freezecore.source import ModelSource

SEEN = Path(__file__).parents[2] / "data" / "imports" / "seen"
VISION = {
    "qwen25vl7b": ("visual.patch_embed", "visual.blocks"),
    "qwen3vl8b": ("visual.pos_embed", "visual.patch_embed", "visual.blocks", "visual.deepstack_merger_list"),
}
BLOCKS = {"qwen25vl7b": 28, "qwen3vl8b": 36}


@cache
def opened(name):
    return read_source(ModelSource.parse(f"config:{SEEN / name}.json"))


def trained(text, tree):
    found = import_rules(text, tree)
    assert not found.unread
    return set(resolve(found.spec, tree).names())


def ids(name, count, pro):
    blocks = BLOCKS[name]
    if pro:
        return range(blocks // count - 1, blocks, blocks // count)
    return range(max(0, blocks - count), blocks) if count > 0 else range(min(-count, blocks))


@pytest.mark.parametrize("name", VISION)
@pytest.mark.parametrize(
    ("text", "forbidden", "layers"),
    [
        ("last2.yaml", "vp", (2, False)),
        ("first2.yaml", "vp", (-2, False)),
        ("llama_pro.yaml", "vp", (4, True)),
        ("full_with_key.yaml", "vp", None),
        ("projector_only.yaml", "vl", None),
    ],
)
def test_llama_factory_on_a_multimodal_model(name, text, forbidden, layers):
    tree = opened(name)
    parts = {"v": VISION[name], "p": ("visual.merger",), "l": ("language_model", "lm_head")}
    out = [part for each in forbidden for part in parts[each]]
    wanted = {p.name for p in tree.parameters if not any(part in p.name for part in out)}
    if layers:
        numbers = [f".{i}." for i in ids(name, *layers)]
        wanted = {each for each in wanted if any(number in each for number in numbers)}
    assert trained((SEEN / text).read_text(), tree) == wanted


def test_llama_factory_s_additional_targets_train_beside_the_adapter():
    tree = opened("qwen25vl7b")
    wanted = {p.name for p in tree.parameters if re.search(r"(embed_tokens|lm_head)\.weight$", p.name)}
    assert len(wanted) == 2
    assert trained((SEEN / "lora.yaml").read_text(), tree) == wanted


@pytest.mark.parametrize("keys", [("actor_rollout_ref", "actor"), ("worker", "actor", "model")], ids=["verl", "EasyR1"])
def test_verl_s_vision_tower_is_what_stands_under_the_name_that_it_looks_for(keys):
    text, tree = "", opened("qwen25vl7b")
    for depth, key in enumerate(keys):
        text += f"{'  ' * depth}{key}:\n"
    text += f"{'  ' * len(keys)}freeze_vision_tower: true\n"
    names = {p.name for p in tree.parameters}
    assert trained(text, tree) == {name for name in names if not re.match(r"(model\.)?visual\.", name)} != names
    assert trained(text.replace("true", "false"), tree) == names


def test_a_command_line_s_options_are_read_as_the_configuration_that_they_are():
    tree = opened("qwen25vl7b")
    keys = {"model_type": "qwen2_5_vl", "train_type": "full", "freeze_aligner": "false"}
    written = "".join(f"{key}: {value}\n" for key, value in keys.items())
    typed = "CUDA_VISIBLE_DEVICES=0 swift sft \\\n" + " \\\n".join(f"    --{k} {v}" for k, v in keys.items())
    assert trained(typed, tree) == trained(written, tree) != set()
    overrides = "python3 -m verl.trainer.main_ppo actor_rollout_ref.actor.freeze_vision_tower=True data.seed=1"
    tower = "actor_rollout_ref:\n  actor:\n    freeze_vision_tower: true\n"
    assert trained(overrides, tree) == trained(tower, tree)


def test_verl_finds_no_tower_in_a_model_that_calls_it_otherwise():
    tree = read_module(nn.ModuleDict({"vision_tower": nn.Linear(2, 2), "head": nn.Linear(2, 2)}), "other", own=True)
    found = import_rules("actor_rollout_ref:\n  actor:\n    freeze_vision_tower: true\n", tree)
    assert set(resolve(found.spec, tree).names()) == {p.name for p in tree.parameters}
    assert "visual" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "trains"),
    [
        ("freeze_vit: true\nfreeze_aligner: false\nfreeze_llm: true\ntuner_type: full", r"visual\.merger"),
        ("train_type: full\nfreeze_vit: false\nfreeze_llm: true", r"visual\.(?!merger)"),
        ("freeze_parameters_ratio: 1\ntrainable_parameters_regex: layers\\.2[67]\\.", r"layers\.2[67]\."),
        ("freeze_parameters_ratio: 1\ntrainable_parameters:\n- lm_head", r"lm_head"),
    ],
)
def test_ms_swift_s_keys(text, trains):
    tree = opened("qwen25vl7b")
    assert trained(text, tree) == {p.name for p in tree.parameters if re.search(trains, p.name)}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_openmmlab_s_frozen_stages(count):
    tree = read_source(ModelSource.parse("timm:resnet18"))
    frozen = ("conv1.", "bn1.", *(f"layer{i}." for i in range(1, count + 1)))
    wanted = {p.name for p in tree.parameters if not p.name.startswith(frozen)}
    assert trained(f"model:\n  backbone:\n    type: ResNet\n    frozen_stages: {count}\n", tree) == wanted


@pytest.fixture(scope="module")
def detector():
    with torch.device("meta"):
        return fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)


@pytest.mark.parametrize("count", range(6))
def test_torchvision_s_trainable_backbone_layers_as_torchvision_sets_them(count, detector):
    tree = read_module(detector)
    with torch.device("meta"):
        body = _resnet_fpn_extractor(resnet50(), count).body
    frozen = {f"backbone.body.{name}" for name, p in body.named_parameters() if not p.requires_grad}
    assert trained(f"trainable_backbone_layers: {count}", tree) == {p.name for p in tree.parameters} - frozen


def test_a_key_that_is_not_followed_is_told_with_its_line():
    found = import_rules("a: 1\nfinetuning_type: galore\n", read_source(ModelSource.parse("timm:resnet18")))
    assert [(row.line, row.text) for row in found.unread] == [(2, "finetuning_type: galore")]


def test_llama_pro_trains_the_modules_that_are_named():
    tree, text = opened("qwen25vl7b"), "finetuning_type: freeze\nuse_llama_pro: true\nfreeze_trainable_modules: mlp\n"
    wanted = {p.name for p in tree.parameters if re.search(r"language_model.layers.(13|27).mlp", p.name)}
    assert len(wanted) == 6
    assert trained(text, tree) == wanted


def test_llama_factory_puts_no_adapter_on_what_cuts_pictures_into_patches():
    tree, text = opened("qwen25vl7b"), "finetuning_type: lora\nlora_target: all\nfreeze_vision_tower: false"
    joined = adapter_targets(parse_adapters(import_rules(text, tree).adapter), tree)
    assert "model.visual.blocks.0.attn.proj" in joined and "model.visual.patch_embed.proj" not in joined


def test_llama_pro_with_a_rest_is_refused_as_llama_factory_refuses_it():
    with pytest.raises(ExportError, match="28 blocks by 5"):
        import_rules("finetuning_type: freeze\nuse_llama_pro: true\nfreeze_trainable_layers: 5", opened("qwen25vl7b"))


JUDGED = Path(__file__).parents[2] / "data" / "imports" / "configurations"
ROWS = json.loads((JUDGED / "judged.json").read_text())


def skeleton(names):
    """A module with a parameter of each name."""
    root = nn.Module()
    for name in names:
        at, *rest = root, *name.split(".")
        for part in rest[:-1]:
            if not hasattr(at, part):
                at.add_module(part, nn.Module())
            at = getattr(at, part)
        at.register_parameter(rest[-1], nn.Parameter(torch.empty(1, device="meta")))
    return root


def detector_of_openmmlab(depth):
    """OpenMMLab's ResNets name their parts as torchvision's do."""
    root = nn.Module()
    root.backbone, root.head = {"18": resnet18, "50": resnet50}[depth](), nn.Conv2d(8, 8, 1)
    del root.backbone.fc
    return root


@cache
def judged_model(judge, model):
    """The tree that a configuration was judged for."""
    if (JUDGED / "models" / f"{model}.json").exists():
        task = {"task": "sequence-classification"} if model == "bert" else {}
        return read_source(ModelSource.parse(f"config:{JUDGED / 'models' / model}.json", **task))
    with torch.device("meta"):
        if judge == "OpenMMLab":
            return read_module(detector_of_openmmlab(model.partition(":")[2]))
        if judge == "torchvision":
            body = resnet50(norm_layer=FrozenBatchNorm2d if model == "fasterrcnn" else nn.BatchNorm2d)
            kind = {"fasterrcnn": FasterRCNN, "retinanet": RetinaNet}[model]
            return read_module(kind(_resnet_fpn_extractor(body, 5), 91))
        return read_module(skeleton(json.loads((JUDGED / "models" / f"{model}.names.json").read_text())))


@pytest.mark.parametrize("name", ROWS)
def test_a_configuration_trains_what_its_own_library_trains(name):
    """`judged.json` has what the library's own code set, once, on the same model."""
    row = ROWS[name]
    tree = judged_model(row["judge"], row["model"])
    names = {p.name for p in tree.parameters}
    wanted = set(row["trains"]) if "trains" in row else names - set(row["frozen"])
    assert wanted <= names
    assert trained(next(JUDGED.glob(f"{name}.*")).read_text(), tree) == wanted


UNKNOWN_TO_IT = {
    "LLaMA-Factory": "finetuning_type: full\nfreeze_vision_tower: true\n",
    "ms-swift": "tuner_type: full\nfreeze_vit: true\n",
}


@pytest.mark.parametrize("library", UNKNOWN_TO_IT)
def test_a_multimodal_model_that_a_library_does_not_list_is_told(library):
    text = UNKNOWN_TO_IT[library]
    model = {"LLaMA-Factory": "llava_onevision", "ms-swift": "qwen2_5_omni_thinker"}[library]
    found = import_rules(text, judged_model("", model))
    assert [row.line for row in found.unread] == [2]


STANDING_ON_ANOTHER = {
    "OpenMMLab": ("_base_: ./day.py\nmodel:\n  backbone:\n    frozen_stages: 1\n", 1),
    "Hydra": ("lr: 1\ndefaults:\n  - model: resnet\n  - _self_\nbackbone:\n  frozen_stages: 1\n", 2),
    "axolotl": ("frozen_stages: 1\nbase_config: shared.yaml\n", 2),
    "TOML": ("_base_ = 'shared.toml'\nfrozen_stages = 1\n", 1),
    "OpenMMLab in Python": ("_base_ = './day.py'\nmodel = dict(backbone=dict(frozen_stages=1))\n", 1),
    "mmengine in Python": (
        "with read_base():\n    from .day import *\nmodel = dict(backbone=dict(frozen_stages=1))\n",
        1,
    ),
}


@pytest.mark.parametrize("kind", STANDING_ON_ANOTHER)
def test_a_configuration_that_stands_on_another_says_that_this_one_is_not_followed(kind):
    text, line = STANDING_ON_ANOTHER[kind]
    found = import_rules(text, read_source(ModelSource.parse("timm:resnet18")))
    assert found.rules == "freeze conv1 bn1 layer1"
    assert [(row.line, row.why) for row in found.unread] == [
        (line, "the configuration that this one stands on is not pasted along")
    ]


@pytest.mark.parametrize("text", ["defaults:\n  - _self_\nfrozen_stages: 1\n", "base_model: org/x\nfrozen_stages: 1\n"])
def test_a_configuration_that_stands_on_itself_alone_is_followed_whole(text):
    assert import_rules(text, read_source(ModelSource.parse("timm:resnet18"))).unread == ()


NORMS_HELD = {
    "YAML": "backbone:\n  frozen_stages: 1\n  norm_cfg:\n    type: BN\n    requires_grad: false\n",
    "Python": "model = dict(backbone=dict(frozen_stages=1, norm_cfg=dict(type='BN', requires_grad=False)))\n",
    "TOML": "[backbone]\nfrozen_stages = 1\n[backbone.norm_cfg]\ntype = 'BN'\nrequires_grad = false\n",
    "JSON": '{"backbone": {"frozen_stages": 1, "norm_cfg": {"type": "BN", "requires_grad": false}}}',
}


@pytest.mark.parametrize("language", NORMS_HELD)
def test_openmmlab_s_norms_are_held_in_whatever_language_it_is_written(language):
    tree = read_source(ModelSource.parse("timm:resnet18"))
    frozen = re.compile(r"^(conv1|bn1|layer1)\.|bn\d|downsample\.1")
    assert trained(NORMS_HELD[language], tree) == {p.name for p in tree.parameters if not frozen.search(p.name)}


def test_a_second_part_that_freezes_is_told_with_its_line():
    text = "backbone:\n  frozen_stages: 1\nneck:\n  frozen_stages: 2\n"
    found = import_rules(text, read_source(ModelSource.parse("timm:resnet18")))
    assert [(row.line, row.text) for row in found.unread] == [(4, "frozen_stages: 2")]


UNREADABLE = {
    "an alias": "a: &x\n  frozen_stages: 1\nbackbone:\n  <<: *x\n",
    "several documents": "frozen_stages: 1\n---\nfrozen_stages: 2\n",
    "JSON with a comment": '{\n  // why\n  "frozen_stages": 1\n}',
    "a value that is filled in later": "n: 1\nbackbone:\n  frozen_stages: ${n}\n",
    "detectron2's rule in Python": "cfg = get_cfg()\ncfg.MODEL.BACKBONE.FREEZE_AT = 2\n",
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_a_configuration_means_is_not_guessed(what):
    with pytest.raises(ExportError):
        import_rules(UNREADABLE[what], read_source(ModelSource.parse("timm:resnet18")))


ADAPTERS = (
    "adapter: qlora\nlora_target_linear: true\n",
    "adapter: lora\nlora_target_modules:\n  - q_proj\nlora_r: 8\n",
)


@pytest.mark.parametrize("text", ADAPTERS)
def test_axolotl_s_adapters_alone_leave_nothing_of_the_model_to_train(text):
    found = import_rules(text, opened("qwen25vl7b"))
    assert (found.kind, found.rules) == ("axolotl", "freeze all")


def test_targets_of_adapters_without_axolotl_s_own_keys_are_not_read_as_axolotl_s():
    with pytest.raises(ExportError):
        import_rules("lora_target_modules:\n  - q_proj\n", opened("qwen25vl7b"))
