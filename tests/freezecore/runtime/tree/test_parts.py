"""The parts of multimodal models: what they are, how rules and presets reach them, and other trainers' switches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from torch import nn

from freezecore import FreezeSpec, resolve
from freezecore._presets import missing_presets, presets
from freezecore.errors import RuleError
from freezecore.runtime.build.source import build
from freezecore.runtime.tree.read import read_module
from freezecore.source import ModelSource
from freezecore.tree import LayerTree
from tests.freezecore import multimodal

THEIRS = json.loads((Path(__file__).parent / "switches.json").read_text())["rows"]
PARTS = {  # of each family: the modules of vision or audio, of the projector, and of the language model
    "llava": ("model.vision_tower", "model.multi_modal_projector", "model.language_model lm_head"),
    "llava_next": ("model.vision_tower", "model.multi_modal_projector model.image_newline",
                   "model.language_model lm_head"),
    "internvl": ("model.vision_tower", "model.multi_modal_projector", "model.language_model lm_head"),
    "gemma3": ("model.vision_tower", "model.multi_modal_projector", "model.language_model lm_head"),
    "paligemma": ("model.vision_tower", "model.multi_modal_projector", "model.language_model lm_head"),
    "smolvlm": ("model.vision_model", "model.connector", "model.text_model lm_head"),
    "idefics3": ("model.vision_model", "model.connector", "model.text_model lm_head"),
    "mistral3": ("model.vision_tower", "model.multi_modal_projector", "model.language_model lm_head"),
    "llama4": ("vision_model", "multi_modal_projector", "language_model"),
    "qwen2_vl": ("model.visual.patch_embed model.visual.blocks", "model.visual.merger",
                 "model.language_model lm_head"),
    "qwen2_5_vl": ("model.visual.patch_embed model.visual.blocks", "model.visual.merger",
                   "model.language_model lm_head"),
    "qwen3_vl": ("model.visual.patch_embed model.visual.pos_embed model.visual.blocks",
                 "model.visual.merger model.visual.deepstack_merger_list", "model.language_model lm_head"),
    "florence2": ("model.vision_tower", "model.multi_modal_projector", "model.language_model lm_head"),
    "qwen2_audio": ("model.audio_tower", "model.multi_modal_projector", "model.language_model lm_head"),
    "whisper": ("model.encoder", "", "model.decoder proj_out"),
    "clip": ("vision_model", "visual_projection text_projection", "text_model"),
    "siglip": ("vision_model", "", "text_model"),
}  # fmt: skip
SWITCHES = {  # of LLaMA-Factory and ms-swift, with our rules for the same
    "vision frozen": "freeze {input}",
    "vision and projector frozen": "freeze {input} projector",
    "language frozen": "freeze language",
    "projector only": "freeze all; train projector",
}
NEWLINE = "never freezes the row that stands between the lines of a picture, which is the projector's here"
DIFFERS = {  # where what a switch trains is not what its name says, and why
    ("llava_next", "llama-factory"): NEWLINE,
    ("llava_next", "ms-swift"): NEWLINE,
    ("qwen3_vl", "llama-factory"): "counts the deepstack mergers as vision, ms-swift as the aligner",
    ("idefics3", "ms-swift"): "leaves the output embeddings out of the language model, so they always train",
    (
        "glm4v",
        "llama-factory",
    ): "knows the patch embedding and the blocks as vision, so five other modules always train",
    ("glm4v", "ms-swift"): "trains the merger behind a frozen downsampling",
    ("qwen2_audio", "ms-swift"): "names modules as they were called before transformers 5, so nothing is frozen",
}


def built(family: str, folder: Path, changes: dict | None = None) -> LayerTree:
    place = folder / "config.json"
    place.write_text(json.dumps(multimodal.config(family) | (changes or {})))
    source = ModelSource.parse(f"config:{place}", task=multimodal.task(family))
    return read_module(build(source).model, family, own=True)


def under(tree: LayerTree, text: str) -> set[str]:
    return {tree.parameters[i].name for path in text.split() for i in tree.under(path)}


@pytest.mark.parametrize("family", PARTS)
def test_a_family_has_its_parts_and_each_tower_is_of_one(family: str, tmp_path: Path) -> None:
    tree = built(family, tmp_path)
    sees = "audio" if family in ("qwen2_audio", "whisper") else "vision"
    found = {part.name: {tree.parameters[i].name for i in tree.in_part[part.name]} for part in tree.parts}
    found.pop("other", None)
    wanted = dict(zip((sees, "projector", "language"), PARTS[family], strict=True))
    assert found == {name: under(tree, text) for name, text in wanted.items() if text}
    assert {tower.part for tower in tree.towers} == {sees, "language"}
    assert sorted(i for positions in tree.in_part.values() for i in positions) == list(range(len(tree.parameters)))


@pytest.mark.parametrize("family", [name for name in THEIRS if name in multimodal.FAMILIES])
def test_a_switch_of_another_trainer_trains_what_our_rules_train(family: str, tmp_path: Path) -> None:
    tree = built(family, tmp_path)
    sees = "audio" if "audio" in {part.name for part in tree.parts} else "vision"
    for switch, trainers in THEIRS[family].items():
        ours = resolve(FreezeSpec.parse(SWITCHES[switch].format(input=sees)), tree)
        for trainer, modules in trainers.items():
            theirs = {name for path in modules for name in under(tree, path)}
            if (family, trainer) not in DIFFERS:
                assert set(ours.names()) == theirs, (switch, trainer)


def test_the_differences_from_other_trainers_are_real(tmp_path: Path) -> None:
    for family, trainer in DIFFERS:
        if family in multimodal.FAMILIES:
            tree = built(family, tmp_path)
            sees = "audio" if "audio" in {part.name for part in tree.parts} else "vision"
            found = [
                set(resolve(FreezeSpec.parse(SWITCHES[switch].format(input=sees)), tree).names())
                == {name for path in trainers[trainer] for name in under(tree, path)}
                for switch, trainers in THEIRS[family].items()
            ]
            assert not all(found), (family, trainer)


def test_presets_of_parts_say_the_four_things_people_ask_for(tmp_path: Path) -> None:
    deep = {"text_config": multimodal.FAMILIES["llava"]["text_config"] | {"num_hidden_layers": 3}}
    offered = {preset.key: preset.rules for preset in presets(built("llava", tmp_path, deep))}
    assert offered["projector-only"] == "freeze all; train projector"
    assert offered["projector-last-blocks"] == "freeze all; train projector blocks@language:last2"
    assert offered["vision-frozen"] == "freeze vision"
    assert offered["language-frozen"] == "freeze language"


def test_blocks_of_a_part_are_reached_by_its_name(tmp_path: Path) -> None:
    tree = built("qwen2_5_vl", tmp_path)
    mask = resolve(FreezeSpec.parse("freeze all; train blocks@vision:last1"), tree)
    assert {name.split(".")[3] for name in mask.names()} == {"2"}


def test_a_model_of_one_kind_of_input_has_no_parts_and_says_so() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    tree = read_module(model)
    assert tree.parts == ()
    assert "projector-only" not in {preset.key for preset in (*presets(tree), *missing_presets(tree))}
    with pytest.raises(RuleError, match="has parts"):
        resolve(FreezeSpec.parse("freeze part:vision"), tree)


def test_a_part_that_a_model_lacks_is_told_with_those_it_has(tmp_path: Path) -> None:
    tree = built("whisper", tmp_path)
    with pytest.raises(RuleError, match="Its parts are audio, language"):
        resolve(FreezeSpec.parse("freeze projector"), tree)


def test_a_module_that_is_called_like_a_part_is_meant_first() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vision = nn.Linear(2, 2)
            self.rest = nn.Linear(2, 2)

    mask = resolve(FreezeSpec.parse("freeze vision"), read_module(Own()))
    assert set(mask.names()) == {"rest.weight", "rest.bias"}


@pytest.mark.parametrize(
    ("family", "parts", "head", "blocks"),
    [
        ("tvp", {"vision": "vision_model visual_prompter", "projector": "visual_embeddings",
                 "language": "embeddings encoder pooler text_prompt"}, "", [16, 12]),  # one encoder reads both
        ("pe_audio_video_encoder", {"vision": "embedder.video_encoder", "audio": "embedder.audio_encoder",
                                    "projector": "embedder.video_proj embedder.video_norm embedder.data_proj "
                                    "embedder.concat_modality_proj patch_embedder layers norm output"},
         "", [4, 6, 24, 6, 6]),
        ("xcodec", {}, "", [12, 2, 2, 4, 4]),  # takes in sound alone, and nothing of it predicts
        ("mobilenet_v1", {}, "", [26]),  # single layers, and the last of a bare base is one of them
    ],
)  # fmt: skip
def test_what_flows_into_it_makes_a_part_and_what_reads_that_does_not(
    family: str, parts: dict[str, str], head: str, blocks: list[int]
) -> None:
    source = ModelSource.parse(f"config:{family}", task="base")
    tree = read_module(build(source).model, family, own=True)
    found = {part.name: {tree.parameters[i].name for i in tree.in_part[part.name]} for part in tree.parts}
    found.pop("other", None)
    assert found == {name: under(tree, text) for name, text in parts.items()}
    assert " ".join(tree.head) == head
    assert sorted(len(tower.blocks) for tower in tree.towers) == sorted(blocks)
