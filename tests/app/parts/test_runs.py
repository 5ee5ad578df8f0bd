import json

import pytest
from streamlit.testing.v1 import AppTest

from app.parts import runs as runs_part
from app.service import run_table, visitors
from freezecore._export.comparison import FORMAT
from freezecore.cache import uploads
from freezecore.probe import ProbeRequest, ProbeResult
from freezecore.serving.runs import Run, Runs
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from tests.app.conftest import QUICK_S
from tests.app.test_explore import messages

RESNET = ModelSource("timm", "resnet18", "pretrained")
OWNER = "somebody-22-letters-ab"
ROW = {
    "rules": "freeze all; train fc", "seed": 1, "device": "cuda", "steps": 30, "accuracy_before": 0.1,
    "accuracy_after": 0.8, "loss_last": 0.2, "seconds": 9.0, "step_s": 0.3, "peak_bytes": 10**9, "trainable": 5,
    "total": 9,
}  # fmt: skip


def result(accuracy: float, scores: tuple = (), **fields) -> dict:
    made = ProbeResult(
        "done", "cpu", 60, accuracy_after=accuracy, per_sample=scores, step_s=0.1, peak_bytes=10**8, **fields
    )
    return made.to_json()


def stored(
    runs: Runs, token: str, rules: str, accuracy: float, owner: str = OWNER, data: str = "shapes", **fields
) -> None:
    request = ProbeRequest(RESNET, FreezeSpec.parse(rules), data=data).to_json()
    runs.add(
        Run(
            token, "probe", token, owner, "done", str(runs.folder / token), runs.server, float(len(token)), 0.0, 1.0,
            request, result(accuracy, **fields),
        )
    )  # fmt: skip


def compare_page() -> None:
    from app import state
    from app.views import compare

    state.begin()
    compare.draw()


@pytest.fixture
def compared(helpers, tmp_path, monkeypatch):
    """`compared([0, 1])` is the Compare page with those rows of the table chosen."""
    helpers[1].runs = Runs(tmp_path)
    monkeypatch.setattr(visitors, "new_name", lambda: OWNER)
    picks: list[int] = []
    real = runs_part.st.dataframe

    def choosing(*arguments, **options):
        drawn = real(*arguments, **options)
        return {"selection": {"rows": list(picks)}} if options.get("key") == "w_runs" else drawn

    monkeypatch.setattr(runs_part.st, "dataframe", choosing)

    def open_page(rows: list[int] = (), **query: str) -> AppTest:
        picks[:] = rows
        page = AppTest.from_function(compare_page, default_timeout=QUICK_S)
        for name, value in {"model": "timm:resnet18", **query}.items():
            page.query_params[name] = value
        return page.run()

    open_page.runs, open_page.picks = helpers[1].runs, picks
    return open_page


def table(page: AppTest):
    return page.dataframe[0].value


def test_the_table_is_filtered_by_words_and_sorted_by_what_was_measured(compared):
    stored(compared.runs, "a", "freeze all; train fc", 0.5)
    stored(compared.runs, "bb", "train all", 0.9)
    page = compared()
    assert not page.exception and not page.error
    assert list(table(page)["Rules"]) == ["train all", "freeze all; train fc"], "the newest first"
    page.selectbox(key="w_sort").set_value("accuracy").run()
    assert list(table(page)["Accuracy"]) == [0.9, 0.5]
    page.text_input(key="w_filter").set_value("ResNet fc").run()
    assert list(table(page)["Rules"]) == ["freeze all; train fc"]
    page.text_input(key="w_filter").set_value("vit").run()
    assert "vit" in messages(page)


def test_only_ones_own_runs_can_be_deleted(compared):
    stored(compared.runs, "a", "train all", 0.5, owner="another")
    page = compared([0])
    page.session_state.held = {"a": True}  # as opening its link leaves it
    page.run()
    assert page.button(key="delete_runs").disabled
    compared.runs.change("a", owner=page.session_state.owner)
    page.run()
    page.button(key="delete_runs").click()
    page.run()
    assert compared.runs.find("a") is None
    assert "No run yet" in messages(page)


def test_two_runs_differ_only_beyond_the_noise(compared):
    stored(compared.runs, "a", "train all", 0.5, scores=(1.0, 0.0) * 50)
    stored(compared.runs, "bb", "train fc", 0.52, scores=(1.0, 0.0) * 48 + (1.0,) * 4)
    stored(compared.runs, "ccc", "train layer4", 1.0, scores=(1.0,) * 100)
    texts = [block.value for block in compared([1, 2]).markdown]
    assert any("No difference beyond the noise" in text or "beats" in text for text in texts)
    texts = [block.value for block in compared([0, 2]).markdown]
    assert any("`train layer4` beats `train all` in 100 of 100" in text for text in texts)


def test_two_runs_are_put_side_by_side(compared):
    stored(compared.runs, "a", "freeze all; train fc", 0.5)
    stored(compared.runs, "bb", "freeze layer1", 0.9)
    page = compared([0, 1])
    assert len(page.get("plotly_chart")) == 3, "losses, accuracy against memory, what trained"
    page.button(key="diff_runs").click().run()
    assert not page.exception and not page.warning
    assert page.text_area(key="w_diff_first").value == "freeze layer1"
    assert "train fc" in page.text_area(key="w_diff_second").value


def test_runs_of_a_notebook_stand_beside_the_servers(compared):
    stored(compared.runs, "a", "train all", 0.5)
    page = compared()
    file = json.dumps({"format": FORMAT, "source": "timm:resnet18", "runs": [ROW]}).encode()
    page.file_uploader(key="w_runs_file").set_value(("runs.json", file, "application/json")).run()
    assert not page.exception and not page.error
    assert "from a notebook" in list(table(page)["Data"])


def test_another_file_is_a_sentence(compared):
    page = compared()
    page.file_uploader(key="w_runs_file").set_value(("runs.json", b"{}", "application/json")).run()
    assert "no runs" in page.session_state.message[0] + messages(page)


def test_the_page_speaks_japanese(compared):
    stored(compared.runs, "a", "train all", 0.5)
    page = compared([0], lang="ja")
    assert not page.exception
    assert page.button(key="open_run").label == "「調べる」で開く"


def test_a_table_for_a_spreadsheet_holds_no_formula():
    request = ProbeRequest(RESNET, FreezeSpec.parse("train all")).to_json()
    one = run_table.RunRow("t", "o", "timm:resnet18", "=cmd()", request, result(0.5))
    text = run_table.as_csv([one])
    assert "'=cmd()" in text and text.startswith("\ufeff")


def test_an_uploads_name_is_the_one_its_owner_gave():
    digest = "0123456789abcdef" * 2
    assert run_table.name_of_data(f"/home/x/uploads/{digest}-cats-and-dogs.zip") == "cats-and-dogs.zip"
    assert run_table.name_of_data("shapes") == "shapes"
    assert run_table.name_of_data("hub:me/mine") == "mine"


def test_others_runs_are_not_listed_and_open_only_by_their_own_link(compared):
    stored(compared.runs, "a", "train all", 0.5, owner="another")
    stored(compared.runs, "bb", "freeze all; train fc", 0.6)
    page = compared()
    assert list(table(page)["Rules"]) == ["freeze all; train fc"]
    page.session_state.held = {"a": True}
    page.run()
    assert "train all" in list(table(page)["Rules"])


def test_ones_own_runs_and_uploads_are_forgotten_in_one_click_and_others_stay(compared, monkeypatch, tmp_path):
    monkeypatch.setenv("FREEZE_EXPLORER_HOME", str(tmp_path / "home"))
    mine, shared = (uploads.keep(content, "cats.csv") for content in (b"a,b", b"c,d"))
    stored(compared.runs, "a", "train all", 0.5, data=mine)
    stored(compared.runs, "bb", "train all", 0.5, data=shared)
    stored(compared.runs, "ccc", "train all", 0.5, owner="another", data=shared)
    page = compared()
    page.button(key="forget_all").click().run()
    assert not page.exception and [run.token for run in compared.runs.listed()] == ["ccc"]
    assert (uploads.place_of(mine).exists(), uploads.place_of(shared).exists()) == (False, True)


def test_compare_opens_on_the_runs_of_this_data_and_others_are_a_choice_away(compared):
    stored(compared.runs, "one", "train all", 0.9)
    stored(compared.runs, "two", "freeze all; train head", 0.8, data="digits")
    page = compared()
    assert list(table(page)["Data"]) == ["shapes"]
    data = next(box for box in page.selectbox if box.key == "w_runs_data")
    assert data.options == ["All data (2)", "digits (1)", "shapes (1)"]
    assert len(table(data.set_value("").run())) == 2


def test_compare_shows_all_data_where_there_are_no_runs_of_this(compared):
    stored(compared.runs, "two", "train all", 0.8, data="digits")
    assert list(table(compared())["Data"]) == ["digits"]


def test_a_run_that_measured_nothing_is_not_listed(compared):
    stored(compared.runs, "a", "train all", 0.5)
    nothing = ProbeResult("failed", "cpu", 0, message="There are no weights.").to_json()
    request = ProbeRequest(RESNET, FreezeSpec.parse("train fc"), data="shapes").to_json()
    compared.runs.add(
        Run("bb", "probe", "bb", OWNER, "failed", "", compared.runs.server, 2.0, 0.0, 1.0, request, nothing)
    )
    rules = compared().dataframe[0].value["Rules"]
    assert list(rules) == ["train all"]


def test_compare_offers_the_languages_and_where_nothing_ran_no_filter(compared):
    page = compared()
    assert page.selectbox(key="w_lang").options == ["English", "日本語", "简体中文"]
    assert "w_filter" not in {field.key for field in page.text_input}
    page.selectbox(key="w_lang").set_value("ja").run()
    assert page.header[0].value == "比べる"
