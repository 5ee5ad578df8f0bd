"""What a module keeps where torch does not register it: modules and parameters in plain lists and dictionaries.

`parameters()` does not have it, so no rule, optimizer, `to()` or `state_dict()` reaches it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from freezecore.sentences import say

MOST_TOLD = 3
MOST_LOOKED_AT = 10_000  # entries of one list, such as a vocabulary's


def unregistered(model: nn.Module) -> list[str]:
    """Names, as in `blocks[0]`, of modules that hold parameters and of tensors that need a gradient."""
    modules = {id(module) for module in model.modules()}
    tensors = {id(tensor) for tensor in (*model.parameters(), *model.buffers())}
    found: dict[int, str] = {}
    for path, module in model.named_modules():
        for name, item in vars(module).items():
            for where, held in _inside(item, f"{path}.{name}".lstrip(".")) if name not in _REGISTERED else ():
                if isinstance(held, nn.Module):
                    hidden = id(held) not in modules and any(id(each) not in tensors for each in held.parameters())
                else:
                    hidden = id(held) not in tensors and held.is_leaf and held.requires_grad
                if hidden:
                    found.setdefault(id(held), where)
    return list(found.values())


_REGISTERED = ("_parameters", "_buffers", "_modules")


def _inside(item: object, name: str) -> Iterator[tuple[str, nn.Module | Tensor]]:
    """Modules and tensors in lists, tuples, sets and dictionaries, however deep, with their names."""
    if isinstance(item, nn.Module | Tensor):
        yield name, item
    elif isinstance(item, list | tuple | set | dict) and len(item) <= MOST_LOOKED_AT:
        for key, held in item.items() if isinstance(item, dict) else enumerate(item):
            yield from _inside(held, f"{name}[{key!r}]")


def hidden_note(names: Sequence[str]) -> str:
    """The sentence about what is not registered."""
    told, more = ", ".join(names[:MOST_TOLD]), len(names) - MOST_TOLD
    if more > 0:
        return say(
            "{names} and {more} more are not registered (they stand in a plain list, dictionary or attribute): no rule "
            "or optimizer reaches them, and no estimate counts their gradients. Use nn.ModuleList or nn.ModuleDict.",
            names=told,
            more=more,
        )
    return say(
        "Not registered (in a plain list, dictionary or attribute): {names}. No rule or optimizer reaches it, and no "
        "estimate counts its gradients. Use nn.ModuleList or nn.ModuleDict.",
        names=told,
    )
