"""Which browser asks: known by one cookie that this server has signed, else counted with all at its address.

By it go its own runs and uploads, what it forgets, its classes and how much it may ask. A class of sixty behind one
address is sixty browsers; signed, so that nobody makes up new ones.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from functools import cache

from filelock import FileLock

from freezecore.cache import store

SHARED_COOKIE = "freeze_explorer_visitor"  # of earlier versions: every server on a host had this one
EARLIER_COOKIE = "freeze_explorer_owner"  # unsigned, of earlier versions: what was started under it stays its browser's
KEPT_S = 365 * 86_400
KEY_BYTES = 32
ADDRESS = "address "
PER_ADDRESS = 20  # what has no token shares as much as so many browsers have


def cookie() -> str:
    """The name of this server's cookie: browsers send cookies to all ports of a host, so each server has its own."""
    return f"{SHARED_COOKIE}_{hashlib.sha256(_key()).hexdigest()[:8]}"


def known(cookies: Mapping[str, str]) -> str | None:
    """The name of the browser that holds these cookies, which nobody guesses; None where none is of this server."""
    return _signed(cookies.get(cookie())) or _signed(cookies.get(SHARED_COOKIE))


def _signed(value: str | None) -> str | None:
    """The name in a cookie that this server has signed; None for any other."""
    name, _, signature = str(value or "").rpartition(".")
    return name if name and hmac.compare_digest(signature.encode(), _signature(name).encode()) else None


def visitor(cookies: Mapping[str, str], address: str | None) -> str:
    """The browser that holds these cookies; without a valid one, the address."""
    return known(cookies) or f"{ADDRESS}{address or ''}"


def share(visitor: str) -> int:
    """As how many browsers this visitor counts."""
    return PER_ADDRESS if visitor.startswith(ADDRESS) else 1


def new_name() -> str:
    """A name for a browser that has none."""
    return secrets.token_urlsafe(16)


def token(name: str) -> str:
    """The cookie of the browser of this name."""
    return f"{name}.{_signature(name)}"


def set_cookies(cookies: Mapping[str, str]) -> list[str]:
    """The headers by which a browser keeps its name for another year, or is given one."""
    earlier = cookies.get(EARLIER_COOKIE, "")
    name = known(cookies) or (earlier if re.fullmatch(r"[\w-]{22}", earlier, re.ASCII) else new_name())
    gone = [EARLIER_COOKIE] if earlier else []
    gone += [SHARED_COOKIE] if _signed(cookies.get(SHARED_COOKIE)) else []
    forget = [f"{each}=; Path=/; Max-Age=0" for each in gone]
    return [f"{cookie()}={token(name)}; Path=/; Max-Age={KEPT_S}; HttpOnly; SameSite=Lax", *forget]


def _signature(name: str) -> str:
    return hmac.new(_key(), name.encode(), hashlib.sha256).hexdigest()[:32]


@cache
def _key() -> bytes:
    """This server's key, which lies beside the runs and outlives a restart as they do; where nothing can be written,
    browsers are known until this process ends."""
    file = store.home() / "visitors.key"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"):
            key = file.read_bytes() if file.exists() else b""
            if len(key) != KEY_BYTES:
                key = secrets.token_bytes(KEY_BYTES)
                file.unlink(missing_ok=True)
                with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as new:
                    new.write(key)
    except OSError:
        return secrets.token_bytes(KEY_BYTES)
    return key
