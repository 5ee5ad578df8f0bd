"""The exported notebook, run by a real Jupyter kernel from its first cell to the trained model's file."""

import pytest

from freezecore._export import export
from freezecore._export.notebook import as_script
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource


@pytest.mark.parametrize(
    ("source", "task", "reads"),
    [
        ("config:bert", "sequence-classification", "torch.tensor(labels)"),
        ("config:bert", "masked-lm", "tokenizer.mask_token_id"),
        ("config:gpt2", "causal-lm", "tokenizer.eos_token"),
        ("config:t5", "seq2seq-lm", "text_target="),
        ("config:vit", "image-classification", "ImageFolder"),
    ],
)
def test_every_classifier_and_language_model_has_a_notebook_that_names_its_checkpoint(source, task, reads):
    tree = read_source(ModelSource.parse(source, task=task))
    text = export(ModelSource.parse(source, task=task), "freeze embeddings", "notebook", tree=tree)
    shown = as_script(text)
    compile(shown.replace("%pip", "# %pip"), "notebook", "exec")
    assert reads in shown
    assert 'CHECKPOINT = "your-organization/your-checkpoint"  # to start from' in shown
    assert "from_pretrained(CHECKPOINT" in shown.replace("(\n    CHECKPOINT", "(CHECKPOINT")


@pytest.mark.slow
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
