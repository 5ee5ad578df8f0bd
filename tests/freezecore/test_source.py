"""Reading a model source from text."""

import pytest

from freezecore.errors import SourceError
from freezecore.source import ModelSource


@pytest.mark.parametrize(
    ("text", "scheme", "name", "label"),
    [
        ("timm:resnet18", "timm", "resnet18", "resnet18"),
        (" timm:resnet18.a1_in1k ", "timm", "resnet18.a1_in1k", "resnet18.a1_in1k"),
        ("hf:google-bert/bert-base-uncased", "hf", "google-bert/bert-base-uncased", "bert-base-uncased"),
        ("hf:./folder/", "hf", "./folder/", "folder"),
        ("config:bert", "config", "bert", "bert"),
        ("py:package.module:function", "py", "package.module:function", "package.module:function"),
    ],
)
def test_a_source_reads_and_prints_as_it_is_written(text, scheme, name, label):
    source = ModelSource.parse(text)
    assert (source.scheme, source.name, source.label) == (scheme, name, label)
    assert str(source) == text.strip()


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("", {}, "'' does not say where the model comes from. Write something like timm:resnet18."),
        ("out/model.json", {}, "Did you mean 'file:out/model.json', as fc.save writes it, or 'config:out/model.json'?"),
        ("mine.py", {}, "Write 'py:mine:NAME', where NAME makes the model."),
        ("resnet18", {}, "'resnet18' does not say where the model comes from. Did you mean 'timm:resnet18'"),
        ("tim:resnet18", {}, "There is no kind of source called 'tim'. Did you mean 'timm'?"),
        ("timm:", {}, "'timm:' does not say where the model comes from. Write something like timm:resnet18."),
        ("timm:a\x00b", {}, "'timm:a�b' is no model source."),
        ("timm:" + "a" * 10_000, {}, "a…' is no model source."),
        ("config:bert", {"task": "causal"}, "There is no task called 'causal'. Did you mean 'causal-lm'"),
        ("timm:resnet18", {"weights": "imagenet"}, "Weights cannot be 'imagenet'."),
        ("timm:resnet18", {"num_labels": 0}, "0 labels are out of range. Choose between 1 and 100,000."),
    ],
)
def test_what_is_no_source_is_told_in_a_sentence(text, options, sentence):
    with pytest.raises(SourceError) as caught:
        ModelSource.parse(text, **options)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 600
