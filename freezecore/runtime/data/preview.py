"""A look at data before anything is trained: class balance, a few samples, how long the texts are."""

from __future__ import annotations

from collections import Counter

import numpy as np

from freezecore.datasets import ClassCount, DataPreview, SamplePreview
from freezecore.errors import DataError, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.pictures import data_address
from freezecore.runtime.data.read import read
from freezecore.runtime.data.samples import Raw
from freezecore.runtime.data.tokens import token_lengths
from freezecore.sentences import say
from freezecore.spans import OUTSIDE

MOST_SAMPLES = 12
THUMBNAIL = 64
TEXT = 200
FEW = 50  # held-out samples below which an accuracy says little
BINS = (8, 16, 32, 64, 128, 256, 512, 1024)  # words or tokens


def preview(request: ProbeRequest) -> DataPreview:
    """What a request's data is like; of the model only its tokenizer is looked at.

    Raises:
        DataError: it cannot be read; names the file and the row.
    """
    raw = read(request)
    values = raw.targets[raw.train] if raw.target == "value" else None
    lengths, told = _lengths(raw, request)
    return DataPreview(
        raw.name,
        raw.kind,
        len(raw.train),
        len(raw.test),
        classes=_balance(raw),
        values=None if values is None else (float(values.min()), float(np.median(values)), float(values.max())),
        samples=tuple(_sample(raw, int(i)) for i in _spread(raw)),
        **lengths,
        notes=(*raw.notes, *_odd(raw), *told),
        columns=raw.columns,
        choices=raw.choices,
        split=raw.split,
        target=raw.target,
    )


def _balance(raw: Raw) -> tuple[ClassCount, ...]:
    if not raw.classes:
        return ()
    if raw.words:  # words of each tag
        counts = [Counter(tag for i in part for tag in raw.tags[i]) for part in (raw.train, raw.test)]
        return tuple(ClassCount(name, *(of[tag] for of in counts)) for tag, name in enumerate(raw.classes))
    train, test = (np.bincount(raw.targets[part], minlength=len(raw.classes)) for part in (raw.train, raw.test))
    return tuple(ClassCount(name, int(a), int(b)) for name, a, b in zip(raw.classes, train, test, strict=True))


def _spread(raw: Raw) -> np.ndarray:
    """Samples to show: of every class one, before a second of any."""
    targets = raw.targets[raw.train]
    if raw.target != "class":
        return raw.train[:MOST_SAMPLES]
    nth = np.zeros(len(targets), int)
    seen: dict[int, int] = {}
    for i, target in enumerate(targets.tolist()):
        nth[i] = seen[target] = seen.get(target, -1) + 1
    return raw.train[np.lexsort((targets, nth))[:MOST_SAMPLES]]


def _sample(raw: Raw, position: int) -> SamplePreview:
    if raw.words:
        pairs = zip(raw.words[position], raw.tags[position], strict=True)
        tagged = " ".join(word if raw.classes[tag] == OUTSIDE else f"{word}⟨{raw.classes[tag]}⟩" for word, tag in pairs)
        return SamplePreview("", text=shortened(tagged, TEXT))
    if raw.continues:
        return SamplePreview("", text=shortened(raw.texts[position], TEXT))
    target = raw.classes[raw.targets[position]] if raw.classes else f"{raw.targets[position]:g}"
    if raw.images is not None:
        return SamplePreview(target, picture=data_address(raw.images.at([position], THUMBNAIL)[0].numpy()))
    text = shortened(raw.texts[position], TEXT)
    return SamplePreview(target, text=f"{text} / {shortened(raw.pairs[position], TEXT)}" if raw.pairs else text)


def _lengths(raw: Raw, request: ProbeRequest) -> tuple[dict, tuple[str, ...]]:
    """The preview's fields on how long the texts are, those to train on and those held out, as a probe reads both; and
    why they are counted in words where the model's tokenizer cannot be loaded."""
    if not raw.texts:
        return {}, ()
    used = np.concatenate([raw.train, raw.test])
    texts, pairs = (tuple(column[i] for i in used) if column else () for column in (raw.texts, raw.pairs))
    notes: tuple[str, ...] = ()
    try:
        tokens = token_lengths(texts, pairs, request.source)
    except DataError as error:  # the rest of the data can be looked at all the same
        tokens, notes = None, (error.problem, error.hint)
    if tokens is None:
        read = [" ".join(both) for both in zip(texts, pairs, strict=True)] if pairs else texts
        return {"lengths": _binned([len(text.split()) for text in read])}, notes
    lengths, chosen = tokens
    fields = {
        "lengths": _binned(lengths),
        "counted": "tokens",
        "sequence_length": request.sequence_length or chosen,
    }
    return fields, notes


def _binned(lengths: list[int]) -> tuple[tuple[int, int], ...]:
    counts, low = [], -1
    for high in (*BINS, 10**9):
        counts.append((high, sum(low < n <= high for n in lengths)))
        low = high
    while counts and not counts[-1][1]:
        counts.pop()
    return tuple(counts)


def _odd(raw: Raw) -> tuple[str, ...]:
    found = []
    if len(raw.test) < FEW:
        found.append(say("Only {count} samples are held out: their accuracy says little.", count=len(raw.test)))
    if raw.target == "class":
        untaught = [
            name
            for name, count in zip(
                raw.classes, np.bincount(raw.targets[raw.train], minlength=len(raw.classes)), strict=True
            )
            if not count
        ]
        if untaught:
            found.append(say("No sample of '{label}' is left to train on.", label=shortened(untaught[0])))
    return tuple(found)
