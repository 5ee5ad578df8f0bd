"""The exported notebook, run by a real Jupyter kernel from its first cell to the trained model's file."""

import pytest

from freezecore._export import export
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("rules", ["freeze all; train head", "freeze all; train head; from epoch 1: train all"])
def test_every_cell_runs_in_order_and_leaves_the_weights(rules, tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="requirements-dev.txt")
    nbclient = pytest.importorskip("nbclient", reason="requirements-dev.txt")
    source = ModelSource.parse("timm:test_resnet", weights="random")
    book = nbformat.reads(export(source, rules, "notebook", tree=read_source(source.with_(weights="none"))), 4)
    nbformat.validate(book)
    book.cells = [cell for cell in book.cells if not cell.source.startswith("%pip")]  # tests install nothing
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    printed = "".join(out.get("text", "") for cell in book.cells for out in cell.get("outputs", []))
    assert "held-out accuracy" in printed
    assert (tmp_path / "model.pt").is_file()
