"""axolotl and LLaMA-Factory: their keys give the mask under their own matching, or are refused with the nearest.

Both packages are too heavy to install whole here. `theirs.py` runs their own functions on every model and preset; for
what is drawn at random, those of axolotl (`utils/freeze.py`) and LLaMA-Factory (`model/adapter.py`) are written out
again below.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from freezecore._export import TARGETS, export
from freezecore._export.plan import ExportPlan
from freezecore._resolve import resolve
from freezecore.errors import ExportError
from freezecore.mask import Mask
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import Layer, LayerTree, Parameter, Tower
from freezecore.workload import Workload
from tests.freezecore.export.models import source_of

VL = ModelSource.parse("hf:some/vl")
QWEN_VL = Path(__file__).parents[2] / "data" / "exports" / "tiny-qwen2_5_vl.json"


def as_axolotl(patterns: list[str], names: list[str]) -> set[str]:
    """`freeze_layers_except` of axolotl 0.19.0: dots are literal unless a plus follows; `match`, not `search`."""
    trains = set()
    for pattern in patterns:
        assert not re.match(r"^(.+)\[([0-9]*)(?::([0-9]*))?\]$", pattern), "read as rows of a tensor"
        regex = re.compile(re.sub(r"\.(?!\+)", "\\.", pattern))
        trains |= {name for name in names if regex.match(name)}
    return trains


def as_llama_factory(keys: dict, names: list[str], num_layers: int) -> set[str]:
    """`_setup_freeze_tuning` of llamafactory 0.9.5, composite models aside."""

    def split(text: str | None) -> list[str] | None:
        return [item.strip() for item in text.split(",")] if isinstance(text, str) else text

    if keys["finetuning_type"] == "full":
        return set(names)
    layers = keys["freeze_trainable_layers"]
    ids = range(max(0, num_layers - layers), num_layers) if layers > 0 else range(min(-layers, num_layers))
    hidden, outside = set(), set()
    for name in names:
        if ".0." in name:
            hidden.add(name.split(".0.")[-1].split(".")[0])
        elif ".1." in name:
            hidden.add(name.split(".1.")[-1].split(".")[0])
        if re.search(r"\.\d+\.", name) is None:
            outside.add(name.split(".")[-2])
    fragments = []
    for module in split(keys["freeze_trainable_modules"]):
        assert module == "all" or module in hidden
        fragments += [f".{i}.{'' if module == 'all' else module}" for i in ids]
    for module in split(keys.get("freeze_extra_modules")) or []:
        assert module in outside
        fragments.append(module)
    return {name for name in names if any(fragment in name for fragment in fragments)}


@pytest.fixture(scope="module")
def llama(tmp_path_factory) -> LayerTree:
    return read_source(source_of("llama", tmp_path_factory.mktemp("llama")).with_(weights="none"))


def called(tree: LayerTree, source: ModelSource) -> LayerTree:
    """The tree as if it had been read from another source."""
    return replace(tree, source=str(source))


def plan_of(tree: LayerTree, mask: Mask, rules: str = "freeze all; train head") -> ExportPlan:
    return ExportPlan(ModelSource.parse("hf:some/llama", task="causal-lm"), FreezeSpec.parse(rules), tree, ((0, mask),))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_axolotl_expresses_any_selection(data, llama):
    count = len(llama.parameters)
    mask = Mask(llama, tuple(data.draw(st.lists(st.booleans(), min_size=count, max_size=count).filter(any))))
    keys = yaml.safe_load(TARGETS["axolotl"].write(plan_of(llama, mask)))
    assert as_axolotl(keys["unfrozen_parameters"], [p.name for p in llama.parameters]) == set(mask.names())
    assert keys["base_model"] == "some/llama"


ODD_PARTS = st.text(st.characters(exclude_characters="./", exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(parts=st.lists(ODD_PARTS, min_size=2, max_size=6, unique=True), data=st.data())
@settings(max_examples=100, deadline=None)
def test_axolotl_s_patterns_survive_any_name(parts, data):
    names = [f"{part}.{leaf}" for part in parts for leaf in ("weight", "+]", "b[0:9]")]
    tree = LayerTree("x", (Layer("", "XForCausalLM"),), tuple(Parameter(name, "", (2,)) for name in names))
    flags = data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)).filter(any))
    mask = Mask(tree, tuple(flags))
    keys = yaml.safe_load(TARGETS["axolotl"].write(plan_of(tree, mask)))
    assert as_axolotl(keys["unfrozen_parameters"], names) == set(mask.names())


@pytest.mark.parametrize(
    ("rules", "keys"),
    [
        ("train all", {"finetuning_type": "full"}),
        ("freeze all; train blocks:last2", {"freeze_trainable_layers": 2, "freeze_trainable_modules": "all"}),
        ("freeze all; train blocks:first1", {"freeze_trainable_layers": -1}),
        ("freeze all; train blocks:last2 head", {"freeze_trainable_layers": 2, "freeze_extra_modules": "lm_head"}),
        ("freeze all; train head", {"freeze_trainable_layers": 0, "freeze_extra_modules": "lm_head"}),
        ("freeze all; train model.layers.3.mlp", {"freeze_trainable_modules": "mlp", "freeze_trainable_layers": 1}),
        ("freeze embeddings", {"freeze_trainable_layers": 4}),
    ],
)
def test_llama_factory_s_keys_give_the_mask(rules, keys, llama):
    spec = FreezeSpec.parse(rules)
    source = ModelSource.parse("hf:a/b", task="causal-lm")
    written = yaml.safe_load(export(source, spec, "llama-factory", tree=called(llama, source)))

    names = [p.name for p in llama.parameters]
    assert as_llama_factory(written, names, 4) == set(resolve(spec, llama).names())
    assert keys.items() <= written.items()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_llama_factory_s_keys_are_exact_or_refused(data, llama):
    names = [p.name for p in llama.parameters]
    mask = Mask(llama, tuple(data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)).filter(any))))
    try:
        keys = yaml.safe_load(TARGETS["llama-factory"].write(plan_of(llama, mask)))
    except ExportError as refused:
        assert refused.hint
    else:
        assert as_llama_factory(keys, names, 4) == set(mask.names())


@pytest.mark.parametrize(
    ("target", "rules", "problem", "hint"),
    [
        (
            "llama-factory",
            "freeze all; train blocks:0,3",
            "LLaMA-Factory lets the first or the last blocks train, and modules by a part of their name; "
            "this selection is neither.",
            "Nearest, 10,304 of the 20,608 scalars: freeze_trainable_layers: -1; freeze_trainable_modules: all.",
        ),
        (
            "axolotl",
            "freeze all; train head; from epoch 1: train all",
            "axolotl freezes once, before it trains, and this selection changes (epochs 0, 1).",
            "Export one phase: leave the 'from epoch' rules out.",
        ),
    ],
)
def test_what_they_cannot_express_is_refused_with_what_comes_nearest(target, rules, problem, hint, llama):
    source = ModelSource.parse("hf:a/b", task="causal-lm")
    with pytest.raises(ExportError) as refused:
        export(source, rules, target, tree=called(llama, source))
    assert refused.value.problem == problem
    assert refused.value.hint.startswith(hint)


def test_modules_that_must_stay_in_eval_mode_are_refused(llama):
    layers = (*llama.layers, Layer("model.drop", "Dropout", drops=True))
    tree = LayerTree("x", layers, llama.parameters, towers=(Tower("text", "model", blocks=()),))
    mask = Mask.from_names(tree, ["lm_head.weight"])
    for target, trainer in (("axolotl", "axolotl"), ("llama-factory", "LLaMA-Factory")):
        with pytest.raises(ExportError, match=f"{trainer} cannot keep frozen modules in eval mode, as 'model.drop'"):
            TARGETS[target].write(plan_of(tree, mask))


@pytest.fixture(scope="module")
def qwen_vl(tmp_path_factory) -> LayerTree:
    """A tiny Qwen2.5-VL: five blocks of vision, three of language."""
    return read_source(ModelSource.parse(f"config:{QWEN_VL}"))


@pytest.mark.parametrize(
    ("rules", "trains"),
    [
        ("freeze all; train blocks@visual:last2", ("model.visual.blocks.3.", "model.visual.blocks.4.")),
        (
            "freeze all; train blocks@language_model:last2",
            ("model.language_model.layers.1.", "model.language_model.layers.2."),
        ),
        ("freeze all; train model.visual.merger", ("model.visual.merger.",)),
    ],
)
def test_axolotl_names_parameters_of_a_multimodal_model(rules, trains, qwen_vl):
    names = [p.name for p in qwen_vl.parameters]
    keys = yaml.safe_load(export(VL, rules, "axolotl", tree=called(qwen_vl, VL)))
    assert as_axolotl(keys["unfrozen_parameters"], names) == {name for name in names if name.startswith(trains)}
    assert keys["processor_type"] == "AutoProcessor"


@pytest.mark.parametrize(
    ("rules", "keys"),
    [
        ("train all", {"finetuning_type": "full", "freeze_vision_tower": False, "freeze_language_model": False}),
        (
            "freeze model.visual",
            {"finetuning_type": "full", "freeze_vision_tower": True, "freeze_multi_modal_projector": True},
        ),
        (
            "freeze all; train model.visual.merger",
            {"finetuning_type": "full", "freeze_multi_modal_projector": False, "freeze_language_model": True},
        ),
        (
            "freeze all; train blocks@language_model:last2",
            {"finetuning_type": "freeze", "freeze_trainable_layers": 2, "freeze_vision_tower": True},
        ),
    ],
)
def test_llama_factory_freezes_towers_of_a_multimodal_model_by_their_flags(rules, keys, qwen_vl):
    """Which its own `init_adapter` (0.9.5) turned into these very selections."""
    written = yaml.safe_load(export(VL, rules, "llama-factory", tree=called(qwen_vl, VL)))
    assert keys.items() <= written.items()


def test_a_config_is_exported_with_the_checkpoint_to_start_from_in_sight(llama):
    source = ModelSource.parse("config:llama", task="causal-lm")
    for target, key in (("axolotl", "base_model"), ("llama-factory", "model_name_or_path")):
        asked = export(source, "freeze embeddings", target, tree=called(llama, source))
        assert "# put the checkpoint to start from" in asked
        given = yaml.safe_load(
            export(source, "freeze embeddings", target, tree=called(llama, source), model_id="meta/some-llama")
        )
        assert given[key] == "meta/some-llama"


def test_batch_length_and_precision_reach_the_yaml_of_both(llama):
    work = Workload(4, sequence_length=512, precision="bf16-autocast", accumulate=8, checkpointing=True)
    source = ModelSource.parse("hf:a/b", task="causal-lm")
    axolotl, factory = (
        yaml.safe_load(export(source, "freeze embeddings", target, tree=called(llama, source), workload=work))
        for target in ("axolotl", "llama-factory")
    )
    assert (axolotl["micro_batch_size"], axolotl["sequence_len"], axolotl["bf16"]) == (4, 512, True)
    assert (axolotl["gradient_accumulation_steps"], axolotl["gradient_checkpointing"]) == (8, True)
    assert (factory["per_device_train_batch_size"], factory["cutoff_len"], factory["bf16"]) == (4, 512, True)
    assert (factory["gradient_accumulation_steps"], factory["disable_gradient_checkpointing"]) == (8, False)
