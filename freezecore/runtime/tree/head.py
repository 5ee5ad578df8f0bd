"""What makes a model's prediction, and what it looks its inputs up in, as far as the libraries' own accessors tell."""

from __future__ import annotations

import inspect
import re
from itertools import dropwhile
from typing import Any

from torch import nn

from freezecore.runtime.inputs.dense import matches
from freezecore.runtime.inputs.torchvision import detects, is_torchvision
from freezecore.runtime.tree.block_lists import row
from freezecore.runtime.tree.marks import is_norm
from freezecore.runtime.tree.marks import place as place_of
from freezecore.runtime.tree.module_tree import ModuleNode, ModuleTree, is_library_model

# In transformers' detectors: what predicts inside the base, at each layer of a decoder and for its first proposals.
PREDICTS = re.compile(
    r"(?:enc_out_)?(?:class|bbox)_embed|(?:enc|encoder|decoder)_(?:score|class|bbox)_head|pre_bbox_head|mask_predictor"
)
PURPOSE = re.compile(r"For[A-Z]")  # in the name of a class that predicts something
NECKS = ("neck", "fpn")
PASSING = (nn.Dropout, nn.Identity)


def hinted_head(seen: ModuleTree) -> list[str] | None:
    """Paths of the head by the library's accessors; None for a module that has no such accessor.

    timm names its classifier. A Hugging Face model keeps its base apart: what lies beside the base is the head, and
    so is what it says its outputs are looked up in. A module that only wraps such a model has that model's head.
    """
    found, node = _own_head(seen, seen.root), seen.root
    while not found and node is not (node := _inside(node)):
        found = _own_head(seen, node) or found
    return found


def _inside(node: ModuleNode) -> ModuleNode:
    """What a module merely wraps: its only child with parameters; else itself."""
    return node.bearing[0] if not node.own and len(node.bearing) == 1 else node


def _own_head(seen: ModuleTree, node: ModuleNode) -> list[str] | None:
    model = node.module
    if is_torchvision(model) and (found := _torchvision_head(seen, node)):
        return found
    if callable(getattr(model, "get_classifier", None)):
        return _timm_head(seen, model)
    if is_library_model(model) and callable(getattr(model, "get_output_embeddings", None)):
        return _transformers_head(seen, node)
    return None


def _torchvision_head(seen: ModuleTree, node: ModuleNode) -> list[str]:
    """What lies beside the backbone that a model keeps apart; else its last layer, and that of each auxiliary head."""
    if "backbone" in node.children:
        return [child.path for child in node.bearing if child is not node.children["backbone"]]
    if ".optical_flow." in type(node.module).__module__:
        return []
    layers = [each for each in seen.nodes.values() if each.matrices == 1 and not each.children]
    beside = [each for each in seen.nodes.values() if each.type.endswith("Aux")]
    ends = [[each for each in layers if aux.contains(each.path)][-1] for aux in beside]
    return [each.path for each in dict.fromkeys([*layers[-1:], *ends])]


def hinted_neck(seen: ModuleTree) -> list[str]:
    """Paths of what a torchvision detector keeps behind the body of its backbone, as a feature pyramid, and of what
    a segmentation of transformers keeps between its base and its head."""
    if is_library_model(seen.root.module):
        return [each.path for each in seen.root.bearing if each.name in NECKS]
    backbone = seen.root.children.get("backbone")
    if backbone is None or not detects(seen.root.module):
        return []
    return [*(child.path for child in backbone.bearing[1:]), *backbone.own]


def input_embeddings(seen: ModuleTree) -> list[ModuleNode]:
    """Modules that a Hugging Face model, or a tower of one, calls its input embeddings."""
    found = []
    for node in seen.nodes.values():
        module: Any = node.module
        if not is_library_model(module):
            continue
        try:
            embedding = module.get_input_embeddings()
        except (NotImplementedError, AttributeError, TypeError):
            continue
        if isinstance(embedding, nn.Module) and id(embedding) in seen.node_of:
            found.append(seen.node_of[id(embedding)])
    return list(dict.fromkeys(found))


def output_embeddings(node: ModuleNode) -> nn.Module | None:
    """What a library's model looks its outputs up in."""
    module: Any = node.module
    if not is_library_model(module):
        return None
    try:
        output = module.get_output_embeddings()
    except (NotImplementedError, AttributeError):
        return None
    return output if isinstance(output, nn.Module) else None


def _timm_head(seen: ModuleTree, model: Any) -> list[str] | None:
    try:
        classifier = model.get_classifier()
    except (NotImplementedError, AttributeError):
        return None
    parts = classifier if isinstance(classifier, tuple | list | nn.ModuleList) else (classifier,)
    nodes = [seen.node_of[id(part)] for part in parts if isinstance(part, nn.Module) and id(part) in seen.node_of]
    return [node.path for node in map(_with_its_norm, (*nodes, *_twins(nodes))) if node.numel]


def _with_its_norm(node: ModuleNode) -> ModuleNode:
    """A classifier, or the sequence that is nothing but a norm and then the classifier: one replaces both together.

    A sequence that pools as well is a neck with a classifier, and its norm is the body's last one.
    """
    around = node.parent
    if around is None or around.parent is None or not isinstance(around.module, nn.Sequential):
        return node
    *before, last = (each for each in around.children.values() if not isinstance(each.module, PASSING))
    return around if before and last is node and all(map(is_norm, before)) else node


def _twins(nodes: list[ModuleNode]) -> list[ModuleNode]:
    """Layers beside a classifier with the very shapes of it: a second head, for an auxiliary loss."""
    found = []
    for node in nodes:
        shapes = [tensor.shape for tensor in node.module.parameters()]
        beside = node.parent.bearing if node.parent else []
        found += [b for b in beside if b not in nodes and shapes and [t.shape for t in b.module.parameters()] == shapes]
    return found


def _transformers_head(seen: ModuleTree, node: ModuleNode) -> list[str] | None:
    model: Any = node.module
    base = getattr(model, model.base_model_prefix, None) if model.base_model_prefix else None
    if _is_bare(node):
        base = None  # it may call its encoder so
    if not isinstance(base, nn.Module) and not _goes_on(node):
        base = getattr(model, "backbone", None)
    found = []
    if isinstance(base, nn.Module) and base is not model and id(base) in seen.node_of:
        around = seen.node_of[id(base)]
        beside = [child for child in node.bearing if child is not around and not around.contains(child.path)]
        after = [child for child in beside if child.name not in NECKS]
        behind = list(dropwhile(is_norm, after)) or after  # a norm before all else ends the body
        found = [child.path for child in behind] + node.own
    if matches(model) or node.type.endswith("ForObjectDetection"):
        inside = [each.path for each in seen.nodes.values() if PREDICTS.fullmatch(each.name)]
        found += [path for path in inside if not path.startswith(tuple(f"{one}." for one in found))]
        found = list(dict.fromkeys(found))
    output = output_embeddings(node)
    if id(output) in seen.node_of:
        path = seen.node_of[id(output)].path
        if not any(seen.nodes[p].contains(path) for p in found if p in seen.nodes):
            found.append(path)
    return found


def _is_bare(node: ModuleNode) -> bool:
    """Whether it is a model without a head by what the library calls those; `GPT2LMHeadModel` is none."""
    return node.type.endswith("Model") and "Head" not in node.type


def _goes_on(node: ModuleNode) -> bool:
    """Whether a bare model has blocks beside its backbone too: a detector's encoder."""
    beside = (child for child in node.bearing if child.name != "backbone")
    return _is_bare(node) and any(row(each) for child in beside for each in child.walk())


def last_layers(
    seen: ModuleTree,
    place: dict[str, float],
    spine: dict[str, list[str]],
    library: bool,
    fed: dict[str, frozenset[str]],
) -> list[str]:
    """What runs after every block, where no accessor tells the head.

    Beside a base that holds all blocks and what comes before them, all of it; else, in a module of a person's own, the
    last layer with a matrix and those that end beside it. A library's bare base has no head, unless several towers meet
    in one (CLIP), or it keeps a complete model of the library apart (a classifier over CLIP's vision tower).

    Args:
        spine: names of the embeddings, stem and blocks of each tower, by its path.
        library: the model is one of a library's, which named no head.
        fed: as an `Execution` has it.
    """
    ends = {tower: max((place[name] for name in names if name in place), default=-1) for tower, names in spine.items()}
    names = [name for each in spine.values() for name in each]
    if len(spine) > 1:
        if library and (_is_codec(seen, ends) or _in_series(seen, spine, ends, fed)):
            return []  # the last tower is the whole's own: what ends it, such as a pooler, belongs to it
        after = _after_towers(seen, place, names, ends)
        found = [path for path in _beside(seen, after) if not _feeds(path, spine, fed)]
        return found if any(path in seen.nodes for path in found) else []  # a parameter alone predicts nothing
    end = max(ends.values(), default=-1)
    base, top = _common(seen, names), seen.root
    while top is not (top := _inside(top)):
        pass
    if library and (base is top or not is_library_model(base.module)) and not PURPOSE.search(seen.root.type):
        return []
    if base is not top and base.bearing:
        inside = seen.names_at([base.path])
        found = _beside(seen, [n for n in seen.tensors if place.get(n, -1) > end and n not in inside])
        tied = [each.path for each in seen.root.bearing if not each.contains(base.path)]  # with a layer of the base
        return _joint(seen, found or tied, base, fed) if library else found
    matrices = [name for name, at in place.items() if at > end and seen.tensors[name].ndim > 1]
    if not matrices:
        return []
    last = max(matrices, key=place.__getitem__)
    if not library and len(found := end_branches(seen, place, last, end, fed)) > 1:
        return found
    return end_layers(seen, last, fed) or [last]


def _is_codec(seen: ModuleTree, ends: dict[str, float]) -> bool:
    """Whether a bare model ends in its decoder: what stands beside that, such as a codebook, comes before it."""
    return _is_bare(seen.root) and max(ends, key=ends.__getitem__) == "decoder"


def _in_series(
    seen: ModuleTree, spine: dict[str, list[str]], ends: dict[str, float], fed: dict[str, frozenset[str]]
) -> bool:
    """Whether the last tower read what all others made, and is no complete model of its own."""
    last = max(ends, key=ends.__getitem__)
    node = seen.nodes[last]
    while node.parent is not None and not is_library_model(node.module):
        node = node.parent
    if node is not seen.root:
        return False
    given = fed_around(last, fed)
    return not given or all(
        any(f"{tower}.".startswith(f"{each}.") for each in given) for tower in spine if tower != last
    )


def fed_around(path: str, fed: dict[str, frozenset[str]]) -> frozenset[str]:
    """What fed a module, or the modules around it."""
    ends = [at for at, character in enumerate(path) if character == "."]
    return frozenset[str]().union(*(fed.get(each, ()) for each in (path, *(path[:end] for end in ends))))


def _feeds(path: str, spine: dict[str, list[str]], fed: dict[str, frozenset[str]]) -> bool:
    """Whether a tower was computed from what a module made."""
    return any(path in fed_around(tower, fed) for tower in spine)


def end_layers(seen: ModuleTree, last: str, fed: dict[str, frozenset[str]]) -> list[str]:
    """Paths of the layer of a parameter and of the layers beside it that read the same and feed nothing, as two heads.

    Empty for a parameter of the model itself.
    """
    path = place_of(last)[0]
    node = seen.nodes.get(path)
    if not path or node is None or node.parent is None or not fed.get(path):
        return [path] if path else []
    feeding = frozenset().union(*fed.values())
    return [
        each.path
        for each in node.parent.bearing
        if each is node or (each.matrices == 1 and fed.get(each.path) == fed[path] and each.path not in feeding)
    ]


def end_branches(
    seen: ModuleTree, place: dict[str, float], last: str, end: float, fed: dict[str, frozenset[str]]
) -> list[str]:
    """Paths of the last layers of each branch that runs after `end` and feeds nothing, in a module of a person's own:
    one head may be a layer, another a row of them, and one may read what was pooled and another every token.

    Args:
        last: name of the last parameter with a matrix to run.
        end: the place of the last parameter before any head.
    """
    feeding = frozenset[str]().union(*fed.values())

    def ends(node: ModuleNode) -> list[ModuleNode]:
        places = [place[name] for name in seen.below(node) if name in place]
        if node.path in feeding or not node.matrices or min(places, default=-1) <= end:
            return []
        return [node] if node.matrices == 1 else [found for child in node.bearing for found in ends(child)]

    node = seen.nodes.get(place_of(last)[0])
    found = [node] if node else []
    while node is not None and node.parent is not None:
        beside = [each for each in node.parent.bearing if each is not node and _fed_inside(each, fed)]
        found += [branch for each in beside for branch in ends(each)]
        node = node.parent
    return [each.path for each in seen.nodes.values() if each in found]


def _fed_inside(node: ModuleNode, fed: dict[str, frozenset[str]]) -> bool:
    """Whether a module read what another made; of one that is never called (a dictionary of heads), all in it."""
    holds = isinstance(node.module, nn.ModuleDict | nn.ModuleList)
    return all(_fed_inside(each, fed) for each in node.bearing) if holds else bool(fed.get(node.path))


def _joint(seen: ModuleTree, found: list[str], base: ModuleNode, fed: dict[str, frozenset[str]]) -> list[str]:
    """Where one of the modules beside a base looks up inputs of its own, as a transducer's predictor does, what joins
    it with the base; else all."""
    reading = {
        path
        for path in found
        if path in seen.nodes and base.path not in fed.get(path, ()) and _looks_up(seen.nodes[path])
    }
    return [path for path in found if reading & fed.get(path, frozenset())] or found


def _looks_up(node: ModuleNode) -> bool:
    return any(isinstance(each.module, nn.Embedding) for each in node.walk())


def _beside(seen: ModuleTree, names: list[str]) -> list[str]:
    """Topmost paths of these parameters, norms left out."""
    return [path for path in _topmost(seen, names) if path in seen.tensors or not is_norm(seen.nodes[path])]


def _after_towers(seen: ModuleTree, place: dict[str, float], spine: list[str], ends: dict[str, float]) -> list[str]:
    """Parameters outside the towers that run after all of them, or after one and are defined after all.

    A projection from one tower into the next is defined between them; one that ends a tower (CLIP's) is not.
    """
    inside = _towers_reach(seen, spine)
    at = {name: i for i, name in enumerate(seen.tensors)}
    last = max(at[name] for name in spine)
    first_end, last_end = min(ends.values()), max(ends.values())
    writes = "past_key_values" in inspect.signature(seen.root.module.forward).parameters
    if writes or "decoder" in max(ends, key=ends.__getitem__).rpartition(".")[2]:
        first_end = last_end  # what runs before a decoder, or before what writes one word after another, feeds it
    return [
        name
        for name in seen.tensors
        if name not in inside
        and (place.get(name, -1) > last_end or (place.get(name, -1) > first_end and at[name] > last))
    ]


def _common(seen: ModuleTree, names: list[str]) -> ModuleNode:
    """The smallest module that holds all of these parameters."""
    node = seen.root
    while True:
        inner = [child for child in node.bearing if all(child.contains(name) for name in names)]
        if not names or len(inner) != 1:
            return node
        node = inner[0]


def _towers_reach(seen: ModuleTree, spine: list[str]) -> set[str]:
    """Everything under those children of the root that hold a part of the spine."""
    holding = [child for child in seen.root.bearing if any(child.contains(name) for name in spine)]
    return {name for child in holding for name in seen.below(child)}


def _topmost(seen: ModuleTree, names: list[str]) -> list[str]:
    """The children of the root, or names of its own parameters, that hold these parameters and no others."""
    wanted, found = set(names), []
    for child in seen.root.bearing:
        below = set(seen.below(child))
        if below and below <= wanted:
            found.append(child.path)
        elif below & wanted:
            found.extend(sorted(below & wanted))
    return found + [name for name in seen.root.own if name in wanted]
