"""The client of the analyst: answers shared, and every death a sentence after which the next request works."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from freezecore.cache import store
from freezecore.errors import FreezeError, SourceError
from freezecore.packaged import DEFAULT_SOURCE
from freezecore.serving import child_process
from freezecore.serving.analyst.client import Analyst
from freezecore.source import ModelSource
from freezecore.workload import Workload

DEFAULT = ModelSource.parse(DEFAULT_SOURCE)
LIMITS_S = {"models": 20.0, "warm": 20.0}


@pytest.fixture
def analyst():
    client = Analyst("tests.freezecore.faulty_verbs", limits_s=LIMITS_S, memory_bytes=10**9)
    yield client
    client.close()


def pid(analyst: Analyst, word: str) -> int:
    return int(analyst.models(word)[0]["family"])


def test_many_sessions_share_one_process_and_one_computation(analyst):
    with ThreadPoolExecutor(16) as sessions:
        answers = list(sessions.map(lambda _: analyst.models("same"), range(64)))
    assert answers == [answers[0]] * 64
    assert answers[0][0]["parameters"] == 1  # the verb was called once
    assert pid(analyst, "other") == pid(analyst, "same")


def test_what_a_library_prints_does_not_disturb_the_answers(analyst):
    assert analyst.models("print")[0]["source"] == "print"


def test_a_refusal_comes_back_as_the_same_error(analyst):
    with pytest.raises(SourceError) as refused:
        analyst.models("refuse")
    assert (refused.value.problem, refused.value.hint) == ("There is no model 'refuse'.", "Did you mean 'reuse'?")


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("die", "Searching the models for 'die' ended the process that reads models: it was killed (SIGKILL)."),
        ("leave", "Searching the models for 'leave' ended the process that reads models: it ended with code 3."),
        ("raise", "Searching the models for 'raise' failed unexpectedly (RuntimeError: no kernel)."),
    ],
)
def test_a_failure_is_one_sentence_and_the_next_request_works(analyst, word, sentence):
    with pytest.raises(FreezeError) as failure:
        analyst.models(word)
    assert failure.value.problem == sentence
    assert analyst.models("next")[0]["source"] == "next"


def test_a_request_that_hangs_is_stopped_and_the_process_replaced():
    analyst = Analyst("tests.freezecore.faulty_verbs", limits_s={"models": 1.0})
    before = pid(analyst, "before")
    with pytest.raises(FreezeError) as late:
        analyst.models("hang")
    assert late.value.problem == "Searching the models for 'hang' took longer than 1 s and was stopped."
    assert pid(analyst, "after") != before
    analyst.close()


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux holds a process to its memory")
def test_a_request_that_needs_too_much_memory_is_refused_by_itself(analyst):
    before = pid(analyst, "before")
    with pytest.raises(FreezeError) as refused:
        analyst.models("eat")
    assert refused.value.problem == "Searching the models for 'eat' needed more than 1 GB of memory and was stopped."
    assert pid(analyst, "after") != before


TRACE_FAILURES = {
    "hang": "took longer than 1 s and was stopped.",
    "eat": "needed more than 1 GB of memory and was stopped.",
}


@pytest.mark.parametrize("name", TRACE_FAILURES)
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux holds a process to its memory")
def test_a_trace_that_hangs_or_eats_memory_costs_a_sentence_with_a_hint_and_only_that_process(name):
    analyst = Analyst("tests.freezecore.faulty_verbs", limits_s={"trace": 1.0}, memory_bytes=10**9)
    before = traced_by(analyst, "before")
    with pytest.raises(FreezeError) as failure:
        analyst.trace(ModelSource.parse(f"timm:{name}"), Workload())
    assert failure.value.problem == f"Following a training step of 'timm:{name}' {TRACE_FAILURES[name]}"
    assert failure.value.hint.startswith("Choose a smaller model, batch or input size")
    assert traced_by(analyst, "before") == before  # what was known stays known
    assert traced_by(analyst, "after") != before
    analyst.close()


def traced_by(analyst: Analyst, name: str) -> int:
    return int(analyst.trace(ModelSource.parse(f"timm:{name}"), Workload()).problem)


def test_a_process_killed_between_requests_is_replaced_unnoticed(analyst):
    os.kill(pid(analyst, "before"), signal.SIGKILL)
    assert analyst.models("after")[0]["source"] == "after"


def test_an_impossible_request_is_tried_once_for_a_whole_class(analyst):
    def opened(_):
        with pytest.raises(FreezeError) as failure:
            analyst.models("die")
        return failure.value

    with ThreadPoolExecutor(8) as sessions:
        failures = list(sessions.map(opened, range(8)))
    assert len({str(failure) for failure in failures}) == 1
    assert analyst._process.asked <= 1  # no second process was killed by it


def test_close_ends_a_request_in_progress(analyst):
    analyst.models("first")
    failures = []

    def ask():
        with pytest.raises(FreezeError) as failure:
            analyst.models("hang")
        failures.append(failure.value)

    session = threading.Thread(target=ask)
    session.start()
    analyst.close()
    session.join(10)
    assert not session.is_alive()
    assert len(failures) == 1


def test_prefetching_is_begun_once_and_ends_with_the_analyst():
    analyst = Analyst("tests.freezecore.faulty_verbs", limits_s=LIMITS_S)
    analyst._warm([(DEFAULT, Workload())])
    child = analyst._prefetch
    analyst._warm([(DEFAULT, Workload())])
    assert analyst._prefetch is child
    analyst.close()
    assert child.returncode is not None


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is always full")
@pytest.mark.parametrize("place", ["/dev/full", "nowhere"])
def test_the_analyst_goes_on_when_its_log_cannot_be_written(place, tmp_path, monkeypatch):
    if place == "nowhere":
        monkeypatch.setenv(store.HOME_VARIABLE, "/dev/null/home")
    else:
        monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path))
        (tmp_path / "analyst.log").symlink_to(place)
    client = Analyst("tests.freezecore.faulty_verbs", limits_s={"models": 60.0}, memory_bytes=None)
    try:
        asked = client.models("first")
        process_id = client._process.process.pid
        with pytest.raises(FreezeError, match="failed unexpectedly"):
            client.models("raise")
        assert client.models("next") and asked
        assert client._process.process.pid == process_id, "it wrote a traceback where there is no room, and lives"
    finally:
        client.close()


def test_a_log_that_grew_large_is_begun_anew_and_one_old_part_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(child_process, "LARGEST_LOG", 10)
    for text in (b"old and long enough", b"newer and long enough"):
        (tmp_path / "analyst.log").write_bytes(text)
        child_process._opened(tmp_path / "analyst.log").close()
    assert (tmp_path / "analyst.old.log").read_bytes() == b"newer and long enough"
    assert (tmp_path / "analyst.log").read_bytes() == b""


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="reads /proc")
def test_the_prefetching_process_leaves_no_zombie_when_it_has_ended(analyst, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "home", lambda: tmp_path)
    analyst._warm([(ModelSource.parse("timm:no_such_model_at_all"), Workload())])
    child = analyst._prefetch
    os.kill(child.pid, signal.SIGKILL)  # of idle priority, it would come to its own end late where processors are busy
    until = time.monotonic() + 60
    while os.path.exists(f"/proc/{child.pid}") and time.monotonic() < until:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{child.pid}")
