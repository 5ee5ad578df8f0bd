"""The pane that sets freezing beside LoRA: its rows, one click to any of them, and what takes the same memory."""

import pytest

from app.service import pricing
from app.text import UNKNOWN, Words
from freezecore.cache.memory import Recent
from freezecore.serving.runs import Run
from tests.app.conftest import drawn

WORDS = Words("en")
VIT = {"model": "timm:vit_tiny_patch16_224", "card": "cpu", "batch": "2"}


@pytest.fixture
def panel(opened):
    """The page on its pane, once each way has been priced."""

    def open_panel(**query: str):
        page = opened(**VIT, **query)
        page.session_state["w_pane"] = "versus"
        return drawn(drawn(page.run()))

    return open_panel


def rows(page) -> dict[str, dict]:
    table = next(frame.value for frame in page.dataframe if WORDS("versus.way") in frame.value.columns)
    return {row[WORDS("versus.way")]: row for row in table.to_dict("records")}


def test_lora_trains_less_than_everything_and_takes_more_memory_than_the_head(panel):
    found = rows(panel())
    peak, trains = WORDS("versus.peak"), WORDS("versus.trains")
    full, head, lora = (found[WORDS(f"versus.{key}")] for key in ("full", "head", "lora"))
    assert head[peak] < lora[peak] < full[peak]
    assert head[trains] < lora[trains] < full[trains]
    assert lora[WORDS("versus.checkpoint")] < full[WORDS("versus.checkpoint")]


def test_one_click_puts_lora_into_the_model_and_another_takes_it_out(panel):
    page = panel()
    before = rows(page)[WORDS("versus.lora")]
    page = drawn(page.button(key="way_lora").click().run())
    assert page.session_state.link["adapter"] == "lora r=8"
    assert page.session_state.link["rules"] == "freeze all; train adapters head"
    assert rows(page)[WORDS("versus.this")][WORDS("versus.peak")] == before[WORDS("versus.peak")]
    page = drawn(page.button(key="no_adapter").click().run())
    assert page.session_state.link["adapter"] is None


@pytest.mark.slow
def test_the_rank_of_a_model_with_adapters_follows_the_slider(panel):
    page = panel(adapter="lora r=4 dora on *.qkv")
    page = drawn(page.select_slider(key="w_rank").set_value(16).run())
    assert page.session_state.link["adapter"] == "lora r=16 dora on *.qkv"


@pytest.mark.slow
def test_targets_that_cannot_be_read_are_told_and_the_rest_stays(panel):
    page = panel()
    page = drawn(page.text_input(key="w_targets").set_value("blocks:").run())
    assert page.error
    assert rows(page)[WORDS("versus.full")][WORDS("versus.peak")]


@pytest.mark.slow
def test_everything_leaves_room_for_a_rank_and_the_head_alone_for_none(panel):
    assert any("rank" in block.value for block in panel(rules="").markdown)
    words = WORDS("versus.no_rank", peak="").split("{")[0][:20]
    assert any(words in block.value for block in panel().markdown)


def test_a_further_rank_is_not_followed_again(panel, helpers, monkeypatch):
    page, asked, trace = panel(adapter="lora r=16"), [], helpers[0].trace

    def noted(source, workload):
        asked.append(source.adapter)
        return trace(source, workload)

    monkeypatch.setattr(helpers[0], "trace", noted)
    page = drawn(page.select_slider(key="w_rank").set_value(64).run())
    assert page.session_state.link["adapter"] == "lora r=64"
    assert rows(page)[WORDS("versus.this")][WORDS("versus.peak")]
    assert "lora r=64" not in asked  # what it lacks is measured at the two ranks that are known


def test_no_depth_curve_is_made_of_what_is_only_listed_beside_the_selection(panel, monkeypatch):
    made = Recent(8)
    monkeypatch.setattr(pricing, "_references", made)
    found = rows(panel())
    assert found[WORDS("versus.lora")][WORDS("versus.peak")]
    assert {source.adapter for source, *_ in made._kept} == {None}


def test_a_way_tells_the_score_of_its_run_by_the_metric_s_name_and_one_under_way_tells_nothing(panel, helpers):
    request = {"source": {"scheme": "timm", "name": "vit_tiny_patch16_224"}, "spec": "freeze all; train head"}
    told = {"state": "done", "metric": "span-f1", "metric_after": 0.4321}
    runs = [Run(name, "probe", "", "", "running", "", "", 0.0, request=request, result=result)
            for name, result in (("now", None), ("before", told))]  # fmt: skip
    helpers[1].listed = lambda *asked, **how: tuple(runs)
    found = rows(panel())
    assert found[WORDS("versus.head")][WORDS("versus.accuracy")] == "span F1 0.432"
    assert found[WORDS("versus.full")][WORDS("versus.accuracy")] == UNKNOWN
