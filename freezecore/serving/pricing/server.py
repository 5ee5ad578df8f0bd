"""The pricing process: what ticks come to, one after another, from traces that it is given.

`python -m freezecore.serving.pricing.server` reads lines of JSON (as `sentences.dumps` writes it) from its standard
input. A line with a `trace` makes a step known by its number, as `KnownStep` takes it. Any other is a question,

    {"ask": 7, "step": 1, "trains": "0011…", "norms": "hold", "dropout": "off", "batch": 32, "card": {…} or null}

and gets one line, with a `PricedTicks` as `priced`; with `unknown` where the step is not known any more, and with `ask`
alone where something went wrong: who asked works it out then, and says what.
"""

from __future__ import annotations

import os
import queue
import traceback
from dataclasses import replace
from typing import BinaryIO

from freezecore import sentences
from freezecore._estimate import estimate
from freezecore._estimate.budget import fits
from freezecore._estimate.cards import Card
from freezecore._resolve import resolve
from freezecore._review import review
from freezecore.cache.memory import Recent
from freezecore.mask import Mask
from freezecore.rules.shortest import shortest_rules
from freezecore.serving import child_process
from freezecore.serving.pricing.wire import KnownStep, PricedTicks
from freezecore.spec import FreezeSpec

MOST_STEPS = 32  # known at a time, as the page keeps traces


def price(step: KnownStep, asked: dict) -> PricedTicks:
    """What the ticks that are asked about come to; without a cost where its peak is not known."""
    batch, card = asked["batch"], asked["card"]
    ticks = Mask(step.tree, tuple(bit == "1" for bit in asked["trains"]), asked["norms"], asked["dropout"])
    rules = str(shortest_rules(ticks))
    spec = FreezeSpec.parse(rules)
    mask = resolve(spec, step.tree)
    cost = estimate(step.trace, mask, batch_size=batch)
    if not cost.known:
        return PricedTicks(rules)
    workload = replace(step.workload, batch_size=batch)
    found = review(step.tree, mask, spec=spec, workload=workload, source=step.source, prices=step.prices, fixes=False)
    fit = fits(step.trace, mask, batch_size=batch, cards=(Card(**card),), cost=cost)[0] if card else None
    return PricedTicks(rules, cost, tuple(found), fit)


def serve(answers: BinaryIO) -> None:
    """Answer until the parent closes its end, which ends the process at any moment."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    child_process.follow_parent(waiting.put)
    known = Recent(MOST_STEPS)
    while True:
        asked = sentences.loads(waiting.get())
        found: dict = {}
        try:
            if "trace" in asked:
                known.write(asked["step"], KnownStep.from_json(asked))
                continue
            step = known.read(asked["step"])
            found = {"priced": price(step, asked).to_json()} if step else {"unknown": True}
        except Exception:  # the boundary of the process: who asked finds out itself, and says it in a sentence
            traceback.print_exc()
        if "ask" in asked:
            answers.write(sentences.dumps({"ask": asked["ask"], **found}).encode() + b"\n")
            answers.flush()


def main() -> None:
    """Serve on standard input and output; whatever else is printed goes to the log."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    child_process.survive_full_log()
    child_process.die_first()
    serve(answers)


if __name__ == "__main__":
    main()
