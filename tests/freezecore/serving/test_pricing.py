import json
import threading
from dataclasses import replace

import pytest

import freezecore as fc
from freezecore._estimate import estimate
from freezecore._estimate.budget import fits
from freezecore._estimate.cards import all_cards
from freezecore._review import review
from freezecore.mask import Mask
from freezecore.rules.shortest import shortest_rules
from freezecore.serving import child_process
from freezecore.serving.pricing import client
from freezecore.serving.pricing.wire import KnownStep

CARD, BATCH = all_cards()[0], 32


@pytest.fixture(scope="module")
def known():
    source, workload = fc.ModelSource.parse("timm:resnet18"), fc.Workload(batch_size=BATCH)
    return KnownStep(fc.read_tree(source), fc.trace(source, workload), source, workload, {})


@pytest.fixture
def pricing(monkeypatch, tmp_path):
    monkeypatch.setattr(client, "LIMIT_S", 60)
    monkeypatch.setattr(client.store, "home", lambda: tmp_path)
    process = client.PricingProcess()
    yield process
    process.close()


def ticks(known, *trained):
    return Mask(known.tree, tuple(any(part in p.name for part in trained) for p in known.tree.parameters))


@pytest.mark.parametrize("trained", [("layer4", "fc"), ("conv1", "layer2.0.bn1", "fc.bias"), ()])
def test_it_answers_what_this_process_would(known, pricing, trained):
    step = (known.trace, known.prices)
    pricing.tell(step, known)
    mask = ticks(known, *trained)
    found = pricing.ask(step, mask, 16, CARD)
    spec = shortest_rules(mask)
    mask = fc.resolve(spec, known.tree)
    cost = estimate(known.trace, mask, batch_size=16)
    workload = replace(known.workload, batch_size=16)
    assert found.rules == str(spec)
    assert found.cost == cost
    assert found.cost.peak_moment.values == cost.peak_moment.values  # told in other languages as well
    assert found.fit == fits(known.trace, mask, batch_size=16, cards=(CARD,))[0]
    here = review(known.tree, mask, spec=spec, workload=workload, source=known.source, fixes=False)
    assert found.findings == here
    assert [finding.facts for finding in found.findings] == [finding.facts for finding in here]


def test_a_step_that_was_not_told_gets_no_answer(known, pricing):
    assert not pricing.knows((known.trace, known.prices))
    assert pricing.ask((known.trace, known.prices), ticks(known, "fc"), BATCH, CARD) is None


def test_a_step_that_the_process_has_forgotten_is_told_again(known, pricing):
    step = (known.trace, known.prices)
    pricing.tell(step, known)
    pricing._steps.write(tuple(map(id, step)), (999, step))
    assert pricing.ask(step, ticks(known, "fc"), BATCH, CARD) is None
    assert not pricing.knows(step)
    pricing.tell(step, known)
    assert pricing.ask(step, ticks(known, "fc"), BATCH, CARD).rules == "freeze all; train head"


def test_a_process_that_dies_answers_nobody_and_is_begun_again(known, pricing, monkeypatch):
    step = (known.trace, known.prices)
    pricing.tell(step, known)
    first = pricing._process
    child_process.end(first)
    assert pricing.ask(step, ticks(known, "fc"), BATCH, CARD) is None
    for thread in threading.enumerate():
        if thread.name == "pricing":
            thread.join(60)
    assert first.poll() is not None
    assert not pricing.knows(step)
    pricing.tell(step, known)
    assert not pricing.knows(step)  # it was begun a moment ago: one that dies at once is not begun all the time
    monkeypatch.setattr(client, "AGAIN_S", 0.0)
    pricing.tell(step, known)
    assert pricing.ask(step, ticks(known, "fc"), BATCH, CARD).rules == "freeze all; train head"


def test_who_waits_too_long_does_without(known, pricing, monkeypatch):
    step = (known.trace, known.prices)
    pricing.tell(step, known)
    monkeypatch.setattr(client, "LIMIT_S", 0.0)
    monkeypatch.setattr(client, "REST_S", 0.0)
    assert pricing.ask(step, ticks(known, "fc"), BATCH, CARD) is None
    monkeypatch.setattr(client, "LIMIT_S", 60)
    assert pricing.ask(step, ticks(known, "fc"), BATCH, CARD)
    monkeypatch.setattr(client, "MOST_WAITING", 0)
    assert pricing.ask(step, ticks(known, "fc"), BATCH, CARD) is None
    assert not pricing._waiting


def test_after_a_late_answer_nobody_asks_for_a_while(known, pricing, monkeypatch):
    step = (known.trace, known.prices)
    pricing.tell(step, known)
    monkeypatch.setattr(client, "LIMIT_S", 0.0)
    assert pricing.ask(step, ticks(known, "fc"), BATCH, CARD) is None
    monkeypatch.setattr(client, "LIMIT_S", 60)
    monkeypatch.setattr(pricing, "_sent", None)  # calling it fails
    assert pricing.ask(step, ticks(known, "fc"), BATCH, CARD) is None


def test_a_step_too_large_to_send_is_not_sent(known, pricing, monkeypatch):
    step = (known.trace, known.prices)
    monkeypatch.setattr(client, "MOST_CALLS", 1)
    pricing.tell(step, known)
    assert pricing._process is None
    assert pricing.knows(step)  # and nobody tries again
    assert pricing.ask(step, ticks(known, "fc"), BATCH, CARD) is None


def test_lines_that_are_no_question_end_nothing(known, pricing):
    step = (known.trace, known.prices)
    pricing.tell(step, known)
    child_process.send_line(pricing._process, json.dumps({"step": 9, "trace": {}}))
    child_process.send_line(pricing._process, json.dumps({"step": 1}))
    assert pricing.ask(step, ticks(known, "fc"), BATCH, None).fit is None
