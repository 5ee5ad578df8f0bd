"""The door: visitors of a server reach neither its code nor its files, unless its owner said so."""

import pytest

from freezecore.cache import uploads
from freezecore.errors import DataError, SourceError
from freezecore.probe import ProbeRequest
from freezecore.search.sweep import SweepRequest
from freezecore.serving import access
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec


@pytest.mark.parametrize("text", ["timm:resnet18", "hf:google-bert/bert-base-uncased", "config:bert"])
def test_models_by_name_pass(text):
    access.check_source(ModelSource.parse(text))


@pytest.mark.parametrize(
    "text", ["file:/etc/passwd", "hf:./models", "hf:~/models", "config:../config.json", "file:a/../../b", "config:."]
)
def test_files_of_the_server_stay_closed(text):
    with pytest.raises(SourceError, match="does not open .* on its own disk"):
        access.check_source(ModelSource.parse(text))


def test_a_name_that_happens_to_be_a_file_here_stays_closed(tmp_path, monkeypatch):
    (tmp_path / "google-bert").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError):
        access.check_source(ModelSource.parse("hf:google-bert"))


def test_nobodys_code_runs_unless_the_owner_said_so(monkeypatch):
    source = ModelSource.parse("py:os:getcwd")
    with pytest.raises(SourceError, match="This server runs nobody's code, so it does not open 'py:os:getcwd'."):
        access.check_source(source)
    monkeypatch.setenv(access.PYTHON_VARIABLE, "1")
    access.check_source(source)


def test_the_owners_folder_and_uploads_are_open_but_no_link_out_of_them(tmp_path, monkeypatch):
    inside, outside = tmp_path / "open", tmp_path / "closed"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    monkeypatch.setenv(access.FOLDER_VARIABLE, str(inside))
    access.check_source(ModelSource.parse(f"file:{inside}/model.json"))
    access.check_data(uploads.keep(b"text,label", "a.csv"))
    with pytest.raises(DataError, match="Upload the data"):
        access.check_data(str(inside / "link" / "a.csv"))


def test_a_sweep_is_checked_like_its_probe(tmp_path):
    probe = ProbeRequest(ModelSource("timm", "resnet18"), FreezeSpec(), data=str(tmp_path))
    for request in (probe, SweepRequest(probe)):
        with pytest.raises(DataError):
            access.check_request(request)
    for name in ("shapes", "digits", "docstrings", "stanfordnlp/imdb"):
        access.check_data(name)
