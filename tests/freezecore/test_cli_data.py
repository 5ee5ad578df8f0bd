"""A person's own data from the command line: looked at first, then read, divided and scored as the flags say."""

import json

import pytest

from freezecore.cli import main


@pytest.fixture
def essays(tmp_path):
    rows = [f'{i},"essay {"good" if i % 3 else "bad"} number {i}",{i % 3},w{i // 4}' for i in range(48)]
    path = tmp_path / "essays.csv"
    path.write_text("\n".join(["id,essay_text,grade,writer", *rows]))
    return path


@pytest.fixture
def bert(tmp_path):
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    (tmp_path / "bert.json").write_text(json.dumps({"model_type": "bert", "vocab_size": 200, **small}))
    return f"config:{tmp_path}/bert.json"


READING = ("--text", "essay_text", "--target", "grade", "--group", "writer")


def lines(capsys, *arguments, code=0):
    assert main([str(argument) for argument in arguments]) == code
    return capsys.readouterr()


def test_data_shows_balance_lengths_and_samples(essays, capsys):
    document = json.loads(lines(capsys, "data", essays, *READING, "--json").out)
    assert [one["name"] for one in document["classes"]] == ["0", "1", "2"]
    assert document["train_size"] + document["test_size"] == 48
    assert document["samples"]
    shown = lines(capsys, "data", essays, *READING).out
    assert "essays.csv: 36 to train on, 12 held out" in shown
    assert "up to 8" in shown
    assert "Only 12 samples are held out" in shown


def test_data_that_is_built_in_needs_no_flags(capsys):
    assert "shapes: 300 to train on, 600 held out" in lines(capsys, "data", "shapes").out


def test_a_column_that_is_not_there_is_a_sentence_with_the_flag(essays, capsys):
    told = lines(capsys, "data", essays, "--target", "grades", code=1).err
    assert "essays.csv has no column 'grades'." in told
    assert "Did you mean 'grade'" in told


def test_a_probe_reads_and_scores_as_asked(essays, bert, capsys):
    asked = ["probe", bert, "--weights", "random", "--data", essays, *READING, "--metric", "qwk", "--steps", "4"]
    asked += ["--rules", "freeze embeddings", "--batch-size", "8", "--sequence-length", "12"]
    told = lines(capsys, *asked, "--json").out.splitlines()
    result = json.loads(told[-1])
    assert (result["metric"], result["train_size"]) == ("qwk", 36)
    assert {"group": "writer", "sequence_length": 12}.items() <= result["request"].items()
    words = lines(capsys, *asked)
    assert "qwk: " in words.out
    assert "became token numbers by hashing" in words.out


def test_an_unknown_metric_names_the_known_ones(capsys):
    told = lines(capsys, "probe", "timm:test_vit", "--weights", "random", "--metric", "f1", code=1).err
    assert "There is no metric called 'f1'." in told


def test_data_reads_tagged_words_and_chats_by_their_task(tmp_path, capsys):
    tagged, chats = tmp_path / "t.conll", tmp_path / "chats.json"
    tagged.write_text("\n\n".join("here O\nParis B-LOC" for _ in range(20)))
    turns = [("human", "weather?"), ("function_call", '{"city": 1}'), ("observation", "27"), ("gpt", "27 degrees")]
    chats.write_text(json.dumps([{"conversations": [{"from": who, "value": what} for who, what in turns]}] * 20))
    document = json.loads(lines(capsys, "data", tagged, "--task", "token-classification", "--json").out)
    assert {one["name"] for one in document["classes"]} == {"B-LOC", "O"}
    document = json.loads(lines(capsys, "data", chats, "--task", "causal-lm", "--json").out)
    assert 'assistant: {"city": 1}' in document["samples"][0]["text"]
