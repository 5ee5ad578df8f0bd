"""A source's adapters as one `LoraConfig` of PEFT, whose names mean exactly the layers that they join."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from freezecore import peft_experts, peft_rules
from freezecore._export.python import call, number, on_lines, quoted
from freezecore._export.series import Series, series
from freezecore.adapter import Adapter, parse_adapters, spans, trained_tokens
from freezecore.adapter_targets import adapter_targets, base_of
from freezecore.errors import ExportError, RuleError
from freezecore.mask import Mask
from freezecore.source import ModelSource
from freezecore.tree import LayerTree

NUMBERED = re.compile(r"(?:^|.*?\.)[^.]*\.(\d+)\.")


@dataclass(frozen=True)
class LoraOptions:
    """What PEFT is given.

    Attributes:
        adapter: rank, alpha, dropout and the rest, of most of the layers.
        targets: `target_modules`: ends of paths, or an expression over whole ones.
        layers: `layers_to_transform`; None for all.
        tensors: `target_parameters`, of experts that stand in one tensor.
        ranks, alphas: `rank_pattern` and `alpha_pattern`.
        saved: `modules_to_save`.
        bias: `bias`.
        tokens: `trainable_token_indices`.
        rows: of the table of words once it has room for them; None where it has more anyway.
        whole: under these options alone exactly what is to train does; else what trains is set afterwards, by name.
    """

    adapter: Adapter
    targets: list[str] | str
    layers: list[int] | None = None
    tensors: list[str] = field(default_factory=list)
    ranks: dict[str, int] = field(default_factory=dict)
    alphas: dict[str, float] = field(default_factory=dict)
    saved: list[str] = field(default_factory=list)
    bias: str = "none"
    whole: bool = True
    tokens: list[int] = field(default_factory=list)
    rows: int | None = None

    def arguments(self) -> list[str]:
        """As Python, without what is usual."""
        one, said = self.adapter, [f"r={self.adapter.r}", f"lora_alpha={self.adapter.alpha:g}"]
        said += [f"lora_dropout={number(one.dropout)}"] if one.dropout else []
        said += ["use_rslora=True"] * one.rslora + ["use_dora=True"] * one.dora
        targets = self.targets
        said.append(f"target_modules={_expression(targets) if isinstance(targets, str) else _listed(targets)}")
        said += [f"layers_to_transform={self.layers}"] if self.layers is not None else []
        said += [f"target_parameters={_listed(self.tensors)}"] if self.tensors else []
        for name, pattern in (("rank_pattern", self.ranks), ("alpha_pattern", self.alphas)):
            inner = ", ".join(f"{quoted(key)}: {value:g}" for key, value in pattern.items())
            said += [f"{name}={{{inner}}}"] if pattern else []
        said += [f"modules_to_save={_listed(self.saved)}"] if self.saved else []
        said += [f"bias={quoted(self.bias)}"] if self.bias != "none" else []
        rows = (str(run.start) if len(run) == 1 else f"*range({run.start}, {run.stop})" for run in spans(self.tokens))
        said += [f"trainable_token_indices=[{', '.join(rows)}]"] if self.tokens else []
        return list(map(on_lines, said))

    def config(self, task: str | None, taken: int = 0) -> str:
        """The call of `LoraConfig`."""
        return call("LoraConfig", self.arguments() + ([f"task_type={quoted(task)}"] if task else []), taken=taken)


def _listed(names: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, names))}]"


def _expression(text: str) -> str:
    return quoted(text) if "\\" not in text else f'r"{text}"'


def lora_options(source: ModelSource, tree: LayerTree, masks: Sequence[Mask]) -> LoraOptions | None:
    """The adapters of this source; None where it has none. `tree` and `masks` are of the model with adapters.

    Raises:
        ExportError: they differ in what one configuration has once.
    """
    if not source.adapter:
        return None
    base = base_of(tree)
    asked = parse_adapters(source.adapter)
    joined = adapter_targets(asked, base)
    groups: dict[Adapter, list[str]] = {}
    for path, adapter in joined.items():
        groups.setdefault(adapter, []).append(path)
    first = max(groups, key=lambda adapter: len(groups[adapter]))
    for other in groups:
        if (other.dropout, other.rslora, other.dora) != (first.dropout, first.rslora, first.dora):
            raise ExportError(
                "PEFT has one dropout and one scale for all layers, and these adapters differ in them.",
                "Give all adapters the same dropout, rslora and dora.",
            )
    others = [(path, each) for each, paths in groups.items() if each is not first for path in paths]
    saved, bias = _beside(base, tree, masks)
    modules = [path for path in joined if path not in base.index]
    tensors = [path for path in joined if path in base.index]
    targets, layers = _targets(modules, tensors, base, saved or [])
    return LoraOptions(
        first, targets, layers, tensors,
        {path: each.r for path, each in others if each.r != first.r},
        {path: each.alpha for path, each in others if each.alpha != first.alpha},
        saved or [], bias, saved is not None, tokens := trained_tokens(asked), _ends_table(tokens, base),
    )  # fmt: skip


def _ends_table(tokens: Sequence[int], tree: LayerTree) -> int | None:
    """Rows of the table of words where these tokens have its last: it may have been made larger for them."""
    tables = [p.shape[0] for p in tree.parameters if p.kind == "embedding" and len(p.shape) == 2]
    return next((rows for rows in tables if tokens and tokens[-1] + 1 == rows), None)


def _targets(
    paths: Sequence[str], tensors: list[str], tree: LayerTree, saved: list[str]
) -> tuple[list[str] | str, list[int] | None]:
    """The shortest names that mean exactly these modules and no other tensors, as PEFT reads them."""
    modules, names = {layer.path: layer.bases for layer in tree.layers}, [p.name for p in tree.parameters]
    for targets, layers in _candidates(paths):
        said = {"target_modules": targets, "target_parameters": tensors, "modules_to_save": saved}
        try:
            read = peft_experts.converted({**said, "layers_to_transform": layers}, modules, names, tree.head)
        except RuleError:
            continue
        same = set(peft_rules.adapted(read, modules, tree.head)) == set(paths)
        if same and set(peft_experts.tensors(read, names)) == set(tensors):
            return targets, layers
    raise ExportError(
        "PEFT has no names for just these layers of {source} beside the modules that train whole.",
        "Let adapters join other layers, or freeze what they lie in.",
        source=tree.source,
    )


def _candidates(paths: Sequence[str]) -> Iterator[tuple[list[str] | str, list[int] | None]]:
    """Ends of paths, with blocks and without; expressions over numbered paths; the paths themselves."""
    ends = {parts: list(dict.fromkeys(".".join(path.split(".")[-parts:]) for path in paths)) for parts in (1, 2, 3)}
    found = [NUMBERED.match(path) for path in paths]
    blocks = sorted({int(each[1]) for each in found if each}) if all(found) else None
    for names in ends.values():
        yield names, None
        if blocks:
            yield names, blocks
    items = list(series(paths))
    if len(items) < len(paths):
        yield "|".join(map(_pattern, items)), None
    yield list(paths), None


def _pattern(item: str | Series) -> str:
    if isinstance(item, str):
        return re.escape(item)
    numbers = "|".join(str(i) for i in range(item.start, item.stop))
    return f"{re.escape(item.before)}({numbers}){re.escape(item.after)}"


def _beside(base: LayerTree, tree: LayerTree, masks: Sequence[Mask]) -> tuple[list[str] | None, str]:
    """`modules_to_save` and `bias` under which exactly this trains beside adapters; None where there are none such."""
    mask, known = masks[0], base.index
    trained = {name for name in mask.names() if name in known}
    adapters = {p.name for p in tree.parameters if p.adapter}
    if len(masks) > 1 or not adapters <= set(mask.names()) or trained == set(known):
        return None, "none"
    if any(p.aliases for p in base.parameters if p.name in trained):
        return None, "none"  # a copy of a tied tensor would be tied no more
    biases = {p.name for p in base.parameters if p.name.rpartition(".")[2] == "bias"}
    for bias, without in (("none", set()), ("all", biases if biases <= trained else set())):
        names = _saved(trained - without, base, tree)
        if names is not None:
            return names, bias if without else "none"
    return None, "none"


def _saved(trained: set[str], base: LayerTree, tree: LayerTree) -> list[str] | None:
    """Ends of the paths of modules that hold exactly these parameters and no adapter; None where there are none."""
    tops: list[str] = []
    for path in base.below:
        under = {base.parameters[i].name for i in base.under(path)}
        inside = any(path == top or path.startswith(f"{top}.") for top in tops)
        adapted = any(tree.parameters[i].adapter for i in tree.under(path))
        if path in base.layer_at and path and under and under <= trained and not inside and not adapted:
            tops.append(path)
    if {base.parameters[i].name for path in tops for i in base.under(path)} != trained:
        return None
    for names in (list(dict.fromkeys(path.rpartition(".")[2] for path in tops)), tops):
        hit = {each.path for each in base.layers if peft_rules.saved(each.path, {"modules_to_save": names})}
        if hit == set(tops):
            return names
    return None
