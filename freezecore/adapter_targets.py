"""Which modules of a model its adapters join, from the tree of the base alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import compress

from freezecore.adapter import Adapter
from freezecore.errors import RuleError, SourceError, shortened
from freezecore.name_index import NameIndex, flags
from freezecore.peft_rules import UNREAD
from freezecore.rules.grammar import print_selector
from freezecore.rules.matching import selected
from freezecore.rules.nearby import hint_for
from freezecore.sentences import say
from freezecore.spec import Selector
from freezecore.tree import LayerTree, Parameter

LINEAR = frozenset({"nn.Linear", "Conv1D"})  # transformers' Conv1D is a linear layer with its weight transposed
CONVOLUTION = frozenset({"nn.Conv1d", "nn.Conv2d", "nn.Conv3d"})
JOINED = LINEAR | CONVOLUTION | {"nn.Embedding"}
MAMBA = frozenset({"Mamba", "Mamba2", "FalconMamba", "FalconH1", "NemotronH"})
BESIDE_MAMBA = ("out_proj", "conv1d")  # PEFT refuses them there: a fused kernel reads their weights itself
MOST_NAMED = 6


def adapter_targets(adapters: Sequence[Adapter], tree: LayerTree) -> dict[str, Adapter]:
    """The adapter of each module that gets one, by its path in the tree of the base; of experts that stand in one
    tensor, by that parameter's name. Where two adapters name a module, the later one has it.

    Linear layers, convolutions, embeddings and experts in one tensor of three dimensions can be adapted; of a selector
    that hits others too, convolutions of one kernel for each channel are left out. Without targets: every linear
    layer but the head, and in a model without such every convolution that joins channels.

    Raises:
        RuleError: a target names nothing in this model.
        SourceError: what it names cannot be adapted.
    """
    found: dict[str, Adapter] = {}
    for adapter in adapters:
        for path in _of(adapter, tree):
            found.pop(path, None)
            found[path] = adapter
    return {path: found[path] for path in _in_order(found, tree)}


def adaptable(tree: LayerTree) -> dict[int, str]:
    """By its place in `tree.parameters`, each weight that an adapter can join, and what it is then called: its module's
    path, or the parameter's own name."""
    found = {}
    for i, p in enumerate(tree.parameters):
        bases = tree.layer_at[p.owner].bases if p.owner in tree.layer_at else ()
        if p.name.rpartition(".")[2] == "weight" and JOINED.intersection(bases) and UNREAD not in bases:
            found[i] = p.owner
        elif p.fused and p.owner and len(p.shape) == 3 and not JOINED.intersection(bases):
            found[i] = p.name
    return found


def default_targets(tree: LayerTree) -> list[int]:
    """Places of the weights that an adapter without targets joins."""
    mamba = not MAMBA.isdisjoint(each.removesuffix("PreTrainedModel") for each in tree.layers[0].bases)
    able = [
        i
        for i, path in adaptable(tree).items()
        if tree.parameters[i].kind != "head" and not (mamba and path.rpartition(".")[2] in BESIDE_MAMBA)
    ]
    linear = [i for i in able if LINEAR.intersection(_bases(tree, tree.parameters[i]))]
    convolutions = [i for i in able if CONVOLUTION.intersection(_bases(tree, tree.parameters[i]))]
    return linear or [i for i in convolutions if not _one_a_channel(tree, tree.parameters[i])]


def _of(adapter: Adapter, tree: LayerTree) -> Iterable[str]:
    able = adaptable(tree)
    if not adapter.targets:
        if not (usual := default_targets(tree)):
            raise SourceError(
                "{source} has no linear layer or convolution beside its head that an adapter could join.",
                "Name what it is to join: 'lora r=8 on head'.",
                source=shortened(tree.source),
            )
        return [able[i] for i in usual]
    found: dict[str, None] = {}
    for selector in adapter.targets:
        hits = target_positions(selector, tree)
        joined = [i for i in hits if i in able]
        _refuse_tied(selector, joined, tree)
        if not joined:
            raise _not_adaptable(selector, [tree.parameters[i] for i in hits], tree, able)
        wide = [i for i in joined if not _one_a_channel(tree, tree.parameters[i])]
        found.update(dict.fromkeys(able[i] for i in wide or joined))
    return found


def target_positions(selector: Selector, tree: LayerTree) -> tuple[int, ...]:
    """Places of the parameters that a target names. A name that stands nowhere at the root is looked for at any depth,
    as PEFT does with `q_proj`.

    Raises:
        RuleError: it names nothing in this model.
    """
    if hits := _hits(selector, tree.names):
        return tree.names.positions_of(hits)
    able = dict.fromkeys(path.rpartition(".")[2] for path in adaptable(tree).values() if not path.endswith(".weight"))
    listed = ", ".join(f"*.{name}" for name in able if not name.isdigit())
    hint = hint_for(selector, tree)
    raise RuleError(
        "No layer of {source} matches the adapter's target '{said}'.",
        say("{hint} Adapters can join {names}.", hint=hint, names=shortened(listed, 200)) if listed else hint,
        source=shortened(tree.source),
        said=shortened(print_selector(selector)),
    )


def _hits(selector: Selector, names: NameIndex) -> int:
    hits = selected(selector, names)
    if not hits and selector.form == "path" and not selector.value.startswith("*"):
        hits = selected(Selector("path", f"*.{selector.value}"), names)
    return hits


def _refuse_tied(selector: Selector, joined: Sequence[int], tree: LayerTree) -> None:
    """Refuse a target that names a layer by a weight that another layer holds: PEFT would join that very layer, and
    the adapter would be put beside the other here."""
    tied = [tree.parameters[i] for i in joined if tree.parameters[i].aliases]
    named = set(compress(tree.names.names, flags(_hits(selector, tree.names)))) if tied else set()
    if one := next((p for p in tied if p.name not in named), None):
        raise SourceError(
            "'{said}' names a layer that has its weight from '{owner}': an adapter beside it is not followed.",
            "Name other layers, or '{owner}' itself.",
            said=shortened(print_selector(selector)),
            owner=shortened(one.owner),
        )


def _not_adaptable(selector: Selector, hit: list[Parameter], tree: LayerTree, able: dict[int, str]) -> SourceError:
    kinds = dict.fromkeys(tree.layer_at[p.owner].type for p in hit if p.owner in tree.layer_at)
    names = list(dict.fromkeys(able.values()))[:MOST_NAMED]
    return SourceError(
        "'{said}' names nothing that an adapter can join, but {kinds}.",
        "Linear layers, convolutions and embeddings can be: {names} …" if names else "This model has no such layer.",
        said=shortened(print_selector(selector)),
        kinds=shortened(", ".join(kinds), 80),
        names=shortened(", ".join(names), 160),
    )


def _in_order(found: Iterable[str], tree: LayerTree) -> list[str]:
    place = {path: i for i, path in adaptable(tree).items()}
    return sorted(found, key=lambda path: place[path])


def _bases(tree: LayerTree, p: Parameter) -> tuple[str, ...]:
    return tree.layer_at[p.owner].bases if p.owner in tree.layer_at else ()


def _one_a_channel(tree: LayerTree, p: Parameter) -> bool:
    """A convolution that is one kernel for each channel: a low rank saves nothing there, and PEFT refuses most."""
    return bool(CONVOLUTION.intersection(_bases(tree, p))) and p.shape[1] == 1


def is_adapter_part(part: str) -> bool:
    """Whether PEFT calls a module of an adapter so, beside or inside what it adapts."""
    return part.startswith("lora_") or part == "token_adapter"


def base_of(tree: LayerTree) -> LayerTree:
    """The tree of the model without its adapters; itself where it has none."""
    if not any(p.adapter for p in tree.parameters):
        return tree
    layers = (each for each in tree.layers if not any(map(is_adapter_part, each.path.split("."))))
    return replace(tree, layers=tuple(layers), parameters=tuple(p for p in tree.parameters if not p.adapter))
