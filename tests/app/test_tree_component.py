"""The layer tree's Python half: what it sends, what it reads back, and what it refuses."""

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from app.components.scripts import script
from app.components.tree import HERE, MODULES, tree_strings
from app.components.tree.bits import decode, encode
from app.components.tree.packed import AUTHOR, BLOCK, FUSED, HEAD, INPUT, NEW, SECTION, SHARED, TIED, pack
from app.text import LANGUAGES
from freezecore.tree import PARTS, Layer, LayerTree, Parameter, Part, Tower
from tests.browser.apps.trees import bert, experts, resnet, sees
from tests.browser.tree_room import APP

SCRIPT = script(HERE / "js", MODULES)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 24, 62, 5000])
def test_ticks_survive_the_way_to_the_browser_and_back(count):
    trains = tuple(i % 3 == 0 for i in range(count))
    assert decode(encode(trains), count) == trains


def test_62_parameters_travel_as_11_characters():
    assert encode([True] + [False] * 61) == "AQAAAAAAAAA"


@pytest.mark.parametrize(
    "hostile",
    [
        None,
        7,
        ["AQAAAAAAAAA"],
        "",
        "AQAAAAAAAA",
        "AQAAAAAAAAA=",
        "AQAAAAAAAA\x00",
        "AQAAAAAAAA+",
        "ÀQAAAAAAAAA",
        "________9_8",  # a bit beyond the 62nd
        "A" * 100_000,
    ],
)
def test_what_no_tree_would_send_is_refused(hostile):
    assert decode(hostile, 62) is None


def test_rows_stand_in_the_order_of_reading_with_each_parameter_once():
    tree = resnet()
    rows = pack(tree)
    assert rows.paths[:6] == ("conv1", "conv1.weight", "bn1", "bn1.weight", "bn1.bias", "layer1")
    assert set(tree.index) < set(rows.paths)
    assert len(set(rows.paths)) == len(rows.paths) == 118


def test_every_name_of_a_tied_tensor_has_a_row_of_the_same_parameter():
    tree = bert()
    rows = pack(tree)
    at, leaves = rows.at, parameters_of(rows.data)
    for name in ("bert.embeddings.word_embeddings.weight", "cls.decoder.weight"):
        assert leaves[at[name]] == 0
        assert rows.data["flags"][at[name]] & TIED


def test_marks_of_modules_and_parameters_travel():
    tree = bert()
    rows = pack(tree)
    flags = dict(zip(rows.paths, rows.data["flags"], strict=True))
    assert flags["bert.encoder.layer.1"] == BLOCK
    assert flags["bert.embeddings"] == INPUT
    assert flags["cls"] == HEAD
    assert flags["bert.embeddings.position_embeddings.weight"] == AUTHOR
    assert flags["bert.encoder.layer.0.attention.qkv.bias"] == FUSED
    assert flags["cls.transform.weight"] == NEW


def test_a_module_used_twice_says_so_and_parameters_of_the_root_stand_first():
    shared = LayerTree(
        "odd",
        layers=(Layer("", "Odd"), Layer("body", "Body", uses=12), Layer("empty", "Dropout")),
        parameters=(Parameter("cls_token", "", (1, 1, 8)), Parameter("body.scale", "body", ())),
        towers=(Tower("", ""),),
    )
    rows = pack(shared)
    assert rows.paths == ("cls_token", "body", "body.scale")
    assert rows.data["flags"][1] == SHARED and rows.data["uses"] == {"1": 12}
    assert [rows.data["labels"][i] for i in rows.data["label"]] == ["1×1×8", "Body", ""]


def test_a_model_of_several_parts_is_a_section_for_each_with_what_is_wholly_its_own():
    tree = sees()
    rows = pack(tree)
    tops = [path for path, depth in zip(rows.paths, rows.data["depth"], strict=True) if depth < 2]
    assert tops == [
        *("part:vision", "model.visual.patch_embed", "model.visual.blocks"),
        *("part:projector", "model.visual.merger"),
        *("part:language", "model.language_model", "lm_head"),
    ]
    flags = dict(zip(rows.paths, rows.data["flags"], strict=True))
    assert [path for path in rows.paths if flags[path] & SECTION and not path.count(".")] == tops[0:1] + tops[
        3:4
    ] + tops[5:6]
    leaves = [p for p in parameters_of(rows.data) if p >= 0]
    assert len(leaves) == len(tree.parameters) + 1 and set(leaves) == set(range(len(tree.parameters)))  # one is tied


def test_what_is_said_of_a_module_that_two_parts_share_stands_in_both():
    rows = pack(sees())
    assert [rows.paths[i] for i in rows.standing_for("model.visual.merger")] == ["model.visual.merger"]
    assert [rows.paths[i] for i in rows.standing_for("model.visual")] == [
        *("model.visual.patch_embed", "model.visual.blocks", "model.visual.merger")
    ]


def test_a_module_called_as_a_part_is_has_the_long_rule_beside_the_section():
    layers = (Layer("", "Two"), Layer("vision", "Eye"), Layer("text", "Words"))
    leaves = tuple(Parameter(f"{path}.w", path, (2,)) for path in ("vision", "text"))
    parts = (Part("vision", ("vision",)), Part("language", ("text",)))
    rows = pack(LayerTree("two", layers, leaves, towers=(Tower("", ""),), parts=parts))
    assert rows.paths == ("part:vision", "vision", "vision.w", "part:language", "text", "text.w")
    assert [rows.data["labels"][rows.data["label"][i]] for i in (0, 3)] == ["part:vision", "language"]


def test_5000_parameters_fit_into_300_kB():
    rows = pack(experts())
    assert len(json.dumps(rows.data)) + len(SCRIPT) < 300_000


def test_every_language_has_the_sentences_that_the_script_asks_for():
    asked = set(re.findall(r"strings\.(\w+)", SCRIPT)) | {"lang"}
    asked |= {f"column_{name}" for name in ("state", "layer", "label", "count", "bar", "price")}
    asked |= {f"legend_{state}" for state in ("trains", "frozen", "mixed")}
    asked |= {"tied", "fused", "author", "new", "first", "last", "trains", "frozen", "mixed"}
    asked |= {f"{mark}_why" for mark in ("tied", "fused", "author", "new", "first", "last")}
    asked |= {f"part_{part}" for part in PARTS}
    optional = {f"column_{name}_why" for name in ("layer", "bar", "price")}
    for lang in LANGUAGES:
        assert set(tree_strings(lang)) == asked | optional, lang


def test_the_script_is_one_text_of_all_modules_and_leaves_no_import():
    assert {*MODULES, "notebook"} == {file.stem for file in (HERE / "js").glob("*.js")}  # which a notebook alone loads
    assert not re.search(r"^(import|export (?!default))", SCRIPT, flags=re.MULTILINE)
    declared = re.findall(r"^(?:const|class|function) (\w+)", SCRIPT, flags=re.MULTILINE)
    assert len(declared) == len(set(declared)), "two modules declare the same name"


@pytest.fixture
def app():
    page = AppTest.from_file(str(APP), default_timeout=30).run()
    assert not page.exception
    return page


def ticks(trains, sequence=1, **other):
    return {"ticks": {"tree": resnet().fingerprint, "bits": encode(trains), "sequence": sequence, **other}}


def sent(app, part):
    found = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    parts = [one for data in found for one in data.get("parts", ())]
    return next(one for one in parts if one["part"] == part)


def test_the_page_sends_the_masks_ticks(app):
    assert decode(sent(app, "ticks")["bits"], 62)[-2:] == (True, True)
    assert sent(app, "ticks")["sequence"] == 0
    nothing = {"channel": "tree", "part": "annotations", "tree": resnet().fingerprint, "prices": {}, "marks": []}
    assert sent(app, "annotations") == nothing


def test_a_state_set_by_hand_is_given_back_once(app):
    app.session_state["tree-feed"] = ticks([True] * 62, sequence=4)
    app.run()
    assert not app.exception
    assert sent(app, "ticks")["sequence"] == 4
    assert app.metric[0].value == "1"
    assert app.metric[1].value == "62"
    app.run()
    assert app.metric[0].value == "1"


@pytest.mark.parametrize(
    "hostile",
    [
        ticks([True] * 70),
        ticks([True] * 62, sequence=True),
        ticks([True] * 62, sequence=-1),
        ticks([True] * 62, sequence=2**60),
        ticks([True] * 62, sequence="9"),
        ticks([True] * 62, tree="another"),
        {"ticks": "text"},
        {"ticks": None},
    ],
)
def test_hostile_states_leave_everything_as_it_was(app, hostile):
    app.session_state["tree-feed"] = hostile
    app.run()
    assert not app.exception
    assert sent(app, "ticks")["sequence"] == 0
    assert app.metric[1].value == "2"


def parameters_of(data):
    found, expected = [], 0
    for leaf in data["leaf"]:
        found.append(-1 if leaf == 0 else expected if leaf == 1 else leaf - 2)
        expected = found[-1] + 1 if leaf else expected
    return found
