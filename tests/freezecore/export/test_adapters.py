"""Adapters exported as code that PEFT builds: in every target the mask trains, and what is saved is loaded."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace

import pytest

from freezecore._export import export
from freezecore._export.lora import lora_options
from freezecore._resolve import resolve
from freezecore.adapter import parse_adapters
from freezecore.adapter_targets import adapter_targets, base_of
from freezecore.errors import ExportError
from freezecore.importing import import_rules
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.workload import Workload
from tests.freezecore.export.models import CONFIGS, SIZES, Small, source_of
from tests.freezecore.export.running import Case, difference, run
from tests.freezecore.export.test_text import RULES

pytest.importorskip("peft")
MODELS = ("bert", "gpt2", "llama", "t5", "resnet18", "test_vit")
TARGETS = {
    "pytorch": MODELS, "transformers-trainer": MODELS, "accelerate": MODELS, "lightning": MODELS, "fastai": MODELS,
    "timm": ("resnet18", "test_vit"), "trl": ("gpt2", "llama"),
}  # fmt: skip
LATER = [target for target in TARGETS if target not in ("pytorch", "trl")]
ALONE = "freeze all; train adapters"
ADAPTERS = {
    "usual": ("lora r=4", ALONE),
    "with the head": ("lora r=2 alpha=16 dropout=0.1 rslora", "freeze all; train adapters head"),
    "in the last block": ("lora r=4 dora on blocks:last1", "freeze all; train adapters norms"),
}
TOKENS = "lora r=4 tokens=3,9-11"  # of tables with 64 rows, tied to the head in GPT-2 and T5
NEW_TOKENS = "lora r=4 tokens=3,64-66"
OPENED: dict = {}


def adapted(name, adapter, folder) -> Small:
    """A small model with an adapter, read without weights."""
    if (name, adapter) not in OPENED:
        source = source_of(name, folder).with_(adapter=adapter)
        kind = "image" if name in SIZES else "classes" if name == "bert" else "tokens"
        OPENED[name, adapter] = Small(source, read_source(source.with_(weights="none")), kind, SIZES.get(name, 8))
    return OPENED[name, adapter]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("adapters")


def options(small, rules):
    return lora_options(small.source, small.tree, [mask_of(small, rules)])


@pytest.mark.parametrize(
    "target", ["pytorch", *(pytest.param(each, marks=pytest.mark.slow) for each in ("trl", *LATER))]
)
def test_what_trains_is_the_mask_and_what_is_saved_answers_as_before_also_merged(target, folder):
    cases = []
    for name in TARGETS[target]:
        for adapter, rules in ADAPTERS.values():
            small = adapted(name, adapter, folder)
            cases.append(Case(f"{target}{len(cases)}", target, small, rules, saves=options(small, rules).whole))
        if name in CONFIGS and (target, name) != ("trl", "gpt2"):
            small = adapted(name, TOKENS, folder)
            cases.append(Case(f"{target}{len(cases)}", target, small, ALONE, saves=True))
    found = run(cases, folder)
    for case in cases:
        of = (case.small.source.label, case.small.source.adapter, case.rules)
        assert difference(case, found[case.id]) == [], of
        if case.saves:
            assert found[case.id]["loaded"] and found[case.id]["merged"] < 1e-4, of
    assert sum(case.saves for case in cases) >= len(cases) // 2


@pytest.mark.slow
def test_a_script_makes_room_for_new_tokens_trains_their_rows_and_is_imported_into_the_model_without_them(folder):
    cases = [
        Case(f"new{i}", target, adapted(name, NEW_TOKENS, folder), ALONE, saves=True)
        for i, (name, target) in enumerate([("llama", "pytorch"), ("gpt2", "transformers-trainer"), ("llama", "trl")])
    ]
    found = run(cases, folder)
    for case in cases:
        assert difference(case, found[case.id]) == [], case.target
        assert found[case.id]["loaded"] and found[case.id]["merged"] < 1e-4
        text = export(case.small.source, ALONE, case.target, tree=case.small.tree)
        assert "model.resize_token_embeddings(67)" in text
        plain = read_source(case.small.source.base.with_(weights="none"))
        assert parse_adapters(import_rules(text, plain).adapter)[0].tokens == (3, 64, 65, 66)


def settings(text, base):
    """Each adapted layer with its rank, alpha and the rest."""
    joined = adapter_targets(parse_adapters(text), base)
    return {path: replace(adapter, targets=()) for path, adapter in joined.items()}


def assert_read_back(text, small, rules):
    found, base = import_rules(text, small.tree), base_of(small.tree)
    assert settings(found.adapter, base) == settings(small.source.adapter, base)
    assert resolve(FreezeSpec.parse(found.adapted_rules), small.tree).trains == mask_of(small, rules).trains


def mask_of(small, rules):
    return resolve(FreezeSpec.parse(rules), small.tree)


@pytest.mark.parametrize("target", ["transformers-trainer", "pytorch"])
def test_adapters_of_a_model_in_bf16_are_of_its_type_as_they_are_priced(target, folder):
    small = adapted("llama", "lora r=4", folder)
    text = export(small.source, ALONE, target, tree=small.tree, workload=Workload(precision="bf16"))
    assert "get_peft_model(model, lora, autocast_adapter_dtype=False)" in text


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("name", MODELS)
def test_what_is_exported_is_imported_as_the_same_adapters_and_rules(name, adapter, folder):
    text, rules = ADAPTERS[adapter]
    small = adapted(name, text, folder)
    for target in ("pytorch", "transformers-trainer", "notebook"):
        if target != "notebook" or name != "t5":
            assert_read_back(export(small.source, rules, target, tree=small.tree), small, rules)


SAID = {
    "two names": ("lora r=8 alpha=16 dropout=0.05 on *.q_proj *.v_proj", ALONE),
    "every linear layer": ("lora r=4 dora", ALONE),
    "with the head": ("lora r=4 rslora on *.q_proj", "freeze all; train adapters head"),
    "embeddings too": ("lora r=4", "freeze all; train adapters embeddings head"),
    "some blocks": ("lora r=4 on blocks:1-2", ALONE),
    "two ranks": ("lora r=4 on *.q_proj *.k_proj; lora r=16 alpha=32 on *.v_proj", ALONE),
    "a few paths": ("lora r=4 on model.layers.0.self_attn.q_proj model.layers.2.self_attn.v_proj", ALONE),
    "some tokens": ("lora r=4 tokens=3,9-11,40 on *.q_proj", ALONE),
    "norms beside": ("lora r=4 on *.q_proj", "freeze all; train adapters norms"),
}
REFUSED = {
    ("llama-factory", "some blocks"), ("llama-factory", "two ranks"), ("llama-factory", "some tokens"),
    ("unsloth", "some tokens"),
}  # fmt: skip


@pytest.mark.parametrize("target", ["trl", "unsloth", "axolotl", "llama-factory"])
@pytest.mark.parametrize("case", SAID)
def test_a_language_model_s_adapters_are_read_back_from_each_of_their_trainers(case, target, folder):
    adapter, rules = SAID[case]
    small = adapted("llama", adapter, folder)
    source = ModelSource.parse("hf:some/model", task="causal-lm", adapter=adapter)
    tree = replace(small.tree, source=str(source))
    if (target, case) in REFUSED:
        with pytest.raises(ExportError, match="this selection is another|no words for single tokens"):
            export(source, rules, target, tree=tree)
    else:
        assert_read_back(export(source, rules, target, tree=tree), small, rules)


LINTED = {
    "resnet18": ("lora r=4 on *.conv1", "freeze all; train adapters fc", ("pytorch", "timm", "lightning", "fastai")),
    "bert": ("lora r=4", "freeze all; train adapters norms head; norms update", ("transformers-trainer", "accelerate")),
    "gpt2": ("lora r=4; lora r=16 on *.c_attn", f"{ALONE}; from epoch 1: train norms", ("trl", "transformers-trainer")),
    "llama": ("lora r=4", ALONE, ("trl", "unsloth")),
}


@pytest.mark.parametrize("name", LINTED)
def test_ruff_finds_nothing_in_it_and_would_format_none_of_it(name, folder, tmp_path):
    adapter, rules, targets = LINTED[name]
    small = adapted(name, adapter, folder)
    source, tree = small.source, small.tree
    if name == "llama":  # pretrained, as Unsloth takes it, and quantized
        source = ModelSource.parse("hf:some/model", task="causal-lm", adapter=adapter, quantize="nf4")
        tree = replace(tree, source=str(source))
    for target in targets:
        (tmp_path / f"{target}.py").write_text(export(source, rules, target, tree=tree))
    for command in (
        ["check", "--isolated", "--select", RULES, "--line-length", "120"],
        ["format", "--isolated", "--check"],
    ):
        done = subprocess.run([sys.executable, "-m", "ruff", *command, tmp_path], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


UNSLOTH = {  # of its release 2026.10.9, what `FastLanguageModel` names in its signatures
    "from_pretrained": {"max_seq_length", "load_in_4bit", "load_in_8bit", "load_in_16bit"},
    "get_peft_model": {"r", "target_modules", "lora_alpha", "lora_dropout", "bias", "layers_to_transform",
                       "use_gradient_checkpointing", "use_rslora", "modules_to_save", "target_parameters"},
}  # fmt: skip
PASSED_ON = {"use_dora", "rank_pattern", "alpha_pattern"}  # to `LoraConfig`, as all that it does not name


@pytest.mark.parametrize("case", [case for case in SAID if ("unsloth", case) not in REFUSED])
def test_unsloth_is_given_what_its_signature_has(case, folder):
    adapter, rules = SAID[case]
    source = ModelSource.parse("hf:some/model", task="causal-lm", adapter=adapter)
    text = export(source, rules, "unsloth", tree=replace(adapted("llama", adapter, folder).tree, source=str(source)))
    assert "runs on a GPU alone" in text
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    given = {call.func.attr: {word.arg for word in call.keywords} for call in calls if hasattr(call.func, "attr")}
    assert given["from_pretrained"] <= UNSLOTH["from_pretrained"]
    assert given["get_peft_model"] <= UNSLOTH["get_peft_model"] | PASSED_ON


def test_a_rank_for_some_layers_and_dropout_for_others_is_refused(folder):
    small = adapted("llama", "lora r=4 on *.q_proj; lora r=8 dropout=0.1 on *.v_proj", folder)
    with pytest.raises(ExportError, match="one dropout and one scale"):
        export(small.source, ALONE, "pytorch", tree=small.tree)


def test_unsloth_without_adapters_and_trl_for_a_classifier_are_refused_with_what_comes_nearest(folder):
    source = ModelSource.parse("hf:some/model", task="causal-lm")
    tree = base_of(adapted("llama", "lora r=4", folder).tree)
    with pytest.raises(ExportError, match="trains adapters") as refused:
        export(source, "freeze all; train head", "unsloth", tree=replace(tree, source=str(source)))
    assert "trl" in refused.value.hint
    small = adapted("bert", "lora r=4", folder)
    with pytest.raises(ExportError, match="language models"):
        export(small.source, ALONE, "trl", tree=small.tree)


def test_trl_is_refused_single_tokens_of_a_table_that_is_the_head_too(folder):
    tied, apart = adapted("gpt2", TOKENS, folder), adapted("llama", TOKENS, folder)
    with pytest.raises(ExportError, match="the head is the table of words"):
        export(tied.source, ALONE, "trl", tree=tied.tree)
    assert "trainable_token_indices" in export(apart.source, ALONE, "trl", tree=apart.tree)
