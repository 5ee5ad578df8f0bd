"""Bad input, one table: each is told in a sentence that holds the person's own value, and a hint; never a traceback."""

import pytest

from freezecore.errors import FreezeError, NotFetched, SourceError
from tests.freezecore.bad import configs, files, rules, sources
from tests.freezecore.bad.case import Bad

TABLE: tuple[Bad, ...] = (*configs.CASES, *sources.CASES, *rules.CASES, *files.CASES)
LONGEST = 600


def test_the_table_holds_a_hundred_different_cases():
    assert len({bad.name for bad in TABLE}) == len(TABLE) >= 100


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)
def test_bad_input_is_told_in_a_sentence_with_a_hint(bad, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FreezeError) as caught:
        bad.do(tmp_path)
    error = caught.value
    kind = SourceError if type(error) is NotFetched else type(error)  # where the Hub is not asked, as on a server
    assert kind is bad.error
    for words in bad.says:
        assert words in error.problem
    assert error.hint and bad.hint in error.hint
    for text in (error.problem, error.hint):
        assert text.isprintable() and len(text) <= LONGEST
        assert "Traceback (most recent call last)" not in text
    assert error.problem.endswith((".", "."))
