"""What a browser has on this server beside its runs: files it dropped and selections it named, found again later."""

from __future__ import annotations

import json
from threading import Lock

from freezecore.cache import store

KIND = "belongings"
MOST = 40  # of each sort, the newest
MOST_BROWSERS = 10_000
SORTS = ("image", "text", "model", "selection")  # data by what reads it, models, and selections by name
_lock = Lock()


def of(owner: str, sort: str) -> dict[str, str]:
    """The belongings of one sort, each with what is known of it, the newest last."""
    return _all(owner).get(sort, {})


def add(owner: str, sort: str, name: str, about: str = "") -> None:
    """Remember one; under a name that is taken it takes the other's place."""
    with _lock:
        kept = _all(owner)
        others = {one: about for one, about in kept.get(sort, {}).items() if one != name}
        kept[sort] = dict([*others.items(), (name, about)][-MOST:])
        store.write(KIND, owner, json.dumps(kept).encode(), MOST_BROWSERS)


def remove(owner: str, sort: str, name: str) -> None:
    """Forget one, where it is there."""
    with _lock:
        kept = _all(owner)
        if kept.get(sort, {}).pop(name, None) is not None:
            store.write(KIND, owner, json.dumps(kept).encode(), MOST_BROWSERS)


def forget(owner: str) -> None:
    """Forget all of them."""
    with _lock:
        if _all(owner):
            store.write(KIND, owner, b"{}", MOST_BROWSERS)


def _all(owner: str) -> dict[str, dict[str, str]]:
    return store.load(KIND, owner, json.loads) or {}
