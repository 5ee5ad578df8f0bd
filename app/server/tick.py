"""A tick and what answers it, as plain data, for both ways in which the answer reaches the browser.

As soon as a box is ticked the browser asks by a plain request, and paints the numbers and charts it gets. The page's
own run, which the browser begins next, takes several times as long there: Streamlit goes through the page around it. It
brings the same numbers once more, with the rules, the link and the panes, and says what went wrong where something did.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from urllib.parse import parse_qsl

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.components.charts import costs_part
from app.components.tree.bits import decode
from app.figures import charts
from app.link import Link, read_link
from app.service import cost_numbers
from app.service import selection as chosen
from app.service.cost_numbers import Numbers, numbers_of
from app.service.selection import Selection
from app.text import LANGUAGES, Words
from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.rules.shortest import shortest_rules
from freezecore.spec import Dropout, Norms
from freezecore.tree import LayerTree

CHARTS = "charts"
LONGEST = 64 * 1024
NOTHING = Response(status_code=204)  # the page's own run tells what there is to tell


def ticked(selection: Selection, trains: tuple[bool, ...]) -> Selection:
    """What a person's ticks make of this selection, by the shortest rules that say the same."""
    rules = _shortest(selection.tree, trains, selection.mask.norms, selection.mask.dropout)
    return chosen.select(replace(selection.link, rules=rules), selection.tree)


def painted(selection: Selection, known: Numbers, words: Words, note: str = "") -> dict:
    """The part of a message that paints numbers and charts."""
    now = charts.now(selection.tree, selection.mask, known.cost, note)
    moment = known.cost.peak_moment if known.cost else None
    told = {
        "numbers": cost_numbers.told(known, selection, words),
        "moment": moment,
        "old": bool(known.fault and known.cost),
    }
    return costs_part(now | told, key=CHARTS)


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
            selection = chosen.select(read_link(dict(parse_qsl(query)))[0])
        case _:
            return []
    trains = decode(bits, len(selection.tree.parameters))
    if trains is None or tree != selection.tree.fingerprint:
        return []
    selection = ticked(selection, trains)
    known = numbers_of(selection)
    return [painted(selection, known, Words(lang))] if known.known and not known.fault else []


def _path() -> str:
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"/{base}/tick" if base else "/tick"


@lru_cache(maxsize=chosen.MOST_SELECTIONS)
def _shortest(tree: LayerTree, trains: tuple[bool, ...], norms: Norms, dropout: Dropout) -> str:
    """The rules of these ticks; both ways of answering a tick ask for them."""
    return str(shortest_rules(Mask(tree, trains, norms, dropout)))
