"""Texts that a language model learns to continue: plain ones, and chats or prompts of which the answers are learnt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from freezecore.datasets import LONGEST_TEXT
from freezecore.errors import DataError, shortened
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.samples import Chat, Raw
from freezecore.runtime.data.split import split
from freezecore.runtime.data.table import TEXTS, named_column
from freezecore.runtime.data.tagged import tagged_from_rows
from freezecore.sentences import say

CHATS = ("messages", "conversations", "conversation", "dialog")
PROMPTS = (("prompt", "completion"), ("prompt", "response"), ("question", "answer"))
INSTRUCTION, INPUT, OUTPUTS = "instruction", "input", ("output", "response")
COLUMNS = {*CHATS, *(name for pair in PROMPTS for name in pair), INSTRUCTION, INPUT, *OUTPUTS, *TEXTS}
ROLES = {  # what role a message has, by what files call it
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "model": "assistant", "bot": "assistant", "chatgpt": "assistant",
    "function_call": "assistant", "tool_call": "assistant",
    "system": "system", "developer": "system", "tool": "tool", "function": "tool", "observation": "tool",
}  # fmt: skip
ANSWERS = ("assistant", "completion")
MOST_LINES_ONLY = 3  # parts between empty lines up to which a file's lines are taken instead
Rows = Sequence[dict]


def rows_of_tokens(rows: Rows, name: str, request: ProbeRequest) -> Raw:
    """Rows of fields, for a model that answers at each token: texts to be continued, or tagged words."""
    read = language_from if request.source.task == "causal-lm" else tagged_from_rows
    return read(rows, name, request)


def language_from(rows: Rows, name: str, request: ProbeRequest) -> Raw:
    """The texts of these rows: messages, a prompt and its completion, or a column of text.

    Raises:
        DataError: no such column, or a row that cannot be read; names file and row.
    """
    columns = tuple(dict.fromkeys(key for row in rows[:100] for key in row))
    read, used = _reader(columns, name, request)
    chats = [read(row, number) for number, row in enumerate(rows, 1)]
    answered = [chat for chat in chats if isinstance(chat, str) or any(role in ANSWERS for role, _ in chat)]
    if not answered:
        raise DataError(
            "No row of {name} has an answer.", "Give the model's own messages the role 'assistant'.", name=name
        )
    notes = []
    if left := len(chats) - len(answered):
        notes.append(say("Chats without an answer are left out: {count:,}.", count=left))
    if empty := sum(not text_of(chat).strip() for chat in answered):
        answered = [chat for chat in answered if text_of(chat).strip()]
        notes.append(say("Empty texts are left out: {count:,}.", count=empty))
    if cut := sum(len(text_of(chat)) > LONGEST_TEXT for chat in answered):
        notes.append(
            say("{count:,} texts are longer than {most:,} characters; what follows is cut off.", count=cut,
                most=LONGEST_TEXT)
        )  # fmt: skip
    groups = [str(row.get(request.group)) for row in rows] if request.group else None
    if groups is not None and len(groups) != len(answered):
        groups = None
    return raw_of(answered, name, request, notes, groups=groups, columns=used, choices=columns)


def paragraphs(path: Path, request: ProbeRequest) -> Raw:
    """A file of plain text, whose paragraphs are the texts; without empty lines between them, its lines.

    Raises:
        DataError: it cannot be read, or is no text.
    """
    name = shortened(path.name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("{name} is not in UTF-8.", "Save it as UTF-8.", name=name) from error
    except (OSError, MemoryError) as error:
        raise DataError("{name} cannot be read: {cause}.", "", name=name, cause=type(error).__name__) from error
    parts = re.split(r"\n\s*\n", text)
    texts = [part.strip() for part in (parts if len(parts) > MOST_LINES_ONLY else text.splitlines()) if part.strip()]
    return raw_of(texts, name, request)


def raw_of(
    texts: Sequence[str | Chat],
    name: str,
    request: ProbeRequest,
    notes: Iterable[str] = (),
    *,
    groups: Sequence[str] | None = None,
    columns: dict[str, str | None] | None = None,
    choices: tuple[str, ...] = (),
) -> Raw:
    """These texts or chats, divided into those to train on and those held out."""
    targets = np.zeros(len(texts), np.int64)
    train, test = split(
        targets, by_class=False, name=name, groups=groups, train_size=request.train_size, test_size=request.test_size
    )
    chats = tuple(text for text in texts if not isinstance(text, str))
    return Raw(
        name,
        "text",
        targets,
        (),
        train,
        test,
        texts=tuple(text_of(text)[:LONGEST_TEXT] for text in texts),
        continues=True,
        chats=chats,
        notes=tuple(notes),
        columns=columns or {},
        choices=choices,
        split=say("Held out at random."),
    )


def text_of(chat: str | Chat) -> str:
    """A chat as plain text, as it is shown, and as a model reads it that brings no chat template."""
    return chat if isinstance(chat, str) else "".join(text for text, _ in pieces(chat))


def pieces(chat: Chat) -> list[tuple[str, bool]]:
    """The parts of a chat as plain text, and whether each is an answer."""
    if chat[0][0] == "prompt":
        return [(text, role in ANSWERS) for role, text in chat]
    parts = []
    for role, text in chat:
        parts += [(f"{role}: ", False), (f"{text}\n", role in ANSWERS)]
    return parts


def _reader(
    columns: Sequence[str], name: str, request: ProbeRequest
) -> tuple[Callable[[dict, int], str | Chat], dict[str, str | None]]:
    """How a row is read, and the column that its text is in."""
    if request.text is None:
        if chat := next((column for column in CHATS if column in columns), None):
            return lambda row, number: _chat(row.get(chat), name, number, chat), {"text": chat}
        for prompt, answer in PROMPTS:
            if prompt in columns and answer in columns:
                return _prompted(prompt, answer, name), {"text": prompt, "target": answer}
        output = next((column for column in OUTPUTS if column in columns), None)
        if INSTRUCTION in columns and output:
            return _instructed(output, name), {"text": INSTRUCTION, "target": output}
    text = named_column(columns, name, request.text, TEXTS, say("text"), "--text")
    if text in CHATS:
        return lambda row, number: _chat(row.get(text), name, number, text), {"text": text}
    return lambda row, number: _text(row.get(text), name, number, text), {"text": text}


def _prompted(prompt: str, answer: str, name: str) -> Callable[[dict, int], Chat]:
    def read(row: dict, number: int) -> Chat:
        if isinstance(row.get(prompt), list):  # messages on both sides
            return (*_chat(row[prompt], name, number, prompt), *_chat(row.get(answer), name, number, answer))
        return ("prompt", _text(row.get(prompt), name, number, prompt)), (
            "completion",
            _text(row.get(answer), name, number, answer),
        )

    return read


def _instructed(output: str, name: str) -> Callable[[dict, int], Chat]:
    def read(row: dict, number: int) -> Chat:
        asked = _text(row.get(INSTRUCTION), name, number, INSTRUCTION)
        more = row.get(INPUT)
        asked = f"{asked}\n\n{more}" if isinstance(more, str) and more.strip() else asked
        return ("user", asked), ("assistant", _text(row.get(output), name, number, output))

    return read


def _text(value: object, name: str, number: int, column: str) -> str:
    if isinstance(value, str):
        return value
    missing = value is None or value != value
    raise DataError(
        "Row {row:,} of {name} has nothing in the column '{column}'."
        if missing
        else "Row {row:,} of {name} has no text in the column '{column}': {value}.",
        "Fill these rows or remove them (row 1 is the first below the column names).",
        row=number,
        name=name,
        column=shortened(column),
        value=shortened(str(value), 40),
    )


def _chat(value: object, name: str, number: int, column: str) -> Chat:
    """Messages with role and content, as OpenAI writes them, or `from` and `value`, as ShareGPT does."""
    messages = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(messages, (list, tuple)) or not messages:
        raise DataError(
            "Row {row:,} of {name} has no messages in the column '{column}'.",
            "Write a list of messages, such as {example}.",
            row=number,
            name=name,
            column=shortened(column),
            example='[{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]',
        )
    return tuple(_message(message, name, number) for message in messages)


def _message(message: object, name: str, number: int) -> tuple[str, str]:
    if isinstance(message, dict):
        role = ROLES.get(str(message.get("role", message.get("from"))).lower())
        content = message.get("content", message.get("value"))
        if isinstance(content, (list, tuple)) and all(isinstance(part, dict) and "text" in part for part in content):
            content = "".join(str(part["text"]) for part in content)
        if role and isinstance(content, str):
            return role, content
    raise DataError(
        "Row {row:,} of {name} has a message without a role or a text: {value}.",
        "Each message has a role (user, assistant, system or tool) and a content that is text.",
        row=number,
        name=name,
        value=shortened(str(message), 60),
    )
