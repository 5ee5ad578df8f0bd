"""Texts as token numbers with a target at each: the token that follows, or the tag of the word that begins there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from freezecore.errors import DataError, shortened
from freezecore.runtime.data.language import pieces
from freezecore.runtime.data.samples import IGNORED, Chat, Raw
from freezecore.runtime.data.tokens import (
    NO_TOKENIZER,
    Tokens,
    cut_off,
    fitting,
    longest_for,
    tokenizer_of,
    word_numbers,
)
from freezecore.sentences import say
from freezecore.source import ModelSource

START, END = 1, 2  # of a text whose words became numbers by hashing
NO_TEMPLATE = say("The model brings no chat template, so messages are read as 'role: text', a line each.")


@dataclass(frozen=True)
class TokenRow:
    """One text: its tokens' numbers, and the target at each, `IGNORED` where nothing is asked.

    `is_shifted` is whether a target is the token that follows.
    """

    ids: list[int]
    targets: list[int]
    is_shifted: bool = True


def encoded_tokens(
    raw: Raw, used: np.ndarray, source: ModelSource, config: Any, asked: int | None
) -> tuple[Tokens, Tensor]:
    """The texts at the length that was asked for, else at one that holds nearly all of them whole; and the target at
    each token, int64 [n, length].

    Raises:
        DataError: the tokenizer cannot be loaded or does not fit, or the length is beyond what the model reads.
    """
    longest = longest_for(config, asked)
    tokenizer = tokenizer_of(source)
    notes: tuple[str, ...] = () if tokenizer else (NO_TOKENIZER,)
    if raw.words:
        rows = _tagged_rows(raw, used, source, tokenizer, config)
    elif raw.chats:
        chats = [raw.chats[i] for i in used]
        rows = [_following(*_of_chat(chat, tokenizer, config)) for chat in chats]
        if tokenizer is None or not tokenizer.chat_template and chats[0][0][0] != "prompt":
            notes += (NO_TEMPLATE,)
    else:
        rows = [
            _following(ids, [True] * len(ids)) for ids in _of_texts([raw.texts[i] for i in used], tokenizer, config)
        ]
    if tokenizer is not None:
        longest = min(longest, tokenizer.model_max_length)
    lengths = [len(row.ids) for row in rows]
    length = asked or max(2, fitting(lengths, longest))
    pad = 0 if tokenizer is None else tokenizer.pad_token_id
    inputs, targets = _padded(rows, length, pad)
    return Tokens(inputs, length, pad, (*notes, *cut_off(lengths, length))), targets


def _padded(rows: Sequence[TokenRow], length: int, pad: int) -> tuple[dict[str, Tensor], Tensor]:
    """Rows of one length, padded at their end: the model's inputs, and the targets."""
    ids = torch.full((len(rows), length), pad, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    targets = torch.full_like(ids, IGNORED)
    for i, row in enumerate(rows):
        count = min(length, len(row.ids))
        ids[i, :count] = torch.tensor(row.ids[:count])
        mask[i, :count] = 1
        targets[i, :count] = torch.tensor(row.targets[:count])
        if count < len(row.ids) and row.is_shifted:  # the token that the last one announces was cut off
            targets[i, count - 1] = IGNORED
    return {"input_ids": ids, "attention_mask": mask}, targets


def _following(ids: list[int], learnt: list[bool]) -> TokenRow:
    """Each place's target is the token that follows, where that one is to be learnt."""
    targets = [after if wanted else IGNORED for after, wanted in zip(ids[1:], learnt[1:], strict=True)]
    return TokenRow(ids, [*targets, IGNORED][: len(ids)])


def _of_texts(texts: list[str], tokenizer: Any, config: Any) -> list[list[int]]:
    if tokenizer is None:
        return [[START, *word_numbers(text, config.vocab_size), END] for text in texts]
    return tokenizer(texts, verbose=False)["input_ids"]


def _of_chat(chat: Chat, tokenizer: Any, config: Any) -> tuple[list[int], list[bool]]:
    """Token numbers, and whether each belongs to an answer."""
    if tokenizer is not None and tokenizer.chat_template and chat[0][0] != "prompt":
        return _by_template(chat, tokenizer)
    parts = pieces(chat)
    if tokenizer is None:
        numbered = [(word_numbers(text, config.vocab_size), learnt) for text, learnt in parts]
        numbered = [([START], False), *numbered, ([END], parts[-1][1])]
        return [n for of, _ in numbered for n in of], [learnt for of, learnt in numbered for _ in of]
    if chat[-1][0] == "completion" and tokenizer.eos_token:
        parts.append((tokenizer.eos_token, True))
    return _by_pieces(parts, tokenizer, special=True)


def _by_template(chat: Chat, tokenizer: Any) -> tuple[list[int], list[bool]]:
    """As the model's own template has it: by its marks of what is generated, else by what each answer adds to it."""
    messages = [{"role": role, "content": text} for role, text in chat]

    def rendered(count: int, ask: bool = False) -> str:
        return tokenizer.apply_chat_template(messages[:count], tokenize=False, add_generation_prompt=ask)

    try:
        if "{% generation" in tokenizer.chat_template or "{%- generation" in tokenizer.chat_template:
            made = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
            return list(made["input_ids"]), [bool(one) for one in made["assistant_masks"]]
        whole, parts, end = rendered(len(messages)), [], 0
        for i, (role, _) in enumerate(chat):
            if role == "assistant":
                before, after = rendered(i, ask=True), rendered(i + 1)
                if not (whole.startswith(before) and whole.startswith(after) and end <= len(before) <= len(after)):
                    before, after = _content(whole, messages[i]["content"], end)
                parts += [(whole[end : len(before)], False), (whole[len(before) : len(after)], True)]
                end = len(after)
    except Exception as error:  # the template's own, for example of roles that do not alternate
        raise DataError(
            "The model's chat template refuses a chat: {cause}.",
            "Check the order of its messages' roles: {roles}.",
            cause=shortened(" ".join(str(error).split()), 120),
            roles=shortened(", ".join(role for role, _ in chat), 60),
        ) from error
    parts.append((whole[end:], False))
    return _by_pieces(parts, tokenizer, special=False)


def _content(whole: str, content: str, start: int) -> tuple[str, str]:
    """What stands before an answer, and up to its end, where the template writes a part of a chat otherwise."""
    at = whole.index(content.strip(), start)
    return whole[:at], whole[: at + len(content.strip())]


def _by_pieces(parts: list[tuple[str, bool]], tokenizer: Any, *, special: bool) -> tuple[list[int], list[bool]]:
    """The joined text's tokens; one is learnt when it begins in a part that is."""
    if not tokenizer.is_fast:
        numbered = [(tokenizer.encode(text, add_special_tokens=False), learnt) for text, learnt in parts]
        return [n for of, _ in numbered for n in of], [learnt for of, learnt in numbered for _ in of]
    learnt = np.concatenate([np.full(len(text), wanted) for text, wanted in parts if text])
    made = tokenizer(
        "".join(text for text, _ in parts), add_special_tokens=special, return_offsets_mapping=True, verbose=False
    )
    return made["input_ids"], [stop > start and _starts(learnt, start, stop) for start, stop in made["offset_mapping"]]


def _starts(learnt: np.ndarray, start: int, stop: int) -> bool:
    """Whether the token begins where is learnt; a blank before it may still be the question's."""
    return bool(learnt[start] or learnt[stop - 1])


def _tagged_rows(raw: Raw, used: np.ndarray, source: ModelSource, tokenizer: Any, config: Any) -> list[TokenRow]:
    """The tag of each word at its first token."""
    words = [list(raw.words[i]) for i in used]
    if tokenizer is None:
        numbered = [[word_numbers(word, config.vocab_size) for word in of] for of in words]
        whose = [[None, *(i for i, ids in enumerate(of) for _ in ids), None] for of in numbered]
        ids = [[START, *(n for one in of for n in one), END] for of in numbered]
    else:
        made = _by_words(words, source, tokenizer)
        ids, whose = made["input_ids"], [made.word_ids(i) for i in range(len(words))]
    rows = []
    for i, numbers, places in zip(used, ids, whose, strict=True):
        tags, before = raw.tags[i], [None, *places]
        targets = [
            tags[word] if word is not None and word != last else IGNORED
            for word, last in zip(places, before, strict=False)
        ]
        rows.append(TokenRow(numbers, targets, is_shifted=False))
    return rows


def _by_words(words: list[list[str]], source: ModelSource, tokenizer: Any) -> Any:
    """The tokens of words that are divided already."""
    if not tokenizer.is_fast:
        raise DataError(
            "The tokenizer of {source} does not tell which word a token is of.",
            "Choose a model with a fast tokenizer (tokenizer.json).",
            source=source.label,
        )
    call: Callable = tokenizer
    try:
        return call(words, is_split_into_words=True, verbose=False)
    except (AssertionError, ValueError):  # of GPT-2's and RoBERTa's kin, whose tokens hold the blank before a word
        return tokenizer_of(source, add_prefix_space=True)(words, is_split_into_words=True, verbose=False)
