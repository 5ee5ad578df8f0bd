"""Texts as token numbers: by the model's own tokenizer, or where it has none by hashing words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from freezecore import packaged
from freezecore.errors import DataError, shortened
from freezecore.runtime.build.config import is_offline
from freezecore.runtime.quiet import hub_quiet
from freezecore.sentences import say
from freezecore.source import ModelSource

LONGEST = 512
COVERED = 95  # per cent of the texts that fit the sequence length whole
STEP = 8  # the length is a multiple of it
FIRST_WORD = 4  # numbers below it are padding, start, end and separator
NO_TOKENIZER = say(
    "The model brings no tokenizer, so words became token numbers by hashing: fit for random weights only."
)


@dataclass(frozen=True)
class Tokens:
    """Encoded texts.

    Attributes:
        inputs: `input_ids`, `attention_mask` and what else the tokenizer makes, int64 [n, length].
        pad: the padding token's number.
        notes: what a person should know, a sentence each.
    """

    inputs: dict[str, Tensor]
    length: int
    pad: int
    notes: tuple[str, ...] = ()


def longest_for(config, asked: int | None) -> int:
    """The most tokens that a model reads.

    Raises:
        DataError: more were asked for.
    """
    longest = longest_of(config)
    if asked is not None and asked > longest:
        raise DataError(
            "The model reads {longest} tokens at most, not {asked}.",
            "Choose a shorter sequence length.",
            longest=longest,
            asked=asked,
        )
    return longest


def tokenize(texts: tuple[str, ...], pairs: tuple[str, ...], source: ModelSource, config, asked: int | None) -> Tokens:
    """All texts at one length: what was asked for, else what holds nearly all of them whole.

    Raises:
        DataError: the tokenizer cannot be loaded; names the package it lacks.
    """
    longest = longest_for(config, asked)
    tokenizer = tokenizer_of(source)
    if tokenizer is None:
        return _hashed(texts, pairs, config.vocab_size, lambda lengths: asked or fitting(lengths, longest))
    longest = min(longest, tokenizer.model_max_length)
    both = _columns(texts, pairs)
    lengths = [len(ids) for ids in tokenizer(*both, truncation=True, max_length=longest)["input_ids"]]
    length = asked or fitting(lengths, longest)
    made = tokenizer(*both, truncation=True, max_length=length, padding="max_length", return_tensors="pt")
    return Tokens(dict(made), length, tokenizer.pad_token_id, cut_off(lengths, length))


def fitting(lengths: list[int], longest: int) -> int:
    """The length that holds 95 % of the texts whole, rounded up."""
    wanted = int(np.percentile(lengths, COVERED, method="higher"))
    return min(-(-wanted // STEP) * STEP, longest)


def token_lengths(texts: tuple[str, ...], pairs: tuple[str, ...], source: ModelSource) -> tuple[list[int], int] | None:
    """Tokens of each whole text, and the length that `tokenize` would choose; None where the model brings none.

    Raises:
        DataError: the tokenizer cannot be loaded.
    """
    if source.scheme != "hf":
        return None
    from transformers import AutoConfig

    tokenizer = tokenizer_of(source)
    with hub_quiet():
        config = AutoConfig.from_pretrained(_folder(source))
    longest = min(longest_of(config), tokenizer.model_max_length)
    lengths = [len(ids) for ids in tokenizer(*_columns(texts, pairs), verbose=False)["input_ids"]]
    return lengths, fitting(lengths, longest)


def _columns(texts: tuple[str, ...], pairs: tuple[str, ...]) -> tuple[list[str], ...]:
    """What a tokenizer takes: the texts, and the second ones where there are any."""
    return (list(texts), list(pairs)) if pairs else (list(texts),)


def cut_off(lengths: list[int], length: int) -> tuple[str, ...]:
    cut = sum(n > length for n in lengths)
    if not cut:
        return ()
    return (
        say(
            "{cut:,} of {count:,} texts are longer than {length} tokens and were cut off.",
            cut=cut,
            count=len(lengths),
            length=length,
        ),
    )


def longest_of(config) -> int:
    positions = getattr(config, "max_position_embeddings", None) or LONGEST
    return max(STEP, min(LONGEST, positions - _offset(config)))


def _offset(config) -> int:
    """Positions that RoBERTa's family keeps for padding."""
    return 2 if config.model_type in ("roberta", "xlm-roberta", "camembert", "longformer") else 0


@hub_quiet()
def tokenizer_of(source: ModelSource, **options):
    """The tokenizer that belongs to the model; None for a bare config."""
    if source.scheme == "config":
        return None
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(_folder(source), **options)
    except (OSError, ValueError, ImportError) as error:
        if is_offline(error):
            raise DataError(
                "The tokenizer of {source} is not kept here, and the Hugging Face Hub cannot be reached.",
                "Without a network, use {name}, whose tokenizer is installed, or a folder holding one (hf:./FOLDER).",
                source=source.label,
                name=packaged.instead_of(source) or "config:bert",
            ) from error
        cause = shortened(" ".join(str(error).split()), 160)
        raise DataError(
            "The tokenizer of {source} cannot be loaded: {cause}.",
            _package_hint(str(error)),
            source=source.label,
            cause=cause,
        ) from error
    if tokenizer.pad_token is None:  # GPT-2 and its kin
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _folder(source: ModelSource) -> str:
    """Where the model's files are: inside an installed package, else as it is called."""
    found = packaged.find(source)
    folder = packaged.root(found) if found else None
    return str(folder / found.folder) if found and folder else source.name


def _package_hint(error: str) -> str:
    for package in ("sentencepiece", "fugashi", "unidic-lite", "tiktoken", "protobuf"):
        if package.replace("-", "_") in error.lower().replace("-", "_"):
            return say("Install it: pip install {package}.", package=package)
    return say("Choose a model whose folder holds its tokenizer.")


def _hashed(texts: tuple[str, ...], pairs: tuple[str, ...], vocabulary: int, choose: Callable) -> Tokens:
    both = zip(texts, pairs or [""] * len(texts), strict=True)
    rows = [[1, *word_numbers(a, vocabulary), 2, *([*word_numbers(b, vocabulary), 2] if b else [])] for a, b in both]
    length = choose([len(row) for row in rows])
    ids = torch.zeros((len(rows), length), dtype=torch.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row[:length])] = torch.tensor(row[:length])
    mask = (ids != 0).long()
    notes = (NO_TOKENIZER, *cut_off([len(row) for row in rows], length))
    return Tokens({"input_ids": ids, "attention_mask": mask}, length, 0, notes)


def word_numbers(text: str, vocabulary: int) -> list[int]:
    """A number for each word and mark, the same in every process."""
    words = re.findall(r"\w+|[^\w\s]", text.lower())
    digests = (int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest()) for word in words)
    return [FIRST_WORD + digest % max(1, vocabulary - FIRST_WORD) for digest in digests]
