"""The comparison notebook: it runs as it is, and what it writes is read back."""

import json
import os
import subprocess
import sys

import pytest

from freezecore._export.comparison import export_comparison, read_runs
from freezecore._resolve import resolve
from freezecore.errors import ExportError
from freezecore.rates import learning_rates, model_kind
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource

SOURCE = ModelSource.parse("timm:test_resnet", weights="random", num_labels=10)
SPECS = ["freeze all; train head", "freeze stem", "freeze all; train norms"]


@pytest.fixture(scope="module")
def tree():
    return read_source(SOURCE.with_(weights="none"))


def code_of(notebook: str) -> str:
    cells = ["".join(c["source"]) for c in json.loads(notebook)["cells"] if c["cell_type"] == "code"]
    return "\n\n".join(cell for cell in cells if not cell.startswith("%"))


@pytest.mark.slow
def test_the_notebook_trains_each_selection_with_each_seed_and_writes_what_is_read_back(tree, tmp_path):
    (tmp_path / "all.py").write_text(code_of(export_comparison(SOURCE, SPECS, tree, seeds=2, epochs=1)))
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "all.py"], cwd=tmp_path, env=environment, check=True, capture_output=True)
    results = read_runs((tmp_path / "runs.json").read_text())
    assert [(r.request["spec"], r.request["seed"]) for r in results] == [(s, i) for i in range(2) for s in SPECS]
    assert all(r.total == tree.total and 0 < r.trainable < r.total and 0 <= r.accuracy_after <= 1 for r in results)


def test_each_selection_has_the_rates_that_a_probe_tries_for_its_head_and_for_the_rest(tree):
    namespace: dict = {f"trains_{i}": None for i in range(len(SPECS))}
    code = code_of(export_comparison(SOURCE, SPECS, tree))
    exec(code[code.index("HEAD = ") : code.index("\n}\n", code.index("SELECTIONS = {")) + 2], namespace)
    for rules, (*_, rate, head_rate) in namespace["SELECTIONS"].items():
        mask = resolve(rules, tree)
        usual = learning_rates(mask, model_kind(SOURCE, tree))
        if any(parameter.kind == "head" and mask[parameter.name] for parameter in tree.parameters):
            assert head_rate == pytest.approx(usual.head), rules
        if any(parameter.kind != "head" and mask[parameter.name] for parameter in tree.parameters):
            assert rate == pytest.approx(usual.body), rules
    assert namespace["HEAD"] == ("fc.",)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "freeze-explorer-runs/1"}', '{"format": 3, "runs": []}', "[" * 9999]
)
def test_what_is_no_runs_file_is_refused(text):
    with pytest.raises(ExportError, match=r"This is no runs\.json"):
        read_runs(text)


@pytest.mark.parametrize("rules", ["freeze stem; norms update", "freeze all; train head; from epoch 1: train all"])
def test_what_a_comparison_cannot_hold_equal_is_refused(rules, tree):
    with pytest.raises(ExportError, match="asks for something else"):
        export_comparison(SOURCE, [rules], tree)
