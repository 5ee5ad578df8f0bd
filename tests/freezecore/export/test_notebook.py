"""The exported notebook, run by a real Jupyter kernel from its first cell to the trained model's file."""

import copy
import re

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerFast,
)

from freezecore._export import export
from freezecore._export.notebook import as_script
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource
from freezecore.workload import Workload


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


WORDS = ("the", "cat", "sat", "on", "a", "mat", "dog", "ran", "0", "1")
SPECIAL = {"pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>", "eos_token": "</s>"}
TINY = {
    "masked-lm": (
        AutoModelForMaskedLM,
        AutoConfig.for_model("bert", vocab_size=14, hidden_size=16, num_hidden_layers=3, num_attention_heads=2,
                             intermediate_size=32, pad_token_id=0),
    ),
    "seq2seq-lm": (
        AutoModelForSeq2SeqLM,
        AutoConfig.for_model("t5", vocab_size=14, d_model=16, d_kv=8, d_ff=32, num_layers=3, num_heads=2,
                             pad_token_id=0, decoder_start_token_id=0),
    ),
}  # fmt: skip


def words_of_its_own():
    """A tokenizer of a few words."""
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate((*SPECIAL.values(), *WORDS))}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, **SPECIAL)


@pytest.fixture(params=TINY)
def checkpoint(request, tmp_path, monkeypatch):
    """A checkpoint in the folder `tiny` with a tokenizer of its own, texts beside it, and its task."""
    monkeypatch.chdir(tmp_path)
    kind, config = TINY[request.param]
    kind.from_config(config).save_pretrained("tiny")
    words_of_its_own().save_pretrained("tiny")
    rows = [f"the cat sat on a mat,{i % 2}\na dog ran on the mat,{i % 2}" for i in range(40)]
    (tmp_path / "texts.csv").write_text("text,label\n" + "\n".join(rows))
    return request.param


def run(text):
    """What a notebook's cells leave, run one after another on the texts beside it."""
    script = as_script(text).replace("%pip", "# %pip")
    script = re.sub(r'Path\("/kaggle[^"]*"\)', 'Path("texts.csv")', script)
    made: dict = {}
    exec(compile(script, "notebook", "exec"), made)
    return made


@pytest.mark.parametrize("precision", ["fp32", "fp16-autocast", "bf16-autocast"])
def test_every_cell_runs_where_a_model_fills_gaps_or_turns_texts(checkpoint, precision, capsys):
    source = ModelSource.parse("hf:./tiny", task=checkpoint)
    workload = Workload(batch_size=8, sequence_length=16, precision=precision)
    text = export(source, "freeze all; train blocks:last1 head", "notebook", workload=workload)
    made = run(text)
    printed = capsys.readouterr().out
    assert re.search(r"epoch 2: loss \d", printed)
    assert "Nothing frozen moved." in printed
    before = TINY[checkpoint][0].from_pretrained("tiny").state_dict()
    moved = {n for n, tensor in made["model"].named_parameters() if not torch.equal(tensor.detach(), before[n])}
    assert moved
    assert moved <= {name for name, p in made["model"].named_parameters() if p.requires_grad}


@pytest.mark.parametrize("called", [("negative", "neutral", "positive"), (1, 3, 5), (-1.0, 0.0, 1.0)])
def test_a_file_of_texts_may_call_its_classes_as_it_likes(called, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = copy.copy(TINY["masked-lm"][1])
    config.num_labels = 3
    AutoModelForSequenceClassification.from_config(config).save_pretrained("tiny")
    words_of_its_own().save_pretrained("tiny")
    rows = [f'{i},"the cat, ""sat"" on {i % 3}",{called[i % 3]}' for i in range(60)]
    (tmp_path / "texts.csv").write_text("id,text,label\n" + "\n".join((*rows, "60,,", "61,a dog,")) + "\n")
    source = ModelSource.parse("hf:./tiny", task="sequence-classification", num_labels=3)
    made = run(export(source, "freeze all; train head", "notebook", workload=Workload(batch_size=8)))
    assert len(made["labels"]) == 60 and set(made["labels"]) == {0, 1, 2}
    assert [made["classes"][label] for label in made["labels"][:3]] == list(called)
    assert "held-out accuracy" in capsys.readouterr().out


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
