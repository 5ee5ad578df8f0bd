"""The quick answer to a tick: a plain request, beside the page's own runs.

As soon as a box is ticked the browser asks here, and paints the numbers and charts it gets. The page's own run, which
the browser begins next, takes several times as long there: Streamlit goes through the page around it. It brings the
same numbers once more, with the rules, the link and the panes, and says what went wrong where something did.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.components.tree.bits import decode
from app.figures.cost_charts import selection_part
from app.link import Link, read_link
from app.service.pricing import known_cost
from app.service.selection import select, ticked
from app.text import LANGUAGES, Words
from freezecore.errors import FreezeError

LONGEST = 64 * 1024
NOTHING = Response(status_code=204)  # the page's own run says what there is to say


def question(link: Link, lang: str) -> dict:
    """What the browser asks with, beside its ticks."""
    return {"path": _path(), "about": {"query": link.query(), "lang": lang}}


def route() -> Route:
    """Where it asks; only by a name that the page itself may be reached by."""
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=st.get_option("server.allowedHosts") or ["*"])
    return Route(_path(), _answer, methods=["POST"], middleware=[hosts])


async def _answer(request: Request) -> Response:
    size = request.headers.get("content-length", "")
    if not size.isdecimal() or int(size) > LONGEST:
        return Response(status_code=413)
    try:
        parts = await run_in_threadpool(_parts, json.loads(await request.body()))
    except (ValueError, RecursionError, FreezeError):
        return NOTHING
    return JSONResponse(parts) if parts else NOTHING


def _parts(asked: object) -> list[dict]:
    """Parts of a message, as `feed` takes them; none where this cannot be answered at once.

    Raises:
        FreezeError: what the page's own run will say too.
    """
    match asked:
        case {"query": str(query), "lang": str(lang), "tree": str(tree), "bits": str(bits)} if lang in LANGUAGES:
            selection = select(read_link(dict(parse_qsl(query)))[0])
        case _:
            return []
    trains = decode(bits, len(selection.tree.parameters))
    if trains is None or tree != selection.tree.fingerprint:
        return []
    selection = ticked(selection, trains)
    known = known_cost(selection)
    return [selection_part(selection, known, Words(lang))] if known.has_peak and not known.fault else []


def _path() -> str:
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}/tick" if base else "/tick"
