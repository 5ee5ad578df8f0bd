"""`sweep`, `find` and `suggest` as typed: documented fields, tables for people, one sentence for each problem."""

import json
import signal
from pathlib import Path

import pytest

from freezecore.cli import main
from freezecore.cli.output import stoppable

TINY = f"config:{Path(__file__).with_name('runtime') / 'tiny_vit.json'}"
HOW = ["--weights", "random", "--task", "image-classification", "--data", "digits", "--steps", "2", "--batch-size", "8"]


def lines_of(capsys, *arguments: str) -> list[dict]:
    assert main([*arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_sweep_streams_its_runs_and_ends_with_all_of_them(capsys):
    rules = ["freeze all; train head", "freeze embeddings"]
    lines = lines_of(capsys, "sweep", TINY, *HOW, "--rules", rules[0], "--rules", rules[1])
    assert [line["rules"] for line in lines if line["event"] == "run"] == rules
    result = lines[-1]
    assert {"runs", "pareto", "seconds", "best", "as_good"} <= set(result)
    assert {"rules", "accuracy_after", "spread", "peak_bytes", "step_s"} <= set(result["runs"][0])


def test_a_sweep_is_a_table_with_what_is_noise_said_to_be_none(capsys):
    assert main(["sweep", TINY, *HOW, "--rules", "freeze all; train head", "--rules", "freeze embeddings"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0].split() == ["accuracy", "peak", "step", "rules"]
    assert "=  as good as the best: the difference is within the noise (" in shown.out
    assert "One seed alone: --seeds 3 shows how much of a difference is chance." in shown.out
    assert shown.err.splitlines()[-1].startswith("  2/2  ")


def test_find_ends_with_a_recommendation_and_its_cost(capsys, monkeypatch):
    monkeypatch.setattr("freezecore.runtime.search.find.FACTORS", (1.0,))  # so that it soon has nothing left to try
    monkeypatch.setattr("freezecore.search.halving.MOST_SEEDS", 1)
    lines = lines_of(capsys, "find", TINY, *HOW, "--minutes", "5", "--budget", "330kB")
    documented = {"rules", "accuracy_after", "runner_up", "tried", "seconds", "peak_bytes", "wins", "within_noise"}
    assert documented <= set(lines[-1])
    assert lines[-1]["tried"] == len([line for line in lines if line["event"] == "trial"])


def test_suggestions_are_one_document_and_one_table(capsys):
    (document,) = lines_of(capsys, "suggest", TINY, *HOW, "--budget", "400kB")
    assert [one["by"] for one in document["suggestions"]] == ["features", "gradients", "snr", "budget"]
    assert {"rules", "why", "peak_bytes", "score"} <= set(document["suggestions"][0])
    assert main(["suggest", TINY, *HOW, "--by", "snr"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].split() == ["by", "score", "peak", "fits", "rules"]
    assert "\nsnr: The matrices of " in shown


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        (["find", "--minutes", "0"], "0 minutes are out of range.", "Choose between 0.1 and 1440."),
        (["find", "--minutes", "1", "--budget", "lots"], "'lots' is no amount of memory.", "16GB"),
        (["find", "--minutes", "1", "--budget", "1kB"], "selections fits in 1 kB: the smallest", "a larger budget"),
        (["sweep", "--over", "nonsense"], "A sweep cannot go over 'nonsense'.", "Choose depth, presets, rank."),
        (["sweep", "--seeds", "0"], "0 seeds are out of range.", "Choose between 1 and 20."),
        (["sweep", "--over", ","], "There is nothing to sweep over.", "rules of your own"),
        (["sweep", "--data", "nowhere"], "There is no data called 'nowhere'.", "digits"),
        (["suggest", "--by", "nonsense"], "There is no suggestion by 'nonsense'.", "Choose features, gradients, snr."),
        (["suggest", "--by", ","], "There is no way to look, and no budget.", "or a budget"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_problem_is_a_sentence_and_a_hint(arguments, problem, hint, capsys):
    assert main([arguments[0], TINY, *HOW, *arguments[1:]]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert problem in shown.err
    assert hint in shown.err
    assert "Traceback" not in shown.err


def test_the_first_interrupt_asks_to_stop_and_the_second_ends_at_once(capsys):
    before = signal.getsignal(signal.SIGINT)
    with stoppable() as should_stop:
        assert not should_stop()
        signal.raise_signal(signal.SIGINT)
        assert should_stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert "Stopping" in capsys.readouterr().err
