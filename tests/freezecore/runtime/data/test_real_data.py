"""Tables and pictures as people really have them: values as the file has them, and nothing cut without a sentence."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from freezecore.errors import DataError
from freezecore.probe import ProbeRequest
from freezecore.runtime.data import csv_dialect
from freezecore.runtime.data.folders import part_of
from freezecore.runtime.data.preview import preview
from freezecore.runtime.data.read import read
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

DATA = Path(__file__).parents[3] / "data"
SOURCE = ModelSource.parse("timm:resnet18")


def asked(path, **more):
    return ProbeRequest(SOURCE, FreezeSpec(), data=str(path), **more)


def file(folder, text, name="t.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("table", "classes"), [("stance", ("Against", "Favor", "None")), ("country", ("DE", "FR", "NA"))]
)
def test_a_class_may_be_called_none_or_na(table, classes):
    raw = read(asked(DATA / "tables" / f"{table}.csv"))
    assert raw.classes == classes
    assert np.bincount(raw.targets).tolist() == [30, 30, 30]


def test_a_text_may_be_n_a():
    assert read(asked(DATA / "tables" / "replies.csv")).texts.count("N/A") == 3


def test_an_empty_value_is_a_gap_and_named(tmp_path):
    with pytest.raises(DataError, match="Row 2 of t.csv has nothing in the column 'label'"):
        read(asked(file(tmp_path, "text,label\na,x\nb,\nc,y\nd,x\n")))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_and_told_where_it_is_unusual(tmp_path, separator):
    lines = [separator.join(("label", "text")), *(separator.join((f"c{i % 2}", "one. two")) for i in range(20))]
    raw = read(asked(file(tmp_path, "\n".join(lines))))
    assert raw.classes == ("c0", "c1")
    assert bool(raw.notes) == (separator != ",")


def test_commas_in_texts_do_not_make_them_the_separator(tmp_path):
    rows = "\n".join(f"a, b, c {i}; and;{i % 2}" if i == 99 else f"a, b, c, {i};{i % 2}" for i in range(30))
    assert read(asked(file(tmp_path, f"text;label\n{rows}"))).texts[3] == "a, b, c, 3"


def test_a_decimal_comma_is_a_number_and_told(tmp_path):
    rows = "\n".join(f"text {i};{i},5" for i in range(40))
    raw = read(asked(file(tmp_path, f"text;score\n{rows}")))
    assert raw.target == "value"
    assert raw.targets[3] == 3.5
    assert "Its numbers have a decimal comma." in raw.notes


THOUSANDS = {
    "commas": (",", lambda i: f'"{1000 + i},{i:03}.50"', lambda i: (1000 + i) * 1000 + i + 0.5),
    "commas without a fraction": (",", lambda i: f'"{i + 1},250"', lambda i: (i + 1) * 1000 + 250),
    "some rows": (
        ",",
        lambda i: f'"{i},000.25"' if i > 20 else f"{i}.25",
        lambda i: (i * 1000 if i > 20 else i) + 0.25,
    ),
    "points and a decimal comma": (";", lambda i: f"{i + 1}.000,5", lambda i: (i + 1) * 1000 + 0.5),
    "two points": (";", lambda i: f"1.000.{100 + i}", lambda i: 1000100 + i),
    "spaces": (";", lambda i: f"{i + 1} 000,75", lambda i: (i + 1) * 1000 + 0.75),
    "spaces that do not break": ("\t", lambda i: f"{i + 1}\N{NO-BREAK SPACE}000", lambda i: (i + 1) * 1000),
    "apostrophes": (",", lambda i: f"{i + 1}'000.5", lambda i: (i + 1) * 1000 + 0.5),
}


@pytest.mark.parametrize("how", THOUSANDS)
def test_marks_between_thousands_are_read_and_told(tmp_path, how):
    separator, written, value = THOUSANDS[how]
    rows = "\n".join(f"text {i}{separator}{written(i)}" for i in range(60))
    raw = read(asked(file(tmp_path, f"text{separator}score\n{rows}")))
    assert raw.target == "value"
    assert raw.targets.tolist() == [value(i) for i in range(60)]
    assert any("between thousands" in note for note in raw.notes)


@pytest.mark.parametrize("label", ["192.168.{}.1", "0{} 123 456", "{},5,7", "1.{}", "{}-000"])
def test_what_only_looks_like_thousands_has_no_mark_between_them(tmp_path, label):
    rows = "\n".join(f"text {i}\t{label.format(i % 3)}" for i in range(60))
    raw = read(asked(file(tmp_path, f"text\tscore\n{rows}")))
    assert not any("thousands" in note for note in raw.notes)


@pytest.mark.parametrize("value", ["${}.50", "{} km", "low{}", "{}%"])
def test_a_metric_of_numbers_on_a_column_that_holds_none_is_a_sentence(tmp_path, value):
    rows = "\n".join(f"text {i},{value.format(i % 9)}" for i in range(60))
    with pytest.raises(DataError, match="holds no numbers"):
        read(asked(file(tmp_path, f"text,score\n{rows}"), metric="rmse"))


@pytest.mark.parametrize("separator", [";", "^"])
def test_a_line_that_names_the_separator_is_no_row(tmp_path, separator):
    rows = "\n".join(f"text {i}{separator}{i % 2}" for i in range(9))
    raw = read(asked(file(tmp_path, f"sep={separator}\ntext{separator}label\n{rows}")))
    assert len(raw.texts) == 9
    assert {";": "semicolons", "^": "'^'"}[separator] in raw.notes[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_as_spreadsheets_write_it_is_read(tmp_path, encoding):
    rows = "\n".join(f"naïve {i},{i % 2}" for i in range(9))
    assert read(asked(file(tmp_path, f"text,label\n{rows}", encoding=encoding))).texts[0] == "naïve 0"


def test_a_table_of_tabs_with_lone_quotes_keeps_its_rows(tmp_path):
    texts = [f'"{i} inches' if i % 7 == 0 else f'the "{i}th" one' for i in range(60)]
    rows = "\n".join(f"{i % 2}\t{text}" for i, text in enumerate(texts))
    raw = read(asked(file(tmp_path, f"label\ttext\n{rows}", "t.tsv")))
    assert list(raw.texts) == texts
    assert "Quotes in it do not come in pairs" in raw.notes[0]


def test_a_line_that_names_the_separator_has_no_columns_to_count(tmp_path):
    texts = [f'"{i} inches' if i % 7 == 0 else f'the "{i}th" one' for i in range(60)]
    rows = "\n".join(f"{i % 2}\t{i}\t{text}" for i, text in enumerate(texts))
    raw = read(asked(file(tmp_path, f"sep=\t\nlabel\tid\ttext\n{rows}")))
    assert list(raw.texts) == texts


def test_quoted_values_with_line_ends_are_one_row_each(tmp_path):
    rows = "\n".join(f'"a, {i}\nb ""c""",{i % 2}' for i in range(12))
    raw = read(asked(file(tmp_path, f"text,label\n{rows}")))
    assert raw.texts[5] == 'a, 5\nb "c"'
    assert len(raw.texts) == 12


def test_names_made_of_digits_stay_as_they_are(tmp_path):
    rows = "\n".join(f"text {i},{('007', '07', '7')[i % 3]}" for i in range(12))
    assert read(asked(file(tmp_path, f"text,label\n{rows}"))).classes == ("007", "07", "7")


def test_a_word_among_numbers_is_a_gap_and_named(tmp_path):
    rows = "\n".join(f"text {i},{i / 10}" for i in range(60))
    with pytest.raises(DataError, match=r"Row 61 of t.csv has 'NA' in the column 'score', where others have numbers\."):
        read(asked(file(tmp_path, f"text,score\n{rows}\nlast,NA\n")))


def test_a_row_with_more_values_than_names_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="t.csv cannot be read as a table"):
        read(asked(file(tmp_path, "text,label\n" + "a,x\nb,y\n" * 5 + "c,d,e,x\n")))


def test_a_long_text_is_cut_with_a_sentence(tmp_path):
    rows = [f"{'w ' * 15_000 if i == 0 else i},{i % 2}" for i in range(8)]
    raw = read(asked(file(tmp_path, "text,label\n" + "\n".join(rows))))
    assert raw.notes == ("1 text is longer than 20,000 characters; what follows is cut off.",)


def test_rows_that_are_sorted_by_class_are_all_there(tmp_path):
    rows = "\n".join(f"text {i % 97},{'neg' if i < 60_000 else 'pos'}" for i in range(120_000))
    raw = read(asked(file(tmp_path, f"text,label\n{rows}")))
    assert np.bincount(raw.targets).tolist() == [60_000, 60_000]


def test_more_rows_than_are_read_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_dialect, "MOST_ROWS", 10)
    with pytest.raises(DataError, match=r"t.csv has more than 10 rows\."):
        read(asked(file(tmp_path, "text,label\n" + "a,x\nb,y\n" * 6)))


@pytest.mark.parametrize(("value", "kind"), [([1, 2], "lists"), ({"a": 1}, "named fields")])
def test_a_nested_column_of_parquet_is_a_sentence(tmp_path, value, kind):
    frame = pd.DataFrame({"text": [value] * 6, "label": [0, 1] * 3})
    frame.to_parquet(tmp_path / "n.parquet")
    with pytest.raises(DataError, match=f"The column 'text' of n.parquet holds {kind}, not one value a row"):
        read(asked(tmp_path / "n.parquet"))


def test_the_look_says_which_columns_and_which_split_it_took(tmp_path):
    rows = "\n".join(f"text {i},{i % 2},{i % 4}" for i in range(40))
    look = preview(asked(file(tmp_path, f"review,sentiment,fold\n{rows}")))
    assert (look.columns["text"], look.columns["target"]) == ("review", "sentiment")
    assert look.choices == ("review", "sentiment", "fold")
    assert look.split == "Held out at random, the same share of each class."
    assert preview(asked(tmp_path / "t.csv", fold="fold")).split == "Held out: one fold of the column 'fold'."
    assert type(look).from_json(look.to_json()) == look


@pytest.mark.parametrize(("name", "train", "test"), [("intel", 30, 30), ("mri", 30, 30), ("tiny", 24, 6)])
def test_folders_under_their_usual_names_are_told_apart(name, train, test):
    raw = read(asked(DATA / "folders" / f"{name}.zip"))
    assert len(raw.classes) == 3
    assert (len(raw.train), len(raw.test)) == (train, test)


def test_a_folder_without_classes_is_left_out_and_noted():
    raw = read(asked(DATA / "folders" / "intel.zip"))
    assert "seg_pred" not in raw.classes
    assert raw.notes == ("12 pictures without a class in 'seg_pred' of intel.zip: left out.",)
    assert raw.split == "Held out: what lies in 'seg_test'."


@pytest.mark.parametrize(
    ("folder", "part"),
    [
        *[(name, "train") for name in ("train", "Training", "TRAIN", "train_images", "train-set", "seg_train")],
        *[(name, "test") for name in ("test", "Testing", "val", "Validation set", "dev", "test images", "valid")],
        *[(name, "unlabelled") for name in ("seg_pred", "unlabeled", "unlabelled images")],
        *[
            (name, None)
            for name in ("pregnancy test", "trains", "valley", "images", "developer", "test_cat", "contest")
        ],
    ],
)
def test_a_folder_says_its_part_only_where_all_its_words_do(folder, part):
    assert part_of(folder) == part


def zipped(path, pictures):
    with zipfile.ZipFile(path, "w") as archive:
        for name, image, kind, options in pictures:
            content = io.BytesIO()
            image.save(content, kind, **options)
            archive.writestr(name, content.getvalue())
    return path


def seen(path, position=0, size=8):
    """Mean colour of a picture as the probe has it."""
    return read(asked(path)).images.at([position], size)[0].float().mean((1, 2)).tolist()


def grey16(level):
    return Image.fromarray(np.full((8, 8), level, np.uint16))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bits_are_as_bright_as_8(tmp_path, kind):
    suffix = kind.lower()
    pictures = [
        (f"{of}/{i}.{suffix}", grey16(level), kind, {}) for of, level in (("a", 9000), ("b", 52000)) for i in "12"
    ]
    path = zipped(tmp_path / "d.zip", pictures)
    assert seen(path) == pytest.approx([9000 / 257] * 3, abs=1)
    assert seen(path, 2) == pytest.approx([52000 / 257] * 3, abs=1)


def palette():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([0, 0, 0, 250, 120, 10] + [0] * 762)
    return image


def turned():
    """Left half red as a person sees it; stored on its side."""
    image = Image.new("RGB", (8, 8), "blue")
    image.paste("red", (0, 4, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter, clockwise
    return image, {"exif": exif}


@pytest.mark.parametrize(
    ("image", "kind", "colour"),
    [
        (palette(), "PNG", (250, 120, 10)),
        (Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "TIFF", (255, 0, 0)),
        (Image.new("RGBA", (8, 8), (0, 0, 0, 0)), "PNG", (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 128)), "PNG", (255, 127, 127)),
        (Image.new("LA", (8, 8), (0, 0)), "PNG", (255, 255, 255)),
        (Image.new("1", (8, 8), 1), "PNG", (255, 255, 255)),
        (Image.fromarray(np.full((8, 8), 0.5, np.float32)), "TIFF", (128, 128, 128)),
    ],
    ids=["palette", "CMYK", "transparent", "half transparent", "grey with alpha", "two colours", "fractions"],
)
def test_a_picture_is_read_as_a_person_sees_it(tmp_path, image, kind, colour):
    pictures = [(f"{of}/{i}.{kind.lower()}", image, kind, {}) for of in "ab" for i in "12"]
    assert seen(zipped(tmp_path / "d.zip", pictures)) == pytest.approx(colour, abs=2)


def test_a_picture_that_a_camera_turned_stands_upright(tmp_path):
    image, options = turned()
    path = zipped(tmp_path / "d.zip", [(f"{of}/{i}.png", image, "PNG", options) for of in "ab" for i in "12"])
    pixels = read(asked(path)).images.at([0], 8)[0]
    assert pixels[0, 4, 1] > 200  # red, on the left
    assert pixels[2, 4, 6] > 200  # blue, on the right


def test_numbers_that_are_no_brightness_are_a_sentence(tmp_path):
    image = Image.fromarray(np.full((8, 8), -5.0, np.float32))
    path = zipped(tmp_path / "d.zip", [(f"{of}/{i}.tiff", image, "TIFF", {}) for of in "ab" for i in "12"])
    with pytest.raises(DataError, match=r"'a/1.tiff' in d.zip cannot be read as a picture\."):
        seen(path)


@pytest.mark.parametrize("mark", [",", "|", ";", " "])
def test_classes_that_are_lists_of_others_are_told(tmp_path, mark):
    """GoEmotions' `8,20` are two labels of one row; `New York` beside `York` is a name."""
    for labels, told in (
        (["joy", "fear", "hope", f"joy{mark}fear"], True),
        (["New York", "York", "Yes, please", "Yes"], False),
    ):
        rows = ["text\tlabel", *(f"some words\t{label}" for label in labels * 4)]
        notes = read(asked(file(tmp_path, "\n".join(rows), "t.tsv"))).notes
        assert any("a class of its own" in note for note in notes) == told


def test_a_table_without_column_names_is_told_where_no_column_is_called_as_usual(tmp_path):
    rows = "\n".join(f"{i % 2},146781036{i},some words" for i in range(9))
    with pytest.raises(DataError, match="If the file has no row of column names"):
        read(asked(file(tmp_path, rows)))


def test_empty_pictures_of_a_zip_are_left_out_and_told(tmp_path):
    path = zipped(tmp_path / "d.zip", [(f"{of}/{i}.png", grey16(9000), "PNG", {}) for of in "ab" for i in range(4)])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a/666.png", b"")
    raw = read(asked(path))
    assert len(raw.targets) == 8 and raw.notes == ("1 file of d.zip is empty and left out: a/666.png.",)
