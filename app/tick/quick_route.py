"""The quick answer to a tick: a plain request, beside the page's own runs.

As soon as a box is ticked the browser asks here, and paints the numbers and charts it gets. The page's own run, which
the browser begins next, takes several times as long there: Streamlit goes through the page around it. It brings the
same numbers once more, with the rules, the link and the panes, and says what went wrong where something did.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import streamlit as st
from anyio import CapacityLimiter, to_thread
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from freezecore.errors import FreezeError

from ..components.rules_editor import text_part
from ..components.tree.bits import decode
from ..figures.cost_charts import selection_part
from ..link import Link, read_link
from ..server.bounds import is_elsewhere
from ..service import turns
from ..service.beside import price_beside
from ..service.pricing import is_traced, known_cost
from ..service.selection import known_selection, ticked
from ..text import LANGUAGES, Words

LONGEST = 64 * 1024
AT_WORK, MOST_WAITING = 8, 64  # beyond them the page's own run answers alone
NOTHING = Response(status_code=204)  # the page's own run says what there is to say
_at_work = CapacityLimiter(AT_WORK)


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
    if is_elsewhere(request.headers):
        return Response(status_code=403)
    if _at_work.statistics().tasks_waiting >= MOST_WAITING:
        return NOTHING
    try:
        asked = json.loads(await request.body())
        with turns.tick_at_work():
            parts = await to_thread.run_sync(_parts, asked, limiter=_at_work)
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
            selection = known_selection(read_link(dict(parse_qsl(query)))[0], tree)
        case _:
            return []
    trains = decode(bits, len(selection.tree.parameters)) if selection else None
    if selection is None or trains is None or not is_traced(selection):
        return []
    price_beside(selection, trains)
    selection = ticked(selection, trains)
    known = known_cost(selection)
    if not known.has_peak or known.fault:
        return []
    return [selection_part(selection, known, Words(lang)), text_part(selection.lines)]


def _path() -> str:
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}/tick" if base else "/tick"
