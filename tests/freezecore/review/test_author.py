"""Findings about the model's own state, each found and each silent."""

from tests.freezecore.review.cases import marked, mends, reviewed
from tests.freezecore.samples import load


def frozen_by_author() -> str:
    return next(p.name for p in load("whisper").parameters if p.frozen_by_author)


def test_what_the_author_froze_is_named():
    finding = reviewed("whisper", "train all")["author-frozen"]
    assert (finding.severity, finding.layers) == ("note", (frozen_by_author(),))
    assert "author-frozen" not in reviewed("bert", "train all")
    assert "author-frozen" not in reviewed("whisper", "freeze all")


def test_training_what_the_author_froze_is_a_warning():
    name = frozen_by_author()
    assert reviewed("whisper", f"train {name}")["author-frozen-trains"].layers == (name,)
    assert mends("whisper", f"train {name}", "author-frozen-trains")
    assert "author-frozen-trains" not in reviewed("whisper", "train all")


def test_weights_in_fp16_should_not_train():
    tree = marked(load("bert"), "classifier", dtype="float16")
    assert reviewed(tree, "freeze all; train head")["half-weights"].facts["count"] == "2"
    assert "half-weights" not in reviewed(tree, "freeze head")
    assert "half-weights" not in reviewed(marked(tree, "classifier", dtype="bfloat16"), "")
