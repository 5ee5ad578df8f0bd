"""What timm's, Lightning's and PEFT's own helpers freeze when a snippet calls them."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from freezecore.importing.expressions import Scope, Unknown, evaluate
from freezecore.importing.modules import Place, place_of, role, under, whole
from freezecore.tree import LayerTree

LAST_EPOCH = 1_000_000


@dataclass(frozen=True)
class Setting:
    """Places that a call freezes (False) or trains (True), now and from an epoch on."""

    now: tuple[tuple[Place, bool], ...]
    later: tuple[tuple[int, Place, bool], ...] = ()
    kind: str = ""


def heard_of(name: str) -> bool:
    """Whether a call by this name would freeze or train something in a way that is not understood."""
    return name.startswith(("freeze", "unfreeze")) or name in ("fine_tune", "requires_grad_", "LoraConfig")


def _freeze(node: ast.Call, scope: Scope, tree: LayerTree) -> Setting:
    return _switched(node, scope, tree, False)


def _unfreeze(node: ast.Call, scope: Scope, tree: LayerTree) -> Setting:
    return _switched(node, scope, tree, True)


def _switched(node: ast.Call, scope: Scope, tree: LayerTree, value: bool) -> Setting:
    """timm's `freeze(model, ["layer1"])`, Lightning's `self.freeze(module)` and `model.freeze()`."""
    if not node.args and isinstance(node.func, ast.Attribute) and not node.keywords:
        return Setting(((place_of(node.func.value, scope, tree), value),), kind="lightning")
    options = {keyword.arg: keyword.value for keyword in node.keywords}
    modules = node.args[0] if node.args else options.get("modules", options.get("root_module"))
    if modules is None:
        raise Unknown("it does not say what it freezes")
    names = node.args[1] if len(node.args) > 1 else options.get("submodules")
    if names is None or isinstance(names, ast.Constant) and isinstance(names.value, bool):
        places = _places(modules, scope, tree)
        norms = _keeps_norms(options, scope) and not value and "train_bn" in options
        extra = tuple((place, True) for place in (_norms(tree, places),) if norms and place.positions)
        return Setting((*((place, value) for place in places), *extra))
    root = place_of(modules, scope, tree)
    texts = evaluate(names, scope)
    texts = [texts] if isinstance(texts, str) else list(texts) if isinstance(texts, (list, tuple)) else []
    if not all(isinstance(text, str) for text in texts):
        raise Unknown("the names of its modules are not understood")
    return Setting(tuple((under(root, text, tree), value) for text in texts) or ((root, value),), kind="timm")


def _places(node: ast.expr, scope: Scope, tree: LayerTree) -> list[Place]:
    if isinstance(node, (ast.List, ast.Tuple)):
        return [place_of(element, scope, tree) for element in node.elts]
    return [place_of(node, scope, tree)]


def _keeps_norms(options: dict[str | None, ast.expr], scope: Scope) -> bool:
    return bool(evaluate(options["train_bn"], scope)) if "train_bn" in options else True


def _norms(tree: LayerTree, places: list[Place]) -> Place:
    """Lightning's train_bn: batch norms below the places go on training."""
    batch = {layer.path for layer in tree.layers if "BatchNorm" in layer.type}
    below = {i for place in places for i in place.positions}
    return Place("norms", tuple(i for i in sorted(below) if tree.parameters[i].owner in batch))


def _backbone(node: ast.Call, scope: Scope, tree: LayerTree) -> Setting:
    """Lightning's BackboneFinetuning: everything but the head is frozen until an epoch."""
    options = {keyword.arg: keyword.value for keyword in node.keywords}
    given = node.args[0] if node.args else options.get("unfreeze_backbone_at_epoch", ast.Constant(10))
    epoch = evaluate(given, scope)
    if not isinstance(epoch, int) or not 0 < epoch <= LAST_EPOCH:
        raise Unknown("its epoch is not understood")
    now = [(whole(tree), False), (role(tree, "head"), True)]
    if _keeps_norms(options, scope):
        now.append((_norms(tree, [whole(tree)]), True))
    return Setting(tuple((p, v) for p, v in now if p.positions), ((epoch, whole(tree), True),), "lightning")


def _peft(node: ast.Call, scope: Scope, tree: LayerTree) -> Setting:
    """PEFT's `modules_to_save`: modules whose path ends so train beside the adapters."""
    given = next((keyword.value for keyword in node.keywords if keyword.arg == "modules_to_save"), None)
    if given is None:
        raise Unknown("it adds adapters, and without modules_to_save it trains no parameter of the model")
    texts = evaluate(given, scope)
    if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
        raise Unknown("modules_to_save is no list of names")
    places = []
    for text in texts:
        paths = [path for path in tree.below if text and path.endswith(text)]
        found = tuple(sorted({i for path in paths for i in tree.under(path)}))
        places.append((Place(text, found), True))
    return Setting(((whole(tree), False), *places), kind="peft")


HELPERS: dict[str, Callable[[ast.Call, Scope, LayerTree], Setting]] = {
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "make_trainable": _unfreeze,
    "BackboneFinetuning": _backbone,
    **dict.fromkeys(("LoraConfig", "IA3Config", "LoHaConfig", "OFTConfig"), _peft),
}
