"""Reading adapters from text, and a source that carries one."""

import pytest

from freezecore.adapter import Adapter, parse_adapters, print_adapters
from freezecore.errors import FreezeError, SourceError
from freezecore.saved_spec.saved import load_spec
from freezecore.source import ModelSource


@pytest.mark.parametrize(
    ("text", "fields", "printed"),
    [
        ("lora", {"r": 8, "alpha": 8, "dropout": 0.0, "targets": ()}, "lora r=8"),
        (" lora  r=4 alpha=16 ", {"r": 4, "alpha": 16}, "lora r=4 alpha=16"),
        ("lora dropout=.05 r=16", {"r": 16, "dropout": 0.05}, "lora r=16 dropout=0.05"),
        ("lora rslora dora alpha=0.5", {"rslora": True, "dora": True, "alpha": 0.5}, "lora r=8 alpha=0.5 rslora dora"),
        ("lora on *.q_proj head", {"r": 8}, "lora r=8 on *.q_proj head"),
        ('lora on "path:a b" blocks:last2', {}, 'lora r=8 on "a b" blocks:last2'),
        ("lora r=2 on regex:^a|b$", {"r": 2}, "lora r=2 on regex:^a|b$"),
        ("lora tokens=9,7-8,3 on a", {"tokens": (3, 7, 8, 9)}, "lora r=8 tokens=3,7-9 on a"),
    ],
)
def test_an_adapter_reads_and_prints(text, fields, printed):
    adapter = Adapter.parse(text)
    assert {name: getattr(adapter, name) for name in fields} == fields
    assert str(adapter) == printed
    assert Adapter.parse(printed) == adapter


def test_several_adapters_are_joined_by_semicolons_or_lines():
    found = parse_adapters("lora r=4 on a; lora r=8 on b # beside\n")
    assert print_adapters(found) == "lora r=4 on a; lora r=8 on b"
    with pytest.raises(SourceError, match="are several adapters"):
        Adapter.parse("lora on a; lora on b")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The adapter says nothing. Write something like 'lora r=8'."),
        ("loar r=8", "There is no kind of adapter called 'loar'. Did you mean 'lora'?"),
        ("lora r=0", "'0' is no rank. Choose a whole number from 1 to 65,536."),
        ("lora r=1000000", "'1000000' is no rank."),
        ("lora r=2.5", "'2.5' is no rank."),
        ("lora r=-3", "'-3' is no rank."),
        ("lora r=", "'' is no rank."),
        ("lora r", "'' is no rank."),
        ("lora r=٣", "'٣' is no rank."),
        ("lora r=nan", "'nan' is no rank."),
        ("lora alpha=0", "'0' is no alpha."),
        ("lora alpha=1e3", "'1e3' is no alpha."),
        ("lora dropout=1", "'1' is no chance of dropout."),
        ("lora rank=8", "An adapter has no 'rank=8'. Did you mean 'r'?"),
        ("lora use_dora=True", "An adapter has no 'use_dora=True'. Did you mean 'dora'?"),
        ("lora dora=1", "An adapter has no 'dora=1'."),
        ("lora *.q_proj", "An adapter has no '*.q_proj'."),
        ("lora r=8 r=4", "'r' is said twice."),
        ("lora tokens=", "'' names no tokens"),
        ("lora tokens=9-7", "'9-7' names no tokens"),
        ("lora tokens=0-999999999", "names no tokens, or more than 100,000"),
        ("lora trainable_token_indices=5", "Did you mean 'tokens'?"),
        ("lora on", "'on' names nothing."),
        ("lora on regex:(", "is no regular expression"),
        ("lora " * 1000, "is longer than 4,000 characters"),
    ],
)
def test_what_is_no_adapter_is_told_in_a_sentence(text, sentence):
    with pytest.raises(FreezeError) as raised:
        parse_adapters(text)
    assert sentence in str(raised.value)


def test_the_scale_is_alpha_over_the_rank_or_its_root():
    assert Adapter.parse("lora r=16 alpha=32").scale == 2
    assert Adapter.parse("lora r=16 alpha=32 rslora").scale == 8


def test_a_source_carries_its_adapter_in_plain_words():
    source = ModelSource.parse("timm:resnet18", adapter=" lora  alpha=8", quantize="nf4")
    assert source.options == {"adapter": "lora r=8", "quantize": "nf4"}
    assert source.base == ModelSource.parse("timm:resnet18")
    assert ModelSource.parse("timm:resnet18", adapter="").adapter is None


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("timm:resnet18", {"quantize": "nf5"}, "Nothing is quantized to 'nf5'. Did you mean 'nf4'?"),
        ("timm:resnet18", {"adapter": "lora r=0"}, "'0' is no rank."),
        ("file:model.json", {"adapter": "lora"}, "'file:model.json' holds the step of a model as it was saved"),
    ],
)
def test_a_source_refuses_what_it_cannot_carry(text, options, sentence):
    with pytest.raises(SourceError) as raised:
        ModelSource.parse(text, **options)
    assert sentence in str(raised.value)


def test_a_saved_spec_opens_the_adapted_model_again():
    saved = load_spec("source: timm:resnet18\nadapter: lora r=4 on fc\nquantize: int8\nrules: freeze all\n")
    assert saved.model_source == ModelSource.parse("timm:resnet18", adapter="lora r=4 on fc", quantize="int8")
