from dataclasses import replace

import pytest

from app.service import search_table
from freezecore.search.find import Choice, FindResult, SearchTrial
from freezecore.search.measured import MeasuredSelection
from freezecore.search.suggest import Suggestion, SuggestResult
from freezecore.search.sweep import SweepResult
from tests.app.test_explore import RESNET, messages, rules_of

DEEP = MeasuredSelection("freeze stem blocks:first6", ("6 blocks frozen",), 6, 0.91, None, None, 0.91, (0.9, 0.92),
             0.014, 0.01, 200_000_000, 0.2, 4.0, 1_000)  # fmt: skip
FULL = replace(DEEP, rules="train all", frozen_blocks=0, accuracy_after=0.92, score=0.92, peak_bytes=900_000_000)
HEAD = replace(DEEP, rules="freeze all; train head", frozen_blocks=None, accuracy_after=0.5, peak_bytes=100_000_000)
SWEPT = SweepResult("done", (FULL, DEEP, HEAD), (0, 1, 2), 0, (0, 1), seconds=30.0).to_json()
CHOICE = Choice(
    "freeze layer1", ("",), 0.9, 0.9, 0.9, (0.9, 0.9), "accuracy", 0.9, 0.01, 3e-4, 1e-3, 300_000_000, 0.1, 60, 2
)
TRIAL = SearchTrial("freeze layer1", ("",), 0.3, 1, 60, 0, 0.9, 6.0, 0.1, "done")
FOUND = FindResult(
    "done", CHOICE, replace(CHOICE, rules="train all"), within_noise=True, tried=5, seconds=60.0, trials=(TRIAL,),
    left_out=("2 need more.",),
)  # fmt: skip
LOOKED = SuggestResult("done", (Suggestion("features", "freeze layer1 layer2", "Because it is so.", 0.8,
                                           (0.5, 0.8, None), 10**8, True),), ("One note.",), 9.0)  # fmt: skip


@pytest.fixture
def searched(opened, helpers):
    """`searched("sweep", result)` is the pane of a search that was started on this page."""

    def open_pane(kind: str, ended: dict | None = None, seen: tuple = (), **query: str):
        page = opened(model=RESNET, **query)
        page.segmented_control(key="w_pane").set_value("search").run()
        page.segmented_control(key="w_search_kind").set_value(kind).run()
        still = helpers[1]
        still.kind, still.seen = kind, list(seen)
        page.button(key="search_start").click()
        still.ended = ended
        return page.run()

    return open_pane


def ticked(page) -> str:
    return rules_of(page)


def shown(page) -> str:
    return " ".join(block.value for kind in (page.markdown, page.caption) for block in kind)


def test_a_sweep_is_requested_with_what_the_page_shows(searched, helpers):
    searched("sweep", SWEPT, batch="8", size="64")
    request = helpers[1].requests[0]
    assert (request.over, request.seeds, request.base.batch_size, request.base.image_size) == (
        ("depth", "presets"), 1, 8, 64,
    )  # fmt: skip
    assert (request.base.source.weights, request.base.data) == ("pretrained", "shapes")


def test_a_search_over_ranks_is_requested_told_and_taken_with_its_adapter(opened, helpers):
    page = opened(model=RESNET)
    page.segmented_control(key="w_pane").set_value("search").run()
    page.segmented_control(key="w_search_kind").set_value("find").run()
    page.multiselect(key="w_search_over").set_value(["depth", "rank"]).run()
    still = helpers[1]
    still.kind = "find"
    page.button(key="search_start").click()
    adapted = replace(CHOICE, rules="freeze all; train adapters head", adapter="lora r=4 alpha=4")
    still.ended = replace(FOUND, best=adapted).to_json()
    page = page.run()
    assert helpers[1].requests[0].over == ("depth", "rank")
    assert not page.exception and "lora r=4 alpha=4" in shown(page)
    page.button(key="use_recommended").click().run()
    assert page.session_state.link["adapter"] == "lora r=4 alpha=4"


def test_the_cheapest_of_those_as_good_as_the_best_is_recommended_and_ticked_with_a_click(searched):
    page = searched("sweep", SWEPT)
    assert not page.exception and not page.error
    assert "as good as the best within the noise" in shown(page)
    page.button(key="use_recommended").click().run()
    assert "blocks:first6" in ticked(page)


def test_what_has_ended_so_far_is_drawn_while_a_sweep_runs(searched):
    run = {"event": "run", "rules": "train all", "frozen_blocks": 0, "accuracy_after": 0.7, "done": 1, "total": 4}
    page = searched("sweep", None, ({"event": "plan", "total": 4}, run))
    assert not page.exception
    assert not page.button(key="search_stop").disabled
    page.button(key="search_stop").click().run()


def test_a_search_shows_its_choice_and_the_runner_up(searched):
    page = searched("find", FOUND.to_json())
    assert not page.exception
    assert "`freeze layer1` reaches 0.900 ± 0.010" in shown(page)
    assert "As good within the noise" in shown(page)
    page.button(key="use_second").click().run()
    assert ticked(page) == "train all"


def test_the_best_so_far_is_shown_while_a_search_runs(searched):
    page = searched("find", None, ({"event": "trial", **TRIAL.to_json(), "best": CHOICE.to_json()},))
    assert not page.exception
    assert "So far" in shown(page) and "0.900" in shown(page)


VALUES = {"accuracy_after": None, "metric": "rmse", "metric_after": 1.5, "score": -2.25}


def test_a_search_on_data_with_values_shows_its_metric_and_nothing_unknown(searched):
    found = replace(CHOICE, **VALUES)
    trial = replace(TRIAL, accuracy_after=None, metric="rmse", score=-2.25)
    result = FindResult("done", found, found, tried=5, seconds=60.0, trials=(trial,)).to_json()
    page = searched("find", result)
    assert not page.exception
    assert "reaches root mean squared error 1.500 after" in shown(page) and "unknown" not in shown(page)
    (table,) = [frame.value for frame in page.dataframe]
    assert table["root mean squared error"].tolist() == [1.5]
    best = {"event": "trial", **trial.to_json(), "best": found.to_json()}
    assert "root mean squared error 1.500" in shown(searched("find", None, (best,)))


def test_a_sweep_on_data_with_values_shows_its_metric_and_nothing_unknown(searched):
    worse = {**VALUES, "metric_after": 3.0, "score": -9.0}
    runs = (replace(FULL, **worse), replace(DEEP, **VALUES))
    page = searched("sweep", SweepResult("done", runs, (0, 1), 1, (1,), seconds=30.0).to_json())
    assert not page.exception
    assert "comes out best, root mean squared error 1.500" in shown(page) and "unknown" not in shown(page)
    (table,) = [frame.value for frame in page.dataframe]
    assert table["root mean squared error"].tolist() == [3.0, 1.5]


def test_a_suggestion_has_a_reason_and_a_price(searched):
    page = searched("suggest", LOOKED.to_json())
    assert not page.exception
    assert "Because it is so" in shown(page) and "100 MB" in shown(page) and "One note" in shown(page)
    page.button(key="use_recommended").click().run()
    assert ticked(page) == "freeze layer1 layer2"


@pytest.mark.parametrize("kind", ["sweep", "find", "suggest"])
def test_each_speaks_japanese(searched, kind):
    ended = {"sweep": SWEPT, "find": FOUND.to_json(), "suggest": LOOKED.to_json()}[kind]
    page = searched(kind, ended, lang="ja")
    assert not page.exception and not page.error
    assert "所要時間" in shown(page)


def test_a_search_that_failed_is_a_sentence(searched):
    page = searched("find", FindResult("failed", message="Nothing fits.", hint="Buy more.").to_json())
    assert "Nothing fits" in messages(page)


def test_a_link_to_a_search_of_another_model_ticks_nothing(opened, helpers, searched):
    searched("sweep", SWEPT)
    page = opened(model="timm:resnet34", search="token")
    page.segmented_control(key="w_pane").set_value("search").run()
    assert page.button(key="use_recommended").disabled
    assert "resnet18" in messages(page)


def test_a_search_within_minutes_is_as_far_as_its_time():
    assert search_table.share("find", {"minutes": 2.0}, [], 30.0) == 0.25
    assert search_table.left_s("find", {"minutes": 2.0}, [], 30.0) == 90.0


def test_a_sweep_goes_on_at_the_pace_so_far():
    events = [{"event": "plan", "total": 10}, {"event": "run", "rules": "a"}, {"event": "run", "rules": "b"}]
    assert search_table.share("sweep", {}, events, 20.0) == 0.2
    assert search_table.left_s("sweep", {}, events, 20.0) == 80.0


def test_what_was_set_is_there_again_after_another_pane(opened):
    page = opened(model=RESNET)
    page.number_input(key="w_steps").set_value(7).run()
    page.segmented_control(key="w_pane").set_value("search").run()
    page.number_input(key="w_search_seeds").set_value(3).run()
    page.segmented_control(key="w_pane").set_value("probe").run()
    assert page.number_input(key="w_steps").value == 7
    page.segmented_control(key="w_pane").set_value("search").run()
    assert page.number_input(key="w_search_seeds").value == 3
    assert not page.exception and not page.warning
