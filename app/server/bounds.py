"""What one visitor may ask of the server: how often, how much and for how long, on every route."""

from __future__ import annotations

import asyncio
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from freezecore.cache.memory import Recent

from ..service import visitors
from ..service.uploads import LARGEST_MIB

PER_S, BURST = 30.0, 400.0  # requests of one browser; a page with all its files takes about 80
NAMES_PER_S, NAMES_BURST = 5.0, 500.0  # new browsers from one address
MOST_VISITORS = 4_096
LONGEST_BODY = 64 * 1024
LONGEST_UPLOAD = (LARGEST_MIB + 2) * 2**20
BODY_S, UPLOAD_S = 20.0, 600.0


class Bucket:
    """Refills at `per_s` up to `most`; each request takes one out."""

    def __init__(self, per_s: float, most: float) -> None:
        self._per_s, self._most = per_s, most
        self._left, self._at = most, time.monotonic()

    def take(self) -> bool:
        """Whether there was one to take."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class TooMuch(Exception):
    """A body that is too long, or takes too long; `args[0]` is the status that says so."""


class Bounds:
    """Refuses what is beyond those bounds before anything else sees it; with a page, a browser is given its cookie."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._rates = Recent(MOST_VISITORS)
        self._names = Recent(MOST_VISITORS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        address = (scope.get("client") or ("",))[0]
        cookies = _cookies(headers)
        visitor = visitors.visitor(cookies, address)
        share = visitors.share(visitor)
        if not _bucket(self._rates, visitor, PER_S * share, BURST * share).take():
            await _refuse(scope, receive, send, 429)
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        if "text/html" in headers.get("accept", "") and (share == 1 or self._may_be_named(address)):
            send = _setting(visitors.set_cookies(cookies), send)
        await self._bounded(scope, headers, receive, send)

    async def _bounded(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Hand a request on whose body is read no further, and no longer, than it may be."""
        uploads = "_stcore/upload_file" in scope["path"]
        most, until = (LONGEST_UPLOAD, UPLOAD_S) if uploads else (LONGEST_BODY, BODY_S)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            await _refuse(scope, receive, send, 413)
            return
        until += time.monotonic()
        read, whole, begun = 0, False, False

        async def receiving() -> Message:
            nonlocal read, whole
            if whole:
                return await receive()  # waits for the end of the connection
            try:
                message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
            except TimeoutError:
                raise TooMuch(408) from None
            read += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if read > most:
                raise TooMuch(413)
            return message

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receiving, sending)
        except TooMuch as error:
            if not begun:
                await _refuse(scope, receive, send, error.args[0])

    def _may_be_named(self, address: str) -> bool:
        """Whether one more browser of this address gets a name."""
        return _bucket(self._names, address, NAMES_PER_S, NAMES_BURST).take()


def is_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that another site's page asks."""
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site", "same-origin")
    return site not in ("same-origin", "none") or bool(origin and urlsplit(origin).netloc != headers.get("host"))


def _bucket(kept: Recent, key: str, per_s: float, most: float) -> Bucket:
    bucket = kept.read(key)
    if bucket is None:
        bucket = Bucket(per_s, most)
        kept.write(key, bucket)
    return bucket


def _cookies(headers: Headers) -> dict[str, str]:
    try:
        return {name: found.value for name, found in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _setting(cookies: list[str], send: Send) -> Send:
    """`send`, with these cookies in the answer's head."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            for cookie in cookies:
                MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1013})
        return
    await Response(status_code=status, headers={"retry-after": "2", "connection": "close"})(scope, receive, send)
