"""Rules that cannot be read, that hit nothing, that would run for ever, or that are a megabyte long."""

from __future__ import annotations

from freezecore._resolve import resolve
from freezecore.errors import FreezeError, RuleError
from freezecore.mask import Mask
from freezecore.rules.grammar import parse_spec
from freezecore.tree import LayerTree
from tests.freezecore.bad.case import Bad
from tests.freezecore.samples import load, tree_of

ODD = tree_of("a b.weight", "x;y.weight", "größe 層.重み", "star*.weight", "a.b.c.weight")
EMPTY = LayerTree("empty", (), ())

# The rules, what is said, what the hint holds.
TEXTS: list[tuple[str, str, str]] = [
    ("frieze head", "'frieze head'", "Did you mean 'freeze'?"),
    ("head", "'head'", "Begin it with 'freeze' or 'train'"),
    ("freeze", "'freeze' names nothing", "freeze embeddings"),
    ('freeze ""', "'' names nothing", "layer1"),
    ("freeze wat:x", "'wat:'", "path:wat:x"),
    ("freeze kind:heads", "'heads'", "Did you mean 'head'?"),
    ("freeze contains:", "'contains:' says nothing", "contains:layer1.0."),
    ("freeze blocks:a", "'a' is no position", "blocks:0-2"),
    ("freeze blocks:3-1", "'3-1' runs backwards", "blocks:0-2"),
    ("freeze blocks@:0", "'blocks@:0' says nothing", "blocks:0-2"),
    ("freeze contains@x:0", "'contains' takes no tower", "blocks@TOWER:"),
    ('freeze contains:"a b', "not closed", "Close it"),
    ("freeze a\x00b", "'a\ufffdb' names nothing", "layer1"),
    ("norms maybe", "'norms maybe' is no setting", "'norms hold' or 'norms update'"),
    ("from epoch two: train all", "epoch two", "from epoch 2: train blocks:last2"),
    ("from epoch 3: train a; from epoch 2: train b", "Epoch 2 stands below epoch 3", "in the order they begin"),
    ("from epoch 2:", "'from epoch 2:' changes nothing", "Write a rule after it"),
    ("freeze regex:a[b", "'a[b' is no regular expression", "backslash"),
    ("freeze regex:*.bias", "'*.bias'", "without 'regex:'"),
    ("freeze regex:(a+)+$", "'(a+)+$' repeats what repeats", "which characters"),
    ("freeze regex:(a|a)*b", "'(a|a)*b' repeats", "which characters"),
    ("freeze regex:(.*)(.*)(.*)(.*)x", "too many open repeats", "which characters"),
    ("freeze regex:" + "((a{1,60}){1,60}){1,60}$", "for ever", "which characters"),
    ("freeze regex:" + "(" * 400 + ")" * 400, "'((((", ""),
    ("freeze regex:" + "a" * 1_001, "1,001 characters is too long", "several rules"),
    ("freeze a**b**c**d**e**f", "more than 4 '**'", "several rules"),
    ("freeze " + "a." * 1_500, "too long for a path", "2,000 characters"),
    ("freeze a;" * 120_000, "1,080,000 characters", "whole modules"),
    ("train all;" * 1_001, "more than 1,000 rules", "in one rule"),
    ("freeze " + " ".join(f"contains:{i}" for i in range(501)), "more than 500 patterns", "by their paths"),
]  # fmt: skip

# A tree, the rules, what is said, what the hint holds.
MISSES: list[tuple[LayerTree, str, str, str]] = [
    (load("resnet18"), "freeze layr1", "'layr1'", "'layer1'"),
    (load("resnet18"), "freeze act1", "'act1'", "holds no parameters"),
    (load("resnet18"), "freeze conv1,bn1", "'conv1,bn1'", "spaces between"),
    (load("resnet18"), "freeze conv1、bn1", "'conv1、bn1'", "spaces between"),
    (load("resnet18"), "freeze all；train head", "matches 'all；train'", "half width"),
    (load("resnet18"), "freeze blocks:0-9", "block 9", "0 to 7"),
    (load("resnet18"), "freeze embeddings", "'embeddings'", "no embeddings"),
    (load("resnet18"), "freeze type:BatchNorm", "'type:BatchNorm'", "'BatchNorm2d'"),
    (load("clip"), "freeze blocks@vision:0", "'blocks@vision:0'", "'vision_model'"),
    (load("vit_tiny"), "freeze blocks.0.attn.q_proj", "q_proj", "trains whole or not at all"),
    (load("whisper"), "train model.encoder.embed_positions", "frozen by the model's author", "Name it exactly"),
    (ODD, "freeze größe層", "'größe層'", "größe 層"),
    (ODD, 'freeze "a  b"', "a  b", "'a b'"),
    (ODD, "freeze a.b.d", "'a.b.d'", "outermost parts"),
    (EMPTY, "freeze all", "empty", "no parameters"),
    (EMPTY, "train blocks:0", "empty", "no parameters"),
]

CASES = [
    Bad(f"rules: {text[:40]!r}", lambda _, text=text: parse_spec(text), RuleError, (says,), hint)
    for text, says, hint in TEXTS
] + [
    Bad(f"misses: {tree.source} {text}", lambda _, tree=tree, text=text: resolve(parse_spec(text), tree), RuleError,
        (says,), hint)
    for tree, text, says, hint in MISSES
] + [
    Bad("ticks: a name of another model", lambda _: Mask.from_names(load("resnet18"), ["fc.wieght"]), FreezeError,
        ("'fc.wieght'",), "'fc.weight'"),
]  # fmt: skip
