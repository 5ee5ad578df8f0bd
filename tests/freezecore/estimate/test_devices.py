"""One of several devices: as two real processes take it, and as sentences where nobody could."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import freezecore as fc
from freezecore._estimate.devices import SHARDINGS
from freezecore.cli import main
from freezecore.errors import WorkloadError
from freezecore.workload import CHOICES

WORDS = {"batch": 2, "image_size": 160}
VIT = "timm:test_vit"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ddp", "zero1", "fsdp"])
def test_two_processes_take_what_is_said(kind):
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.devices", kind],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    for case, (measured, said) in json.loads(done.stdout).items():
        assert said == pytest.approx(measured, rel=0.005 if kind == "fsdp" else 0.0002), case


def test_the_more_is_divided_the_less_one_device_takes_and_parts_are_the_whole():
    peaks = {}
    for sharding in SHARDINGS:
        for world in (1, 2, 8, 1000):
            share = fc.per_device(VIT, "train all", world=world, sharding=sharding, **WORDS)
            *_, why = parts = list(share.to_json().values())
            assert sum(parts[3:-1]) == share.peak_bytes and why
            peaks[sharding, world] = share.peak_bytes
    alone = fc.estimate(VIT, "train all", **WORDS).required().peak_bytes
    assert {peaks[sharding, 1] for sharding in SHARDINGS} == {alone}
    assert all(peaks[s, 2] >= peaks[s, 8] for s in SHARDINGS)
    assert peaks["fsdp", 1000] > peaks["fsdp", 8]  # a row of each parameter is the least that a device can have
    assert peaks["ddp", 8] > alone and peaks["ddp", 8] > peaks["zero1", 8] > peaks["fsdp", 8]


def test_what_is_frozen_has_no_bucket_and_no_state_but_is_gathered():
    head = fc.per_device(VIT, "freeze all; train head", world=2, sharding="ddp", **WORDS)
    everything = fc.per_device(VIT, "train all", world=2, sharding="ddp", **WORDS)
    assert head.communication == head.gradients < everything.communication == everything.weights
    sharded = fc.per_device(VIT, "freeze all; train head", world=2, sharding="fsdp", **WORDS)
    assert sharded.communication > 0 and sharded.weights < head.weights


@pytest.mark.parametrize(
    "options", [{}, {"accumulate": 4}, {"trainer": "fastai"}, {"device": "cuda"}, {"checkpointing": True}]
)
def test_every_way_to_train_has_an_answer_on_several_devices(options):
    for sharding in SHARDINGS:
        share = fc.per_device(
            VIT, "freeze all; train blocks:last2 head", world=3, sharding=sharding, **WORDS, **options
        )
        assert share.peak_bytes > 0


@pytest.mark.parametrize("world", [0, -1, 10**6, True, 1.5])
def test_a_world_that_nobody_has_is_a_sentence(world):
    with pytest.raises(fc.FreezeError, match=r"world|whole|int"):
        fc.per_device(VIT, "train all", world=world, **WORDS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--world", "0"], "A world of 0 devices"),
        (["--world", "1000000"], "A world of 1000000 devices"),
        (["--sharding", "fsdp"], "their number is missing"),
    ],
)
def test_bad_worlds_on_the_command_line_are_sentences(capsys, words, told):
    assert main(["estimate", VIT, "--rules", "train all", *words]) == 1
    assert told in capsys.readouterr().err


def test_an_unknown_sharding_is_a_sentence():
    with pytest.raises(WorkloadError, match="no sharding called 'zero4'"):
        fc.per_device(VIT, "train all", world=2, sharding="zero4", **WORDS)


@pytest.mark.parametrize("field", CHOICES)
def test_each_choice_of_a_workload_is_taken_by_name_in_one_call(field):
    for choice in CHOICES[field]:
        assert fc.estimate(VIT, "train all", **WORDS, **{field: choice}).weights > 0, choice
