"""An address that is no page: the first page opens and says so in the visitor's language, not Streamlit in English."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

PAGES = ("", "explore", "compare", "learn", "class")
LONGEST = 30


class UnknownPage:
    """Sends a browser that asks for a page there is not to the first one; its link's unknown field is told there.

    Files, which have a dot in their names, Streamlit's own addresses, and what is no page's request pass by.
    """

    def __init__(self, app: ASGIApp, base: str = "") -> None:
        self.app, self.base = app, base.strip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = self._unknown(scope)
        if name is None:
            return await self.app(scope, receive, send)
        query = scope["query_string"].decode("latin-1")
        start = f"/{self.base}/" if self.base else "/"
        answer = RedirectResponse(f"{start}?{query + '&' if query else ''}{quote(name, safe='')}=", 303)
        return await answer(scope, receive, send)

    def _unknown(self, scope: Scope) -> str | None:
        """The page's name where a browser asks for a page there is not."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        accepts = b"".join(value for name, value in scope["headers"] if name == b"accept")
        path = scope["path"].strip("/").removeprefix(self.base).strip("/")
        passes = b"text/html" not in accepts or "." in path or "_stcore" in path or path in PAGES
        return None if passes else path.rpartition("/")[2][:LONGEST]
