"""Exported text: golden files, no finding by ruff, and nothing in a name that breaks out of it."""

from __future__ import annotations

import ast
import json
import string
import subprocess
import sys
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import freezecore
from freezecore._export import TARGETS, export
from freezecore._export.plan import ExportPlan
from freezecore._export.python import comment, quoted
from freezecore.errors import ExportError
from freezecore.mask import Mask
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import Layer, LayerTree, Parameter
from freezecore.workload import Workload

PACKAGE = Path(freezecore.__file__).parent
GOLDEN = Path(__file__).with_name("golden")
GRADUAL = "freeze all; train head; from epoch 1: train blocks:last1; from epoch 2: train all"
GOLDEN_CASES = {
    "pytorch.txt": ("timm:resnet18", {}, "freeze all; train head", "pytorch"),
    "lightning.txt": ("timm:resnet18", {}, GRADUAL, "lightning"),
    "trainer.txt": (
        "config:bert",
        {"task": "sequence-classification", "num_labels": 2},
        "freeze embeddings; freeze blocks:0-2",
        "transformers-trainer",
    ),
}
PYTHON = ("pytorch", "timm", "transformers-trainer", "lightning", "fastai", "accelerate")
RULES = "E,F,I,B,UP,SIM,C4,RET,W,PIE,PT,RSE,TRY002"


@pytest.mark.parametrize("file", GOLDEN_CASES)
def test_the_export_is_the_golden_file(file):
    source, options, rules, target = GOLDEN_CASES[file]
    assert export(ModelSource.parse(source, **options), rules, target) == (GOLDEN / file).read_text()


@pytest.mark.parametrize("target", PYTHON)
@pytest.mark.parametrize("rules", ["freeze all; train head", GRADUAL, "freeze norms; dropout on", "train all"])
def test_ruff_finds_nothing_in_exported_python_and_would_format_none_of_it(target, rules, tmp_path):
    source = ModelSource.parse("timm:resnet18")
    for i, rates in enumerate(({}, {"head_learning_rate": 1e-2}, {"layer_decay": 0.8, "learning_rate": 3e-4})):
        (tmp_path / f"{i}.py").write_text(export(source, rules, target, tree=resnet(), **rates))
    for command in (
        ["check", "--isolated", "--select", RULES, "--line-length", "120"],
        ["format", "--isolated", "--check"],
    ):
        done = subprocess.run([sys.executable, "-m", "ruff", *command, str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@cache
def resnet() -> LayerTree:
    return read_source(ModelSource.parse("timm:resnet18"))


ODD = st.text(st.characters(codec="utf-16", categories=None), min_size=1, max_size=12) | st.sampled_from(
    ['"""', "'''", "\\", "\n", "\r", "\x00", "\u2028", "{x}", "$name", "${x}", "#", '"); import os; ("', "é", "\ud800"]
)


def hostile_tree(parts: list[str]) -> LayerTree:
    """A model whose modules, parameters and classes are called what they should not be."""
    names = dict.fromkeys(
        f"{part.replace('.', '')}x.{leaf}" for part in parts for leaf in ("weight", part.replace(".", ""))
    )
    parameters = tuple(Parameter(name, name.split(".")[0], (2,)) for name in names)
    layers = [Layer("", parts[0])] + [
        Layer(path, parts[-1], moves=True) for path in dict.fromkeys(p.owner for p in parameters)
    ]
    return LayerTree(parts[0], tuple(layers), parameters)


def skeleton(code: str) -> list[str]:
    """What an exported file does at its top level, names and values aside."""
    kinds = []
    for node in ast.parse(code).body:
        kind = type(node).__name__
        kinds.append(f"{kind} {node.name}" if hasattr(node, "name") else kind)
    return [kind for kind in kinds if kind not in ("Assign", "Import", "ImportFrom", "ClassDef Held")]


@given(parts=st.lists(ODD, min_size=2, max_size=5), flags=st.data(), target=st.sampled_from(PYTHON), label=ODD)
@settings(max_examples=120, deadline=None)
def test_nothing_in_a_name_breaks_out_of_exported_python(parts, flags, target, label):
    tree = hostile_tree(parts)
    bits = flags.draw(st.lists(st.booleans(), min_size=len(tree.parameters), max_size=len(tree.parameters)))
    mask = Mask(tree, (True, *bits[1:-1], False))
    rules = FreezeSpec.parse('freeze all; train "contains:""x"" # ;"')
    code = TARGETS[target].write(ExportPlan(ModelSource("timm", label), rules, tree, ((0, mask),), link=label))
    harmless = hostile_tree(["a", "b"])
    some = Mask(harmless, (True, False, False, False))
    plain = TARGETS[target].write(ExportPlan(ModelSource("timm", "a"), rules, harmless, ((0, some),)))
    assert skeleton(code) == skeleton(plain)
    assert tuple(name for name in (p.name for p in tree.parameters) if trains_of(code)(name)) == mask.names()


def trains_of(code: str):
    """The exported function `trains`, with its constants, and nothing else of the file."""
    tree = ast.parse(code)
    constants = [n for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id.isupper()]
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "trains"]
    scope: dict = {}
    exec(compile(ast.Module([*constants, *functions], []), "exported", "exec"), scope)
    return scope["trains"]


@given(ODD)
@settings(deadline=None)
def test_a_quoted_text_reads_back_and_a_comment_stays_one(text):
    assert ast.literal_eval(quoted(text)) == text
    assert all(line.startswith("#") for line in comment(text).splitlines())
    assert ast.parse(comment(text)).body == []


@given(label=ODD)
@settings(deadline=None)
def test_a_notebook_stays_json_and_its_title_holds_no_markup(label):
    tree = hostile_tree(["a", label])
    plan = ExportPlan(
        ModelSource("timm", label), FreezeSpec(), tree, ((0, Mask.from_names(tree, [tree.parameters[0].name])),)
    )
    title = "".join(json.loads(TARGETS["notebook"].write(plan))["cells"][0]["source"])
    assert "<" not in title.split("\n")[0]
    assert title.count("\n") == 7


@pytest.mark.parametrize(
    ("source", "options", "rules", "target", "problem"),
    [
        (
            "timm:resnet18",
            {},
            "freeze all",
            "pytorch",
            "Nothing trains under 'freeze all', so there is nothing to export.",
        ),
        (
            "timm:resnet18",
            {},
            "freeze all; from epoch 3: train fc",
            "pytorch",
            "Nothing trains from epoch 0 on under 'freeze all; from epoch 3: train fc', so there is nothing to export.",
        ),
        ("timm:resnet18", {}, "train all", "pytroch", "There is no target called 'pytroch'."),
        (
            "config:bert",
            {"task": "base"},
            "freeze embeddings",
            "lightning",
            "config:bert as BertModel has no head, so a training loop has no loss.",
        ),
        ("config:bert", {"task": "base"}, "freeze embeddings", "timm", "config:bert is no timm model."),
        (
            "timm:resnet18",
            {},
            "train all",
            "axolotl",
            "axolotl trains Hugging Face language models by id or folder, and timm:resnet18 as ResNet is none.",
        ),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(source, options, rules, target, problem):
    with pytest.raises(ExportError) as refused:
        export(ModelSource.parse(source, **options), rules, target)
    assert refused.value.problem == problem
    assert refused.value.hint


def test_a_function_that_cannot_be_imported_is_refused():
    for name in ("os:system('x')", "a b:c", "a:import", "a;b:c"):
        with pytest.raises(ExportError, match="does not name a function"):
            tree = replace(resnet(), source=f"py:{name}")
            export(ModelSource("py", name), "freeze all; train head", tree=tree)


def test_an_installed_freezecore_has_every_template():
    pyproject = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())
    packed = {f for glob in pyproject["tool"]["setuptools"]["package-data"]["freezecore"] for f in PACKAGE.glob(glob)}
    templates = set(PACKAGE.rglob("*.jinja"))
    assert templates
    assert templates <= packed


def test_the_alphabet_of_a_plain_name_needs_no_escapes():
    name = string.ascii_letters + string.digits + "_.-/"
    assert quoted(name) == f'"{name}"'


def test_a_plain_script_that_trains_moves_its_model_to_the_gpu_before_its_optimizer_is_built():
    text = export(ModelSource.parse("timm:resnet18"), "train all", "pytorch", tree=resnet(), workload=Workload())
    assert 0 < text.index('model.to("cuda" if torch.cuda.is_available()') < text.index("optimizer = ")
