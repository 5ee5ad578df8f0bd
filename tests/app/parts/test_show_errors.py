"""Somebody's own words on the page: they are shown, and mean nothing to Markdown."""

import pytest

from app.parts.show_errors import plain


@pytest.mark.parametrize("begin", ["http://a.b", "HTTPS://a.b", "www.a.b", "me@a.b"])
def test_an_address_is_broken_where_markdown_would_find_it_and_reads_the_same(begin):
    shown = plain(f"no file '{begin}'")
    assert shown.replace("\\", "").replace("\u2060", "") == f"no file '{begin}'"
    assert begin not in shown.replace("\\", "")


def test_what_is_no_address_is_left_as_it_is():
    assert plain("httpd at 3") == "httpd at 3"
