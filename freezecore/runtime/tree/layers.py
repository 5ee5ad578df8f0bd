"""Read a module into a LayerTree."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from freezecore.cache.keys import versions
from freezecore.errors import SourceError
from freezecore.runtime import require_tested
from freezecore.runtime.tree.author import author_frozen as frozen_by_author
from freezecore.runtime.tree.marks import (
    ADAPTER,
    bases_of,
    drops,
    is_bias,
    is_fused,
    is_norm,
    is_router,
    may_drop,
    may_move,
    moves,
    place,
)
from freezecore.runtime.tree.module_tree import ModuleNode, ModuleTree, module_tree
from freezecore.runtime.tree.order import Execution, Untraced, execution_order
from freezecore.runtime.tree.towers import Structure, find_structure
from freezecore.runtime.tree.unregistered import hidden_note, unregistered
from freezecore.runtime.tree.written_order import completed
from freezecore.sentences import say
from freezecore.tree import Buffer, Layer, LayerTree, Parameter


def read_module(
    model: nn.Module,
    label: str = "",
    *,
    new: Iterable[str] = (),
    author_frozen: Iterable[str] | None = None,
    own: bool = False,
    notes: tuple[str, ...] = (),
) -> LayerTree:
    """The layer tree of a module; a copy without storage is run once, the module itself is not changed.

    Args:
        label: the tree's `source`; the class name where it is empty.
        new: names that the checkpoint lacked.
        author_frozen: names that were frozen when the model was built; None finds out by building its class anew.
        own: the model stands on the meta device and may itself be run, which saves the copy.
        notes: what is already known of how it was built, a sentence each.

    Raises:
        SourceError: it is no module, or the sizes of some layers are not known yet.
        MissingLibrary: parts of it are of a library older than any that was tested.
    """
    check(model)
    require_tested({type(module).__module__.partition(".")[0] for module in model.modules()})
    seen = module_tree(model)
    followed = execution_order(model, own=own)
    run = followed if isinstance(followed, Execution) else None
    found = find_structure(seen, completed(run, seen))
    if author_frozen is None:
        author_frozen = frozen_now(model) if own else frozen_by_author(model)
    return LayerTree(
        source=label or type(model).__name__,
        layers=tuple(_layer(seen, node, found, run) for node in seen.nodes.values()),
        parameters=tuple(_parameter(seen, name, found, set(new), set(author_frozen), run) for name in seen.tensors),
        buffers=tuple(Buffer(name, path, tuple(tensor.shape), _dtype(tensor)) for name, path, tensor in seen.buffers()),
        towers=found.towers,
        head=found.head,
        parts=found.parts,
        order="executed" if run else "defined",
        notes=(*notes, *_notes(followed, unregistered(model))),
        versions=versions(),
    )


def frozen_now(model: nn.Module) -> list[str]:
    """Names of the parameters that do not train at this moment."""
    return [name for name, tensor in model.named_parameters(remove_duplicate=False) if not tensor.requires_grad]


def check(model: object) -> None:
    """Raises a SourceError: it is no module, or the sizes of some layers are not known yet."""
    if not isinstance(model, nn.Module):
        raise SourceError(
            "Layers are read from an nn.Module, not from an object of the class {kind}.",
            "Hand over the model itself, not its class, weights or file.",
            kind=type(model).__name__,
        )
    named = (*model.named_parameters(), *model.named_buffers())
    if lazy := next((name for name, tensor in named if is_lazy(tensor)), None):
        raise SourceError(
            "The size of '{name}' is not known yet, so there is nothing to freeze.",
            "Run the model on one batch first.",
            name=lazy,
        )


def _notes(run: Execution | Untraced, hidden: Sequence[str]) -> tuple[str, ...]:
    notes = []
    if isinstance(run, Untraced):
        notes.append(run.reason)
    elif run.by_parts:
        notes.append(say("Parts of the model were followed on their own, in the order of their definition."))
    if hidden:
        notes.append(hidden_note(hidden))
    return tuple(notes)


def _layer(seen: ModuleTree, node: ModuleNode, found: Structure, run: Execution | None) -> Layer:
    watched = run is not None and node.path in run.calls
    moved, random = (run.moved, run.random) if run else ((), ())
    return Layer(
        path=node.path,
        type=node.type,
        kind=_layer_kind(seen, node, found),
        parameters=node.numel,
        own_parameters=sum(seen.tensors[name].numel() for name in node.own),
        moves=moves(node.module) or node.path in moved or may_move(node.module, watched),
        drops=drops(node.module) or node.path in random or (not watched and may_drop(node.module)),
        uses=run.calls.get(node.path, 0) if run else None,
        aliases=tuple(node.aliases),
        bases=bases_of(cast(Hashable, type(node.module))),
    )


def _layer_kind(seen: ModuleTree, node: ModuleNode, found: Structure):
    """The kind that all its parameters have; a module without any follows its nearest ancestor that has some."""
    carrier = node
    while not carrier.numel and carrier.parent is not None:
        carrier = carrier.parent
    kinds = {found.kinds[name] for name in seen.below(carrier)}
    return kinds.pop() if len(kinds) == 1 else "other"


def _parameter(
    seen: ModuleTree, name: str, found: Structure, new: set[str], frozen: set[str], run: Execution | None
) -> Parameter:
    tensor = seen.tensors[name]
    path, last = place(name)
    node = seen.nodes.get(path, seen.owner[name])
    names = (name, *seen.aliases[name])
    norm = is_norm(node) or is_norm(seen.owner[name])
    return Parameter(
        name=name,
        owner=seen.owner[name].path,
        shape=tuple(tensor.shape),
        dtype=_dtype(tensor),
        kind=found.kinds[name],
        norm=norm,
        bias=is_bias(last, norm),
        aliases=tuple(seen.aliases[name]),
        fused=is_fused(path, last, node, tuple(tensor.shape)),
        router=is_router(node),
        frozen_by_author=any(each in frozen for each in names) or not differentiable(tensor),
        new=any(each in new for each in names),
        used=run.uses(name) if run else None,
        adapter=bool(ADAPTER.search(name)),
    )


def differentiable(tensor: Tensor) -> bool:
    """Whether a tensor of this type can need a gradient."""
    return tensor.is_floating_point() or tensor.is_complex()


def _dtype(tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
