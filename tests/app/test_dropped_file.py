"""A file dropped on the page is taken once."""

from streamlit.runtime.uploaded_file_manager import DeletedFile

from app import state


def test_a_file_that_was_given_back_is_no_file_any_more(monkeypatch):
    monkeypatch.setattr(state, "value", {"here": "a file", "gone": DeletedFile("1")}.get)
    assert state.dropped_file("here") == "a file"
    assert state.dropped_file("gone") is None
    assert state.dropped_file("never") is None
