"""LayerTree: every module and every parameter of a model once, as plain data that holds no tensor.

A tree pickles, travels as JSON and prints; `freezecore.runtime.tree.read` makes one from a module.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Literal

from freezecore.name_index import NameIndex
from freezecore.schema import LARGEST_NUMBER, reader

# Trees and masks print themselves, for convenience, by `tree_format`, which reads them: it is imported only then.

Kind = Literal["embedding", "stem", "block", "neck", "head", "other"]
KINDS: tuple[Kind, ...] = ("embedding", "stem", "block", "neck", "head", "other")
PARTS = ("vision", "audio", "projector", "language", "decoder", "action", "other")  # of a model, by what flows in them
MOST_NAMES, LONGEST_NAME, DEEPEST, MOST_DIMENSIONS = 400_000, 1_000, 100, 32  # of a tree that is read
DTYPE_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One trainable tensor. Tied names are one parameter with `aliases`.

    Attributes:
        name: full dotted name, the first that `named_parameters()` lists.
        owner: path of the module that holds it; empty for the root.
        shape: sizes of its dimensions.
        dtype: torch's name without `torch.`, such as `float32`.
        kind: its place in the model.
        norm: it scales or shifts a normalisation.
        bias: it is an additive bias.
        aliases: the other names of the same tensor.
        fused: several projections in one tensor (`qkv`, experts): it trains whole or not at all.
        frozen_by_author: `requires_grad` was False when the model was built.
        router: it chooses which experts of a mixture run.
        new: the checkpoint has no such name, so its weights are random.
        used: a forward pass reads it; None where none could be followed, or not with all that the model takes in.
        adapter: it is an adapter's, beside the weight of the module that it adapts.
    """

    name: str
    owner: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    kind: Kind = "other"
    norm: bool = False
    bias: bool = False
    aliases: tuple[str, ...] = ()
    fused: bool = False
    router: bool = False
    frozen_by_author: bool = False
    new: bool = False
    used: bool | None = None
    adapter: bool = False

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return (self.numel + 1) // 2 if self.dtype == "nf4" else self.numel * DTYPE_BYTES.get(self.dtype, 1)

    @property
    def can_train(self) -> bool:
        """Whether a gradient can be had of its type: not of whole numbers, as quantised weights are."""
        return self.dtype.startswith(("float", "bfloat", "complex"))

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and its aliases."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Buffer:
    """A tensor that a module keeps but does not train, such as a running mean."""

    name: str
    owner: str
    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * DTYPE_BYTES.get(self.dtype, 1)


@dataclass(frozen=True, slots=True)
class Layer:
    """One module.

    Attributes:
        path: dotted path; empty for the root.
        type: class name.
        kind: its place; a module that holds several kinds is `other`.
        parameters: count of scalars below it, each shared tensor once.
        own_parameters: count of scalars it holds itself.
        moves: its buffers change in train mode (running statistics, power iteration).
        drops: it is random in train mode (dropout, stochastic depth).
        uses: how often one forward calls it; None where the forward could not be followed.
        aliases: other paths of the same module object.
        bases: names of its class and the classes it derives from, up to `nn.Module`; torch's own begin with `nn.`.
    """

    path: str
    type: str
    kind: Kind = "other"
    parameters: int = 0
    own_parameters: int = 0
    moves: bool = False
    drops: bool = False
    uses: int | None = None
    aliases: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """Consecutive blocks that the model's author grouped."""

    path: str
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What a multimodal model is made of: the tower of one kind of input, or what joins two.

    Attributes:
        name: one of `PARTS`.
        paths: of modules, or names of raw parameters, which hold all of its parameters and no others.
    """

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tower:
    """One encoder, decoder or backbone: what stands before its blocks, and its blocks in the order in which they run.

    Attributes:
        part: which of the model's parts it stands in; without parts, what it takes in; empty where nothing says so.
        embeddings: paths of modules, or names of raw parameters, that run before its blocks; so does `stem`.
        blocks: paths of modules.
        parts: for each block, paths of its other modules, where a model keeps the attention and the feed-forward of its
            layers in a list each; empty where every block is one module.
        between: for each block, paths (or names) outside of all blocks that run before its end and after the end of
            the block before, be that one of another tower: a downsampling, the norm that ends an encoder, a projector.
    """

    name: str
    path: str
    embeddings: tuple[str, ...] = ()
    stem: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    blocks: tuple[str, ...] = ()
    parts: tuple[tuple[str, ...], ...] = ()
    between: tuple[tuple[str, ...], ...] = ()
    part: str = ""

    @property
    def before(self) -> tuple[str, ...]:
        """Paths of what stands before its blocks."""
        return (*self.embeddings, *self.stem)


@dataclass(frozen=True)
class LayerTree:
    """A model's layers and parameters in order.

    Attributes:
        source: the source's text, or the class name of a model object.
        layers: every module, parents before children.
        parameters: every distinct parameter, in the order of `layers`; the leaves of the tree.
        order: `executed` when a forward could be followed, else `defined`.
        towers: at least one; a model without blocks has one tower without blocks.
        head: paths of the modules (or names of parameters) that make the prediction.
        parts: of a model that has several, in the order of `PARTS`; together they hold every parameter.
        notes: what could not be found out, a sentence each.
        versions: library versions that built the model.
    """

    source: str
    layers: tuple[Layer, ...]
    parameters: tuple[Parameter, ...]
    buffers: tuple[Buffer, ...] = ()
    towers: tuple[Tower, ...] = ()
    head: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    order: Literal["executed", "defined"] = "defined"
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict, hash=False)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position in `parameters` of each name, aliases included."""
        return {name: i for i, p in enumerate(self.parameters) for name in p.names}

    @cached_property
    def layer_at(self) -> dict[str, Layer]:
        """Layer by path, aliases included."""
        return {path: layer for layer in self.layers for path in (layer.path, *layer.aliases)}

    @cached_property
    def names(self) -> NameIndex:
        """All names, with sets of them as integers."""
        return NameIndex(self)

    @cached_property
    def state(self) -> LayerTree:
        """The buffers of modules that hold no parameter themselves, as the parameters of a tree: what rules may name
        beside this tree's own, such as a codebook that is a moving average. State that is no buffer is called so."""
        found = []
        for buffer in self.buffers:
            layer = self.layer_at[buffer.owner]
            if not layer.own_parameters:
                others = tuple(f"{path}.{buffer.name.rpartition('.')[2]}" for path in layer.aliases)
                norm = layer.moves and "norm" in layer.type.lower()
                found.append(
                    Parameter(buffer.name, layer.path, buffer.shape, buffer.dtype, layer.kind, norm, aliases=others)
                )
        said = {buffer.owner for buffer in self.buffers}
        for layer in self.layers:
            if layer.moves and not layer.own_parameters and layer.path not in said:  # its state is no buffer
                found.append(Parameter(f"{layer.path}.state", layer.path, (), kind=layer.kind))
        return replace(self, parameters=tuple(found), buffers=())

    def __hash__(self) -> int:
        """By names and shapes, once: caches ask for it often, and hashing 5,000 parameters takes milliseconds."""
        return hash(self.fingerprint)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Scalars of each parameter."""
        return tuple(p.numel for p in self.parameters)

    @cached_property
    def total(self) -> int:
        """Scalars in all parameters."""
        return sum(self.sizes)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits over all names and shapes in any order: equal where a spec means the same set."""
        lines = sorted(f"{name} {p.shape}" for p in self.parameters for name in p.names)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    @cached_property
    def below(self) -> dict[str, tuple[int, ...]]:
        """Positions of the parameters under each module path (aliases included); `''` holds all."""
        found: dict[str, list[int]] = {}
        above: dict[tuple[str, ...], list[list[int]]] = {}  # parameters of one module lie under the same paths
        for i, parameter in enumerate(self.parameters):
            owners = tuple(name.rpartition(".")[0] for name in parameter.names)
            if owners not in above:
                paths = dict.fromkeys(path for name in parameter.names for path in prefixes(name))
                above[owners] = [found.setdefault(path, []) for path in paths]
            for positions in above[owners]:
                positions.append(i)
        return {path: tuple(positions) for path, positions in found.items()}

    def under(self, path: str) -> tuple[int, ...]:
        """Positions of the parameters under a module path, or of the one parameter of that name."""
        if path in self.index:
            return (self.index[path],)
        return self.below.get(path, ())

    def under_each(self, paths: Iterable[str]) -> list[int]:
        """The same under each of these, one after another."""
        return [i for path in paths for i in self.under(path)]

    @cached_property
    def in_part(self) -> dict[str, tuple[int, ...]]:
        """Positions of the parameters of each part, by its name."""
        return {part.name: tuple(self.under_each(part.paths)) for part in self.parts}

    @property
    def blocks(self) -> tuple[str, ...]:
        """Block paths of all towers, tower after tower."""
        return tuple(path for tower in self.towers for path in tower.blocks)

    @cached_property
    def _parts(self) -> dict[str, tuple[str, ...]]:
        return {path: also for tower in self.towers for path, also in zip(tower.blocks, tower.parts, strict=False)}

    def modules_of(self, block: str) -> tuple[str, ...]:
        """Paths of the modules that make a block: its own, and those beside it (`Tower.parts`)."""
        return (block, *self._parts.get(block, ()))

    def in_block(self, block: str) -> tuple[int, ...]:
        """Positions of the parameters of a block, whichever modules hold them."""
        return tuple(self.under_each(self.modules_of(block)))

    @cached_property
    def before_blocks(self) -> tuple[str, ...]:
        """Paths of what stands before the blocks of each tower, tower after tower."""
        return tuple(path for tower in self.towers for path in tower.before)

    @property
    def staged(self) -> Tower | None:
        """The tower with most stages; None where there is no tower."""
        return max(self.towers, key=lambda tower: len(tower.stages), default=None)

    def to_json(self) -> dict:
        """The tree as JSON values; `from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: object) -> LayerTree:
        """Rebuild a tree from `to_json`'s dictionary, as JSON has kept it.

        Raises:
            ValueError: it is none, or larger than any model's.
        """
        tree = reader(cls)(data)
        _check(tree)
        return tree

    def __str__(self) -> str:
        from freezecore.tree_format import text

        return text(self)

    def _repr_html_(self) -> str:
        from freezecore.tree_format import html

        return html(self)

    def __repr__(self) -> str:
        kinds = Counter(p.kind for p in self.parameters)
        counts = ", ".join(f"{kind} {kinds[kind]}" for kind in KINDS if kinds[kind])
        return f"LayerTree({self.source!r}, {len(self.parameters)} parameters of {self.total:,} scalars: {counts})"


def _check(tree: LayerTree) -> None:
    """Refuse what would take a stranger's numbers or names beyond any model's; raises ValueError."""
    names = [name for p in tree.parameters for name in p.names]
    paths = [path for layer in tree.layers for path in (layer.path, *layer.aliases)]
    if not tree.towers or len(names) + len(paths) > MOST_NAMES or len(set(names)) < len(names):
        raise ValueError("too many names, the same twice, or no tower")
    place = {layer.path: number for number, layer in enumerate(tree.layers)}
    if place.get("") != 0 or len(set(paths)) < len(paths):
        raise ValueError("the root is not first, or a layer stands twice")
    if any(place.get(path.rpartition(".")[0], 0) > number for path, number in place.items()):
        raise ValueError("a layer stands before the one that holds it")
    if any(len(name) > LONGEST_NAME or name.count(".") > DEEPEST for name in (*names, *paths)):
        raise ValueError("a name is too long")
    if sum(len(name) * (1 + name.count(".")) for name in names) > MOST_NAMES * 100:
        raise ValueError("names are nested too deeply")
    tensors: list[Parameter | Buffer] = [*tree.parameters, *tree.buffers]
    for tensor in tensors:
        if len(tensor.shape) > MOST_DIMENSIONS or min(tensor.shape, default=0) < 0 or tensor.nbytes > LARGEST_NUMBER:
            raise ValueError("a tensor is larger than any")


def prefixes(name: str) -> Iterator[str]:
    """Module paths above a parameter's name, from the root down: `a.b.weight` gives '', 'a', 'a.b'."""
    yield ""
    at = name.find(".")
    while at != -1:
        yield name[:at]
        at = name.find(".", at + 1)
