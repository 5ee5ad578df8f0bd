"""Other libraries' logs stand between no sentences of ours."""

import logging

import pytest

from freezecore.errors import FreezeError
from freezecore.runtime.data.tokens import tokenizer_of
from freezecore.source import ModelSource


def test_the_hub_s_own_warnings_are_not_told_while_a_tokenizer_is_asked_for(monkeypatch, caplog):
    import transformers

    def tries(*args, **kwargs):
        for name in ("huggingface_hub.utils._http", "datasets.load"):
            logging.getLogger(name).warning("Retrying in 1s")
        raise OSError("no connection")

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", tries)
    with pytest.raises(FreezeError, match="tokenizer"):
        tokenizer_of(ModelSource.parse("hf:nobody/nothing"))
    assert not caplog.records
    logging.getLogger("huggingface_hub.utils._http").warning("later")
    assert [each.getMessage() for each in caplog.records] == ["later"]
