"""The smallest and oddest data that a person may bring, trained on to the end."""

import os

import pytest

from freezecore.errors import DataError
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.read import read
from freezecore.runtime.train.run import run_probe
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec


def probed(source, path, **more):
    request = ProbeRequest(source, FreezeSpec.parse("freeze embeddings blocks:0"), data=str(path), steps=6, **more)
    return run_probe(request, lambda event: None)


@pytest.mark.parametrize("cache", [True, False])
def test_three_rows_are_trained_on_and_say_how_little_that_is(bert, tmp_path, cache):
    path = tmp_path / "three.csv"
    path.write_text("text,label\ngood,1\nbad,0\nfine,1\n")
    result = probed(bert, path, cache=cache)
    assert (result.state, result.steps, result.train_size, result.test_size) == ("done", 6, 2, 1)
    assert result.proof.ok
    assert result.interval[1] - result.interval[0] > 0.5


def test_held_out_data_of_one_class_has_an_accuracy_and_no_kappa(bert, tmp_path):
    path = tmp_path / "fold.csv"
    rows = [f"text {i},{i % 2 if i < 12 else 1},{int(i >= 12)}" for i in range(16)]
    path.write_text("\n".join(["text,label,part", *rows]))
    result = probed(bert, path, fold="part", held_out_fold="1", metric="qwk")
    assert result.state == "done"
    assert result.test_size == 4
    assert 0 <= result.accuracy_after <= 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_that_would_be_read_for_ever_is_refused(tmp_path):
    os.mkfifo(tmp_path / "endless.csv")
    with pytest.raises(DataError, match=r"'.*' is no file\. Choose a file"):
        read(ProbeRequest(ModelSource("timm", "resnet18"), FreezeSpec(), data=str(tmp_path / "endless.csv")))
