"""The parts of a multimodal model: what takes pixels, sound or ids, and what joins two of them.

A tower is named by what flows into it: by the arguments of the library's model that it is, by what that says of itself,
else by its first layers. One that is fed by another tower has no such input: before a language model it is a projector,
as a Q-Former is; what decodes or acts is told by its name alone, and what writes words of its own beside the model's
(units of speech) decodes. Beside the towers, what runs between the end of one and the end of the language model is the
projector; where nothing does, what stands behind a tower's blocks and is called so, or gives out vectors as wide as the
language model's (Qwen's `merger`). What takes in one kind of thing, as a detector or a codec does, is one whole.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from torch import nn

from freezecore.runtime.tree.head import input_embeddings, output_embeddings
from freezecore.runtime.tree.module_tree import ModuleNode, ModuleTree, is_library_model
from freezecore.tree import PARTS

TAKES = {  # names of arguments
    "vision": re.compile(r"^(?:pixel|image|video|grid_thw|patch)"),
    "audio": re.compile(r"^(?:input_features|input_values|audio|speech|spectrogram|waveform)"),
    "language": re.compile(r"^input_ids$"),
    "action": re.compile(r"^(?:action|observation)|^state$"),
}
JOINING = r"q_?former|resampler|connector|project(?:or|ion)|merger|aligner"
JOINS = re.compile(JOINING + "|adapter", re.IGNORECASE)
JOINS_INSIDE = re.compile(JOINING, re.IGNORECASE)  # an adapter inside an encoder shortens sound
ACTS = re.compile(r"(?:^|[._])(?:action|dit|policy)(?:[._]|$)|_expert(?:[._]|$)", re.IGNORECASE)
DECODES = re.compile(r"decoder|vocoder|talker|2wav", re.IGNORECASE)
SPEAKS = re.compile(r"vocoder|talker|2wav", re.IGNORECASE)  # turns what was written into sound
READS = {  # names of what looks an input up or is put before it, outside of every tower
    "vision": re.compile(
        r"(?:^|\.)(?:vis(?:ion|ual)|image|pixel|video)_(?:\w+_)?(?:embed\w*|prompt|prompter|tower|encoder)$"
    ),
    "audio": re.compile(r"(?:^|\.)(?:audio|speech)_(?:\w+_)?(?:embed\w*|prompt|prompter|tower|encoder)$"),
    "language": re.compile(
        r"(?:^|\.)(?:text|word)_(?:\w+_)?(?:embed\w*|prompt|prompter)$|(?:^|\.)embed_(?:text|word)\w*$"
    ),
}
NAMED = {"vision": re.compile(r"vision|visual"), "audio": re.compile(r"audio|speech")}  # of what did not run
MODALITIES = {"image": "vision", "video": "vision", "audio": "audio", "text": "language"}  # transformers' words
CONVOLUTIONS = {nn.Conv1d: "audio", nn.Conv2d: "vision", nn.Conv3d: "vision"}
MOST_CHANNELS = 4  # of a picture
INPUTS = {"vision", "audio", "language", "action"}

Place = Callable[[str], float | None]


@dataclass(frozen=True)
class TowerSpan:
    """What is known of a tower.

    Attributes:
        front: names of what runs before its blocks.
        inside: names of the parameters of its blocks.
        start: place of its first block in the order of execution, `end` of its last.
    """

    path: str
    front: Sequence[str]
    inside: frozenset[str]
    start: float
    end: float


def find_parts(
    seen: ModuleTree, towers: Sequence[TowerSpan], place: Place, head: AbstractSet[str] = frozenset()
) -> tuple[list[str], dict[str, list[str]]]:
    """The part of each tower, and the names of the parameters of each part; no parts where a model is one whole.

    Args:
        towers: in the order in which they run.
        place: where in the order of execution a parameter stands; None where it did not run.
        head: names of the parameters of the head, which is of no tower for running after it.
    """
    flows = _flows(seen, towers)
    takes = _taken(seen.root) & READS.keys() if is_library_model(seen.root.module) else set()
    inside = {name for tower in towers if tower.path for name in seen.below(seen.nodes[tower.path])}
    beside = {_top(name, towers) for name in seen.tensors if takes and name not in inside}
    read = {kind for top in beside for kind in takes if _reads(top, kind)}
    if len(INPUTS.intersection(flows) | read) < 2 or not INPUTS.intersection(flows):
        return flows, {}
    of: dict[str, str] = {}
    for tower, flow in sorted(zip(towers, flows, strict=True), key=lambda pair: pair[0].path.count(".")):
        region = seen.below(seen.nodes[tower.path]) if tower.path else ()
        of |= dict.fromkeys((*region, *tower.inside), flow or "other")
    for node in seen.nodes.values():  # a library's model of one kind of input has all that is its own
        kinds = _taken(node) if is_library_model(node.module) and not JOINS.search(node.name) else set()
        if {flow for tower, flow in zip(towers, flows, strict=True) if node.contains(tower.path)} == {"decoder"}:
            kinds = {"decoder"}
        if node.parent is not None and len(kinds) == 1 and kinds <= set(flows):
            of |= dict.fromkeys(set(seen.below(node)) - of.keys(), kinds.pop())
    tables = {name for node in input_embeddings(seen) for name in seen.below(node)} - of.keys()
    if "language" in flows:
        of |= dict.fromkeys(_output_embeddings(seen) - of.keys(), "language")
    _add_the_rest(seen, towers, flows, of, tables, place, head)
    if "projector" not in of.values():
        width = _width(seen, towers, flows)
        for tower, flow in zip(towers, flows, strict=True):
            if flow in ("vision", "audio"):
                of |= dict.fromkeys(_joining(seen, tower, width, place), "projector")
    return flows, {part: [name for name in seen.tensors if of[name] == part] for part in PARTS if part in of.values()}


def _add_the_rest(
    seen: ModuleTree,
    towers: Sequence[TowerSpan],
    flows: Sequence[str],
    of: dict[str, str],
    tables: set[str],
    place: Place,
    head: AbstractSet[str],
) -> None:
    """What stands beside the towers, one outermost module after another; `tables` is what ids are looked up in."""
    around: dict[str, list[str]] = {}
    for name in seen.tensors:
        if name not in of:
            around.setdefault(_top(name, towers), []).append(name)
    first, last = _ends(towers, flows)
    for top, names in around.items():
        before = {flow for t, flow in zip(towers, flows, strict=True) if flow and set(names) <= set(t.front)}
        named = next((part for part, word in (("action", ACTS), ("decoder", DECODES)) if word.search(top)), "other")
        if tables & set(names) and "language" in flows:
            named = "language"
        elif named not in flows:
            whole = top in seen.nodes and is_library_model(seen.nodes[top].module)  # such as a codec, joins nothing
            between = not whole and any((at := place(name)) is not None and first < at < last for name in names)
            ran = any(place(name) is not None for name in names)
            idle = top in seen.tensors and not ran  # a row that separates pictures, where none was given
            beside = idle and any(JOINS.search(each.name) for each in seen.owner[top].bearing)
            joins = between or beside or bool(JOINS.search(top))
            own = before.pop() if ran and len(before) == 1 else _behind(seen, top, names, towers, flows, place, head)
            reads = next((kind for kind in READS if _reads(top, kind)), "")
            if not ran and not JOINS.search(top):
                reads = next((kind for kind, word in NAMED.items() if kind in flows and word.search(top)), reads)
                joins = joins and not reads
            if top in seen.tensors and not seen.tensors[top].ndim:
                named = "other"  # a scale of what is compared
            else:
                named = reads if reads and not (joins and reads != "language") else "projector" if joins else own
        of |= dict.fromkeys(names, named)


def _reads(top: str, kind: str) -> bool:
    return bool(READS[kind].search(top)) and not JOINS.search(top)


def _behind(
    seen: ModuleTree,
    top: str,
    names: Sequence[str],
    towers: Sequence[TowerSpan],
    flows: Sequence[str],
    place: Place,
    head: AbstractSet[str],
) -> str:
    """The part of the last tower for a module that runs after it and predicts nothing, such as a pooler, where both
    are of the model itself."""
    tower, flow = max(zip(towers, flows, strict=True), key=lambda pair: pair[0].end)
    after = all((at := place(name)) is not None and at > tower.end for name in names)
    own = flow and after and head.isdisjoint(names) and _model_of(seen, tower) is seen.root
    return flow if own and top not in seen.tensors else "other"


def _top(name: str, towers: Sequence[TowerSpan]) -> str:
    """The outermost module around a parameter that holds no tower, else its own name."""
    ends = [at for at, character in enumerate(name) if character == "."]
    free = (name[:end] for end in ends if not any(f"{t.path}.".startswith(f"{name[:end]}.") for t in towers))
    return next(free, name)


def _flows(seen: ModuleTree, towers: Sequence[TowerSpan]) -> list[str]:
    """What each tower takes in, else what it is for; empty where nothing says so."""
    root = seen.root
    acting = not is_library_model(root.module) or "action" in _taken(root)
    found: list[str] = []
    whole = min((n for n in seen.nodes.values() if all(n.contains(t.path) for t in towers)), key=lambda n: n.numel)
    for tower in towers:
        acts, speaks = acting and ACTS.search(tower.path), SPEAKS.search(tower.path) or _speaks_apart(seen, tower)
        found.append("action" if acts else "decoder" if speaks else _flow(seen, tower, set(found), whole))
    if "language" not in found and is_library_model(root.module) and "language" in _taken(root):
        at = max((at for at, flow in enumerate(found) if not flow), default=len(found))
        found[at : at + 1] = ["language"]
    ends = next((flow for flow in reversed(found) if flow != "decoder"), "")
    for at, tower in enumerate(towers):
        if _joins_inputs(seen, tower, found[:at]):
            found[at] = "projector"
        elif not found[at] and DECODES.search(tower.path):
            found[at] = _coded(seen, tower, towers[:at], found) or "decoder"
        elif not found[at] and ends == "language" and {"vision", "audio"} & set(found[:at]):
            found[at] = "projector"
    return found[: len(towers)]


def _coded(seen: ModuleTree, tower: TowerSpan, before: Sequence[TowerSpan], flows: Sequence[str]) -> str:
    """What a codec inside a model takes in and gives back: its decoder is of the same part as its encoder."""
    for node in seen.nodes.values():
        if node.path and node.contains(tower.path) and is_library_model(node.module) and len(_taken(node)) == 1:
            kinds = {flow for each, flow in zip(before, flows, strict=False) if node.contains(each.path)}
            if kinds and kinds <= _taken(node):
                return kinds.pop()
    return ""


def _speaks_apart(seen: ModuleTree, tower: TowerSpan) -> bool:
    """Whether a tower is of a complete model that writes words of its own, beside those that the whole writes."""
    whole = output_embeddings(seen.root)
    around = [node for node in seen.nodes.values() if node.path and is_library_model(node.module)]
    around = [node for node in around if node.contains(tower.path)]
    inside = whole is None or any(whole is each for node in around for each in node.module.modules())
    return not inside and any(output_embeddings(node) not in (None, whole) or _has_head(node) for node in around)


def _has_head(node: ModuleNode) -> bool:
    """Whether a library's model keeps something beside its base."""
    base = getattr(node.module, getattr(node.module, "base_model_prefix", "") or "-", None)
    return isinstance(base, nn.Module) and base is not node.module and len(node.bearing) > 1


def _flow(seen: ModuleTree, tower: TowerSpan, before: AbstractSet[str], whole: ModuleNode) -> str:
    """What a tower takes in. What the model around all towers (`whole`) says, or all models of its family, is said of
    the first that took it (`before`), not of one that reads what that made."""
    if JOINS.search(tower.path):
        return "projector" if len(seen.nodes) > 1 and tower.path else ""
    node = _model_of(seen, tower)
    taken = _taken(node) - {"action"} if node else set()
    told = _told(node) - {"language"} if node else set()  # every model says text that says nothing
    own = node is not None and "input_modalities" in vars(type(node.module))
    decodes = DECODES.search(tower.path)
    heard, last = before & {"vision", "audio"}, node is not None and node.contains(whole.path)
    if heard and (last or decodes or (not taken and not own)):
        taken, told = (kinds if kinds - heard else set() for kinds in (taken, told))
    looked_up = input_embeddings(seen)
    read = list(
        dict.fromkeys(kind for name in tower.front if (kind := _read_by(seen.owner[name], looked_up, heard and last)))
    )
    for kinds in (taken, told if own else set(), read):
        if len(kinds) == 1:
            return next(iter(kinds))
    if "language" in read and len(taken) > 1:
        return "language"  # it reads words and the patches among them
    if not taken and decodes:  # what it says is said of the model around it
        return ""
    return next(iter(told)) if len(told) == 1 else next(iter(read), "")


def _told(node: ModuleNode) -> set[str]:
    """The kinds of input that a library's model says of itself, or inherits from what all of its models say."""
    said = getattr(type(node.module), "input_modalities", ())
    return {MODALITIES.get(each, "") for each in ((said,) if isinstance(said, str) else said)}


def _joins_inputs(seen: ModuleTree, tower: TowerSpan, before: Sequence[str]) -> bool:
    """Whether a tower's own model takes several kinds of input, each of which has had a tower of its own."""
    node = _model_of(seen, tower)
    kinds = _taken(node) if node is not None else set()
    own = node is not seen.root or "language" not in kinds  # else it is the language model that takes them all
    kinds -= {"language", "action"}
    return own and len(kinds) > 1 and kinds <= set(before)


def _model_of(seen: ModuleTree, tower: TowerSpan) -> ModuleNode | None:
    """The complete model of a library that holds a tower's blocks and least beside them."""
    models = [node for node in seen.nodes.values() if is_library_model(node.module)]
    holding = [node for node in models if tower.inside <= set(seen.below(node))]
    return min(holding, key=lambda node: node.numel, default=None)


def _taken(node: ModuleNode) -> set[str]:
    names = inspect.signature(node.module.forward).parameters
    return {kind for kind, pattern in TAKES.items() if any(map(pattern.search, names))}


def _read_by(node: ModuleNode, looked_up: Sequence[ModuleNode], behind: object) -> str:
    module: Any = node.module
    if isinstance(module, nn.Embedding):
        return "language" if any(each.contains(node.path) for each in looked_up) else ""
    spectrum = isinstance(module, nn.Conv1d) and not behind  # behind another tower, it reads features
    picture = spectrum or getattr(module, "in_channels", 0) <= MOST_CHANNELS
    return next((flow for kind, flow in CONVOLUTIONS.items() if isinstance(module, kind) and picture), "")


def _width(seen: ModuleTree, towers: Sequence[TowerSpan], flows: Sequence[str]) -> int:
    """How wide the vectors are that the language model looks up; 0 where there is none."""
    tables = [
        seen.tensors[name].shape[1]
        for tower, flow in zip(towers, flows, strict=True)
        if flow == "language"
        for name in tower.front
        if isinstance(seen.owner[name].module, nn.Embedding) and seen.tensors[name].ndim == 2
    ]
    return max(tables, default=0)


def _joining(seen: ModuleTree, tower: TowerSpan, width: int, place: Place) -> list[str]:
    """Names of what stands behind a tower's blocks and is called a projector, else gives out vectors of the language
    model's width; nothing that did not run while the blocks did."""
    vectors = [seen.tensors[n].numel() for n in tower.inside if seen.tensors[n].ndim == 1 and "norm" in n.lower()]
    own = max(vectors, default=0)
    taken, ran = tower.inside.union(tower.front), tower.end < len(seen.tensors)
    named: list[str] = []
    wide: list[str] = []

    def visit(node: ModuleNode) -> None:
        for child in node.bearing:
            names = seen.below(child)
            if not taken.isdisjoint(names):
                if not set(names) <= taken:
                    visit(child)
                continue
            gives = [out for each in child.walk() if (out := _gives(each.module))]
            places = [at for name in names if (at := place(name)) is not None]
            later = bool(places) and min(places) > tower.start if ran else True
            if later and gives and JOINS_INSIDE.search(child.name):
                named.extend(names)
            elif later and gives and own != gives[-1] == width:
                wide.extend(names)

    if tower.path and own:
        visit(seen.nodes[tower.path])
    return named or wide


def _gives(module: nn.Module) -> int:
    return getattr(module, "out_features", 0) or getattr(module, "out_channels", 0)


def _output_embeddings(seen: ModuleTree) -> set[str]:
    """Names of what the library's models look their outputs up in."""
    written = (output_embeddings(node) for node in seen.nodes.values())
    return {name for output in written if id(output) in seen.node_of for name in seen.below(seen.node_of[id(output)])}


def _ends(towers: Sequence[TowerSpan], flows: Sequence[str]) -> tuple[float, float]:
    """Where the first tower of pixels or sound ends, and where the last language model does."""
    inputs = [tower.end for tower, flow in zip(towers, flows, strict=True) if flow in ("vision", "audio")]
    outputs = [tower.end for tower, flow in zip(towers, flows, strict=True) if flow in ("language", "action")]
    return min(inputs, default=math.inf), max(outputs, default=-1.0)
