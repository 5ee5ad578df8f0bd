"""Data for probes: built in, and a person's own with its limits; what cannot be read is named by file and row."""

import io
import sys
import types
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from freezecore.errors import DataError
from freezecore.probe import ProbeRequest
from freezecore.runtime.data import docstrings, folders, parquet
from freezecore.runtime.data.preview import preview
from freezecore.runtime.data.read import read
from freezecore.runtime.data.split import split
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

SOURCE = ModelSource.parse("timm:resnet18")


def asked(data, **more):
    return ProbeRequest(SOURCE, FreezeSpec(), data=str(data), **more)


def written(path, rows, **more):
    pd.DataFrame(rows).to_csv(path, index=False, **more)
    return path


def zipped(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def png(colour=(200, 30, 30), size=(20, 30)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def test_shapes_are_the_same_in_every_run_and_of_every_class():
    one, other = (read(asked("shapes", train_size=40, test_size=20)) for _ in range(2))
    assert torch.equal(one.images.at(range(60), 64), other.images.at(range(60), 64))
    assert np.bincount(one.targets[one.train]).tolist() == [4] * 10
    assert not set(one.train) & set(one.test)
    assert one.images.at([0, 5], 96).shape == (2, 3, 96, 96)


def test_digits_have_as_many_samples_as_they_have():
    digits = read(asked("digits"))
    assert (len(digits.train), len(digits.test)) == (300, 600)
    with pytest.raises(DataError, match=r"digits has 1,797 samples, not 2,600\."):
        read(asked("digits", train_size=2000))


def test_docstrings_do_not_name_their_library():
    raw = read(asked("docstrings", train_size=80, test_size=80))
    assert 2 <= len(raw.classes) <= docstrings.CLASSES
    assert len(set(raw.texts)) == len(raw.texts)
    for i, text in enumerate(raw.texts):
        assert raw.classes[raw.targets[i]].lower() not in text.lower().split()


def test_a_table_of_texts_is_divided_with_its_classes_in_proportion(tmp_path):
    rows = [{"review": f"text {i}", "sentiment": "good" if i % 4 else "bad"} for i in range(80)]
    raw = read(asked(written(tmp_path / "r.csv", rows)))
    assert raw.classes == ("bad", "good")
    assert (len(raw.train), len(raw.test)) == (60, 20)
    assert np.bincount(raw.targets[raw.test]).tolist() == [5, 15]


def test_a_row_of_names_longer_than_is_read_is_not_counted(tmp_path):
    (data := tmp_path / "wide.csv").write_text(",".join(f"column{i}" for i in range(200_000)) + "\n")
    with pytest.raises(DataError, match="it has more than 5,000 columns"):
        read(asked(data))


def test_fewer_samples_than_there_are_is_told(tmp_path):
    rows = [{"text": "so it goes", "label": "late" if i >= 3000 else "early"} for i in range(6000)]
    data = written(tmp_path / "many.csv", rows)
    assert read(asked(data)).notes == ("5,000 of its 6,000 samples are taken, drawn at random.",)
    assert not read(asked(data, train_size=300)).notes


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_each_kind_of_table_gives_the_same_samples(tmp_path, suffix):
    frame = pd.DataFrame({"text": [f"a, {i}\nb" for i in range(12)], "label": [i % 3 for i in range(12)]})
    path = tmp_path / f"t{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="," if suffix == ".csv" else "\t")
    raw = read(asked(path))
    assert raw.texts[3] == "a, 3\nb"
    assert raw.classes == ("0", "1", "2")


def test_fractions_are_values_and_pairs_are_read(tmp_path):
    rows = [{"sentence1": f"a {i}", "sentence2": f"b {i}", "score": i / 7} for i in range(12)]
    raw = read(asked(written(tmp_path / "p.csv", rows)))
    assert raw.target == "value"
    assert raw.pairs[4] == "b 4"


def test_whole_numbers_are_classes_or_values_as_the_metric_says(tmp_path):
    path = written(tmp_path / "s.csv", [{"text": f"t{i}", "score": i % 5} for i in range(20)])
    assert read(asked(path)).target == "class"
    assert read(asked(path, metric="rmse")).target == "value"


def test_a_group_is_never_divided_and_a_fold_is_held_out(tmp_path):
    rows = [{"text": f"t{i}", "label": i % 2, "who": f"p{i // 4}", "kfold": i % 5} for i in range(40)]
    path = written(tmp_path / "g.csv", rows)
    raw = read(asked(path, group="who"))
    assert not {i // 4 for i in raw.train} & {i // 4 for i in raw.test}
    assert len(raw.test) >= 10
    assert {i % 5 for i in read(asked(path, fold="kfold", held_out_fold="3")).test} == {3}


GAP = [{"text": "a", "label": 1}, {"text": None, "label": 0}, {"text": "c", "label": None}]
FOLDS = [{"text": "a", "label": i % 2, "f": 0} for i in range(6)]
ENDLESS = [{"text": "a", "score": float("inf")}, *[{"text": "b", "score": 0.5}] * 4]


@pytest.mark.parametrize(
    ("rows", "more", "problem"),
    [
        (GAP[:2] * 2, {}, "Row 2 of d.csv has nothing in the column 'text', nor in 1 more"),
        (GAP[:1] * 2 + GAP[2:], {}, "Row 3 of d.csv has nothing in the column 'label'"),
        ([{"text": f"{i}", "label": "one"} for i in range(9)], {}, "'label' of d.csv: every row has 'one'"),
        ([{"text": "a", "label": 0}, {"text": "b", "label": 1}], {}, r"d.csv has 2 samples\."),
        ([{"words": "a", "label": 0}] * 4, {}, r"d.csv has no column that looks like text: it has words, label\."),
        ([{"text": "a", "labl": 0}] * 4, {"target": "label"}, r"d.csv has no column 'label'\."),
        (FOLDS, {"fold": "f", "held_out_fold": "9"}, "d.csv has no fold '9'"),
        (FOLDS, {"fold": "f"}, "No sample of d.csv is left to train on"),
        (ENDLESS, {}, "Row 1 of d.csv has no finite number"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_by_row(tmp_path, rows, more, problem):
    with pytest.raises(DataError, match=problem):
        read(asked(written(tmp_path / "d.csv", rows), **more))


@pytest.mark.parametrize("names", ("", "kind\tmessage\n"))
def test_a_table_without_a_row_of_names_is_told_to_lose_its_first_row(tmp_path, names):
    rows = [f"{'spam' if i % 5 == 0 else 'ham'}\tmessage {i}" for i in range(20)]
    path = tmp_path / "sms.tsv"
    path.write_text(names + "\n".join(rows))
    target, text = ("kind", "message") if names else ("spam", "message 0")
    raw = read(asked(path, target=target, text=text))
    assert len(raw.texts) == (20 if names else 19)
    assert any("its first row was taken for one" in str(note) for note in raw.notes) is not bool(names)


def test_three_rows_are_enough_to_begin(tmp_path):
    raw = read(asked(written(tmp_path / "d.csv", [{"text": f"{i}", "label": i % 2} for i in range(3)])))
    assert (len(raw.train), len(raw.test)) == (2, 1)
    assert "Only 1 samples are held out" in preview(asked(tmp_path / "d.csv")).notes[0]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"text,label\n\xff\xfe\xfa,1\n", "a.csv is not UTF-8"),
        ("a.parquet", b"not parquet at all", "a.parquet cannot be read as Parquet"),
        ("a.zip", b"not a zip", "a.zip cannot be read as a zip"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_named(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=problem):
        read(asked(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "problem", "hint"),
    [
        ("shape", "no data called 'shape'", "Did you mean 'shapes'"),
        ("nowhere.csv", "no file 'nowhere.csv'", "Check its path"),
        ("weights.bin", "no data called 'weights.bin'", "docstrings"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(name, problem, hint):
    with pytest.raises(DataError, match=problem) as caught:
        read(asked(name))
    assert hint in caught.value.hint


def test_a_zip_of_class_folders_is_read_and_the_rest_left_out(tmp_path):
    members = {f"pets/{of}/{i}.png": png() for of in ("cat", "dog") for i in range(8)}
    members |= {"pets/readme.txt": "hello", "__MACOSX/pets/cat/._0.png": "junk"}
    raw = read(asked(zipped(tmp_path / "pets.zip", members)))
    assert raw.classes == ("cat", "dog")
    assert len(raw.test) == 4
    assert raw.notes == ("2 files of pets.zip that are no pictures were left out.",)
    assert raw.images.at([0], 16)[0, :, 8, 8].tolist() == [200, 30, 30]


def test_folders_named_test_are_held_out(tmp_path):
    members = {f"{part}/{of}/{i}.png": png() for part in ("train", "test") for of in "ab" for i in range(3)}
    raw = read(asked(zipped(tmp_path / "d.zip", members)))
    assert [raw.images.members[i].split("/")[0] for i in raw.test] == ["test"] * 6


def test_a_folder_of_pictures_beside_those_of_the_parts_is_no_class(tmp_path):
    members = {f"set/{part}_set/{of}/{i}.png": png() for part in ("training", "test") for of in "ab" for i in range(3)}
    raw = read(asked(zipped(tmp_path / "d.zip", members | {"set/single_prediction/1.png": png()})))
    assert raw.classes == ("a", "b")
    assert raw.notes == ("1 picture without a class in 'single_prediction' of d.zip: left out.",)


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"a/1.png": b"x", "1.png": b"x"}, r"'1.png' in d.zip lies in no class's folder"),
        ({"a/1.png": b"x", "a/2.png": b"x"}, r"d.zip has one class alone, 'a'"),
        ({"a/notes.txt": b"x"}, r"None of the 1 files of d.zip is a picture"),
        (
            {"train/1.png": b"x", "val/2.png": b"x"},
            r"No folder of d.zip is a class: its 2 pictures lie in 'train', 'val'",
        ),
        ({"1.png": b"x", "2.png": b"x"}, r"The 2 pictures of d.zip lie in no folder"),
    ],
)
def test_a_zip_without_classes_says_what_it_needs(tmp_path, members, problem):
    with pytest.raises(DataError, match=problem):
        read(asked(zipped(tmp_path / "d.zip", members)))


def test_a_broken_picture_is_named(tmp_path):
    members = {f"{of}/{i}.png": png() for of in "ab" for i in range(4)} | {"b/9.jpg": b"broken"}
    raw = read(asked(zipped(tmp_path / "d.zip", members)))
    with pytest.raises(DataError, match=r"'b/9.jpg' in d.zip cannot be read as a picture"):
        raw.images.at([raw.images.members.index("b/9.jpg")], 16)


def test_a_zip_bomb_is_refused_before_it_is_opened(tmp_path):
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for of in "ab":
            archive.writestr(f"{of}/0.png", bytes(20_000_000))
    with pytest.raises(DataError, match=r"unpacks from .* to 40 MB"):
        read(asked(path))


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(tmp_path, monkeypatch):
    monkeypatch.setattr("freezecore.runtime.data.pictures.MOST_PIXELS", 500)
    raw = read(asked(zipped(tmp_path / "d.zip", {f"{of}/{i}.png": png() for of in "ab" for i in range(4)})))
    with pytest.raises(DataError, match="20 × 30 pixels"):
        raw.images.at([0], 16)


def test_too_many_files_and_rows_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MOST_FILES", 3)
    with pytest.raises(DataError, match="holds 8 files"):
        read(asked(zipped(tmp_path / "d.zip", {f"{of}/{i}.png": png() for of in "ab" for i in range(4)})))
    monkeypatch.setattr(parquet, "MOST_ROWS", 3)
    path = tmp_path / "t.parquet"
    pd.DataFrame({"text": list("abcdef"), "label": [0, 1] * 3}).to_parquet(path)
    with pytest.raises(DataError, match="has 6 rows"):
        read(asked(path))


def test_a_hub_data_set_without_its_library_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="needs the package 'datasets'"):
        read(asked("hub:stanfordnlp/imdb"))


def test_a_hub_data_set_is_streamed_through_its_library(monkeypatch):
    class Stream(list):
        def shuffle(self, **_):
            return self

    def load_dataset(path, config, split, streaming):
        assert (path, config, split, streaming) == ("nyu-mll/glue", "sst2", "train", True)
        return Stream({"sentence": f"s{i}", "label": i % 2} for i in range(40))

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    raw = read(asked("hub:nyu-mll/glue:sst2", train_size=10, test_size=5))
    assert (len(raw.train), len(raw.test)) == (10, 5)


def test_a_hub_that_breaks_off_is_a_sentence(monkeypatch):
    def load_dataset(*_, **__):
        raise ConnectionError("reset by peer")

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    with pytest.raises(DataError, match=r"is not available \(ConnectionError: reset by peer\)"):
        read(asked("hub:imdb"))


def test_groups_and_classes_are_divided_the_same_way_each_time():
    targets = np.arange(100) % 3
    one, other = (split(targets, by_class=True, name="d") for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_parts_inside_the_classes_folders_say_what_is_held_out(tmp_path):
    members = {f"{of}/{part}/{i}.png": png() for part in ("train", "val") for of in ("cat", "dog") for i in range(3)}
    raw = read(asked(zipped(tmp_path / "d.zip", members)))
    assert raw.classes == ("cat", "dog")
    assert [raw.images.members[i].split("/")[1] for i in raw.test] == ["val"] * 6


def test_few_rows_without_a_text_or_a_label_are_left_out_and_counted(tmp_path):
    rows = [(f"words {i}", "12"[i % 2]) for i in range(40)]
    rows[7], rows[30] = ("", "1"), ("words", "")
    path = tmp_path / "d.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    raw = read(asked(path))
    theirs = pd.read_csv(path).dropna(subset=["text", "label"])  # as an exported script reads it
    assert raw.texts == tuple(theirs["text"])
    assert raw.classes == ("1", "2")
    assert [int(raw.classes[i]) for i in raw.targets] == theirs["label"].tolist()
    assert raw.notes[0] == "2 of 40 rows of d.csv have nothing in 'label', 'text' and are left out, row 8 first."
