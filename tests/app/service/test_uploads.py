import io
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.service import uploads
from freezecore.cache import store
from freezecore.cache import uploads as kept
from freezecore.errors import DataError
from tests.app.test_explore import RESNET, messages


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "home", lambda: tmp_path)


def pictures(classes: tuple[str, ...] = ("cats", "dogs"), each: int = 12) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, name in enumerate(classes):
            for i in range(each):
                made = io.BytesIO()
                Image.fromarray(np.full((24, 24, 3), 40 * number + i, np.uint8)).save(made, "PNG")
                archive.writestr(f"{name}/{i}.png", made.getvalue())
    return file.getvalue()


@pytest.fixture
def dropped(opened):
    """`dropped(content, name)` is the probe pane after a file was dropped on it."""

    def open_pane(content: bytes, name: str, **query: str):
        page = opened(**{"model": RESNET, **query})
        page.selectbox(key="w_data").set_value("own").run()
        assert page.button(key="start").disabled, "a run waits for the file"
        page.file_uploader(key="w_own_data").set_value((name, content, "application/octet-stream")).run()
        return page

    return open_pane


def shown(page) -> str:
    return " ".join(block.value for block in page.markdown)


def test_a_zip_of_class_folders_is_looked_at_and_trained_on(dropped, helpers):
    page = dropped(pictures(), "my pets.zip")
    assert not page.exception and not page.error
    assert "2 classes" in shown(page)
    page.selectbox(key="w_metric").set_value("macro-f1").run()
    page.button(key="start").click().run()
    request = helpers[1].requests[0]
    assert request.data.endswith("/my_pets.zip") and request.metric == "macro-f1"


def test_a_table_is_looked_at_with_its_columns(dropped, helpers):
    rows = "\n".join(f"sentence number {i} is here,{'good' if i % 2 else 'bad'}" for i in range(40))
    page = dropped(("comment,verdict\n" + rows).encode(), "t.csv", model="config:bert", labels="2",
                   task="sequence-classification")  # fmt: skip
    assert "verdict" in messages(page) or "label" in messages(page), "the columns have no usual names"
    assert page.button(key="start").disabled
    page.text_input(key="w_column_target").set_value("verdict").run()
    assert not page.error and "2 classes" in shown(page)
    page.button(key="start").click().run()
    assert helpers[1].requests[0].target == "verdict"


def test_the_columns_and_the_split_that_were_taken_are_choices_that_reach_the_probe(dropped, helpers):
    rows = "\n".join(f"sentence number {i} is here,note {i},{'good' if i % 2 else 'bad'},{i % 4}" for i in range(48))
    page = dropped(("text,remark,label,part\n" + rows).encode(), "t.csv", model="config:bert", labels="2",
                   task="sequence-classification")  # fmt: skip
    boxes = {box.key: box for box in page.selectbox if box.key.startswith("w_column_")}
    assert (boxes["w_column_text"].value, boxes["w_column_target"].value) == ("text", "label")
    assert boxes["w_column_fold"].value is None
    assert boxes["w_column_text"].options == ["text", "remark", "label", "part"]
    assert "Held out at random" in shown(page)
    page.selectbox(key="w_column_text").set_value("remark").run()
    page.selectbox(key="w_column_fold").set_value("part").run()
    assert not page.exception and not page.error
    assert "one fold of the column 'part'" in shown(page)
    assert "<blockquote>note " in " ".join(html.proto.body for html in page.get("html"))
    page.button(key="start").click().run()
    request = helpers[1].requests[0]
    assert (request.text, request.fold, request.target) == ("remark", "part", None)


def test_a_column_that_was_named_for_one_file_is_not_looked_for_in_the_next(dropped):
    rows = "\n".join(f"sentence number {i} is here,{'good' if i % 2 else 'bad'}" for i in range(40))
    query = {"model": "config:bert", "labels": "2", "task": "sequence-classification"}
    page = dropped(("comment,verdict\n" + rows).encode(), "first.csv", **query)
    page.text_input(key="w_column_target").set_value("verdict").run()
    page.selectbox(key="w_data").set_value("own").run()
    second = ("second.csv", ("text,label\n" + rows).encode(), "application/octet-stream")
    page.file_uploader(key="w_own_data").set_value(second).run()
    assert not page.exception and not page.error
    assert page.selectbox(key="w_column_target").value == "label"


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"no zip at all", "cats.zip", "cannot be read as a zip"),
        (pictures(("alone",)), "one.zip", "one class alone, 'alone'"),
    ],
)
def test_a_bad_file_is_a_sentence_and_trains_nothing(dropped, content, name, sentence):
    page = dropped(content, name)
    assert not page.exception
    assert sentence in messages(page)
    assert page.button(key="start").disabled


def test_the_look_speaks_japanese(dropped):
    page = dropped(pictures(), "pets.zip", lang="ja")
    assert "2 クラス" in shown(page)


def test_a_name_leads_nowhere_else(tmp_path):
    name = uploads.keep_data(b"x", "../../etc/pass wd\n.zip", "image")
    assert name.startswith("uploads/") and ".." not in name and "\n" not in name
    assert kept.place_of(name).parents[1] == tmp_path / "uploads"


def test_a_file_of_another_kind_or_size_is_refused(monkeypatch):
    with pytest.raises(DataError, match="no data for this model"):
        uploads.keep_data(b"x", "a.csv", "image")
    monkeypatch.setattr(uploads, "LARGEST_MIB", 0)
    with pytest.raises(DataError, match="larger"):
        uploads.keep_data(b"x", "a.csv", "text")


def test_the_servers_own_path_stands_nowhere_on_the_page(dropped, tmp_path):
    """Not in the picker, the sentences or the link: only the name that the file was given."""
    page = dropped(pictures(), "my pets.zip")
    picker = page.selectbox(key="w_data")
    assert "my_pets.zip" in picker.options
    told = [picker.options, shown(page), messages(page), dict(page.query_params)]
    assert str(tmp_path) not in str(told)


def test_the_oldest_files_go_when_room_is_short(monkeypatch):
    monkeypatch.setattr(kept, "MOST_BYTES", 10)
    first = uploads.keep_data(b"12345678", "a.csv", "text")
    second = uploads.keep_data(b"abcdefgh", "b.csv", "text")
    assert not kept.place_of(first).exists() and kept.place_of(second).exists()


def test_server_page_and_documents_promise_one_size():
    """A file that the page takes and the server does not would end as a bare AxiosError."""
    app = Path(uploads.__file__).parents[1]
    settings = tomllib.loads((app / ".streamlit" / "config.toml").read_text("utf-8"))
    assert settings["server"]["maxUploadSize"] == uploads.LARGEST_MIB + 1  # the envelope
    for document in ("README.md", "docs/serving.md"):
        text = (app.parent / document).read_text("utf-8")
        assert f"up to {uploads.LARGEST_MIB} MB" in text, document
