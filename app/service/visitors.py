"""Who asks: a browser by the token that this server gave it, else everybody at one address together.

A class of sixty behind one address is sixty browsers. A token is signed, so that nobody makes up new ones.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

COOKIE = "visitor"
KEPT_S = 90 * 86_400
ADDRESS = "address "
PER_ADDRESS = 20  # what has no token shares as much as so many browsers have

_SECRET = secrets.token_bytes(32)


def new_token() -> str:
    """A token for a browser, as its cookie holds it."""
    name = secrets.token_hex(8)
    return f"{name}.{_signature(name)}"


def visitor(cookie: str | None, address: str | None) -> str:
    """The browser that holds this cookie; without a valid one, the address."""
    name, _, signature = (cookie or "").partition(".")
    known = hmac.compare_digest(signature.encode(), _signature(name).encode())
    return name if known else f"{ADDRESS}{address or ''}"


def share(visitor: str) -> int:
    """As how many browsers this visitor counts."""
    return PER_ADDRESS if visitor.startswith(ADDRESS) else 1


def _signature(name: str) -> str:
    return hmac.new(_SECRET, name.encode(), hashlib.sha256).hexdigest()[:32]
