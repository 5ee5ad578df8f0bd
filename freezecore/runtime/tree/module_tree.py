"""ModuleTree: a live module as a tree of nodes, each module and parameter object once, under the first of its names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from torch import Tensor, nn

LENGTHS = ((".original0", ".original1"), ("weight_g", "weight_v"))  # of weight norm, and the directions beside them


@dataclass(eq=False)
class ModuleNode:
    """One module object.

    Attributes:
        path: its first dotted path, in definition order.
        aliases: its other paths.
        own: names of the parameters that it holds and that no earlier module holds.
        children: its child modules, those included that are listed first elsewhere.
        numel: scalars below it, each tensor once.
        matrices: tensors below it of two dimensions or more; a weight-normed one counts once.
    """

    path: str
    module: nn.Module
    parent: ModuleNode | None
    aliases: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    children: dict[str, ModuleNode] = field(default_factory=dict)
    numel: int = 0
    matrices: int = 0

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def type(self) -> str:
        return type(self.module).__name__

    @property
    def bearing(self) -> list[ModuleNode]:
        """Children that hold parameters."""
        return [child for child in self.children.values() if child.numel]

    @property
    def raw(self) -> list[str]:
        """Its own parameters beside children that hold some: `cls_token`, `query_tokens`."""
        return self.own if self.bearing else []

    def walk(self) -> Iterator[ModuleNode]:
        """Itself and what is defined below it, parents first."""
        yield self
        for child in self.children.values():
            if child.parent is self:
                yield from child.walk()

    def contains(self, name: str) -> bool:
        """Whether a dotted name lies below this node's path."""
        return not self.path or name == self.path or name.startswith(self.path + ".")


@dataclass(eq=False)
class ModuleTree:
    """All nodes of a module.

    Attributes:
        root: the node of the module itself.
        nodes: by first path, parents before children.
        tensors: parameter by its first name, in the order of `nodes`.
        aliases: the further names of a parameter, by its first.
        owner: the node that holds a parameter, by its first name.
    """

    root: ModuleNode
    nodes: dict[str, ModuleNode] = field(default_factory=dict)
    tensors: dict[str, nn.Parameter] = field(default_factory=dict)
    aliases: dict[str, list[str]] = field(default_factory=dict)
    owner: dict[str, ModuleNode] = field(default_factory=dict)
    name_of: dict[int, str] = field(default_factory=dict)
    node_of: dict[int, ModuleNode] = field(default_factory=dict)

    def below(self, node: ModuleNode) -> list[str]:
        """First names of all parameters reachable from a node, aliases followed."""
        found = dict.fromkeys(
            self.name_of[id(tensor)] for tensor in node.module.parameters() if id(tensor) in self.name_of
        )
        return list(found)

    def names_at(self, paths: Iterable[str]) -> set[str]:
        """First names of all parameters at or below these paths, which may be modules' or parameters'."""
        found: set[str] = set()
        for path in paths:
            if path in self.tensors:
                found.add(path)
            elif path in self.nodes:
                found.update(self.below(self.nodes[path]))
        return found

    def buffers(self) -> Iterator[tuple[str, str, Tensor]]:
        """Name, owner's path and tensor of each buffer, once."""
        seen: set[int] = set()
        for path, node in self.nodes.items():
            for name, tensor in node.module._buffers.items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield joined(path, name), path, tensor


def module_tree(model: nn.Module) -> ModuleTree:
    """Walk a module; shared modules and tied tensors keep their first name and list the others."""
    made = ModuleTree(ModuleNode("", model, None))
    _visit(made, made.root, "", set())
    for node in made.nodes.values():
        names = made.below(node)
        node.numel = sum(made.tensors[name].numel() for name in names)
        node.matrices = sum(made.tensors[name].ndim > 1 and not _scales(name, made) for name in names)
    return made


def _scales(name: str, made: ModuleTree) -> bool:
    """Whether it is the length of a weight-normed matrix, which stands beside its direction."""
    own, other = next((pair for pair in LENGTHS if name.endswith(pair[0])), ("", ""))
    return bool(own) and name.removesuffix(own) + other in made.tensors


def is_library_model(module: nn.Module) -> bool:
    """A complete model of transformers. Its class is asked: wrappers hand on every attribute of what they wrap."""
    return hasattr(type(module), "base_model_prefix")


def joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _visit(made: ModuleTree, node: ModuleNode, path: str, above: set[int]) -> None:
    """Enter a module under one of its paths; `above` stops a module that contains itself."""
    first = id(node.module) not in made.node_of
    if first:
        made.node_of[id(node.module)] = node
        made.nodes[path] = node
    else:
        node.aliases.append(path)
    for name, tensor in node.module._parameters.items():
        if tensor is not None:
            _name(made, node, joined(path, name), tensor)
    for name, child in node.module._modules.items():
        if child is None or id(child) in above:
            continue
        known = made.node_of.get(id(child))
        below = known or ModuleNode(joined(path, name), child, node)
        if first:
            node.children[name] = below
        _visit(made, below, joined(path, name), above | {id(node.module)})


def _name(made: ModuleTree, node: ModuleNode, name: str, tensor: nn.Parameter) -> None:
    known = made.name_of.get(id(tensor))
    if known is None:
        made.name_of[id(tensor)] = name
        made.tensors[name], made.owner[name], made.aliases[name] = tensor, node, []
        node.own.append(name)
    elif name != known:
        made.aliases[known].append(name)
