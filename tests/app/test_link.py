import pytest

from app.link import KNOWN, READERS, Link, read_link


def test_a_link_survives_the_way_through_a_url():
    from urllib.parse import parse_qsl

    link = Link(
        model="timm:resnet18",
        rules="freeze all; train head; train type:BatchNorm*",
        batch=8,
        size=96,
        optimizer="sgd",
        precision="bf16-autocast",
        checkpointing=True,
        lang="ja",
        run="abc-_9",
        klass="room1",
        lesson="race",
        guess="head",
        runs="abc-_9,def",
    )
    assert read_link(dict(parse_qsl(link.query()))) == (link, ())


def test_a_fresh_page_has_a_short_link():
    assert Link().query() == "model=timm:tf_efficientnet_lite0"


def test_rules_stay_readable_in_the_link():
    text = Link(rules="freeze all; train head").query()
    assert text == "model=timm:tf_efficientnet_lite0&rules=freeze+all;+train+head"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("model", "resnet18"),
        ("model", "timm:" + "x" * 10_000),
        ("model", "ftp:resnet18"),
        ("model", "timm:a\x00b"),
        ("rules", "freeze all " * 1_000),
        ("rules", "freeze\x1ball"),
        ("batch", "0"),
        ("batch", "-1"),
        ("batch", "1e9"),
        ("batch", "９"),
        ("batch", "9" * 5_000),
        ("size", "0"),
        ("optimizer", "<script>"),
        ("precision", "fp4"),
        ("task", "anything"),
        ("lang", "xx"),
        ("run", "../../etc/passwd"),
        ("runs", "abc,../def"),
        ("runs", ",".join("abcdefghi")),
        ("class", "a" * 81),
        ("checkpointing", "yes"),
    ],
)
def test_what_cannot_be_used_is_ignored_by_name(name, text):
    assert read_link({name: text, "batch": "16"} if name != "batch" else {name: text}) in [
        (Link(batch=16), (name,)),
        (Link(), (name,)),
    ]


def test_an_unknown_field_is_named_and_cut():
    link, ignored = read_link({"x" * 500: "1", "model": "timm:resnet18"})
    assert link == Link(model="timm:resnet18")
    assert [len(name) for name in ignored] == [30]


def test_every_field_has_a_reader():
    assert set(READERS) == KNOWN


@pytest.mark.parametrize(
    ("query", "card", "device"),
    [
        ({}, "t4-16", "cuda"),
        ({"card": "p100-16"}, "p100-16", "cuda"),
        ({"card": "cpu"}, "cpu", "cpu"),
        ({"device": "cuda"}, "t4-16", "cuda"),  # as links were written before cards
        ({"device": "cpu"}, "cpu", "cpu"),
        ({"card": "l4-24", "device": "cpu"}, "l4-24", "cuda"),
    ],
)
def test_a_link_names_a_card_which_brings_its_kernels_and_older_links_still_open(query, card, device):
    link, ignored = read_link(query)
    assert (link.card, link.device, ignored) == (card, device, ())
