from app.parts.difference import cover
from freezecore.tree import Layer, LayerTree, Parameter

TREE = LayerTree(
    "timm:x",
    (
        Layer("", "Net"),
        Layer("body", "Body"),
        Layer("body.0", "Block"),
        Layer("body.1", "Block"),
        Layer("head", "Linear"),
    ),
    tuple(Parameter(f"{owner}.{part}", owner, (2,)) for owner in ("body.0", "body.1", "head") for part in ("w", "b")),
)


def test_whole_modules_stand_for_what_they_hold():
    assert cover(TREE, (True, True, True, True, False, True)) == ("body", "head.b")
    assert cover(TREE, (False, False, True, True, True, True)) == ("body.1", "head")
    assert cover(TREE, (False,) * 6) == ()
