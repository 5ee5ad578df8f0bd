"""`peft`'s rules over paths: which modules an adapter joins, and which train beside it."""

from __future__ import annotations

import re

BY_TASK = {"SEQ_CLS": ("classifier", "score"), "TOKEN_CLS": ("classifier", "score"), "QUESTION_ANS": ("qa_outputs",)}


def chosen(path: str, names) -> bool:
    """Whether an adapter joins a module: a text is an expression over the whole path, a list names its end."""
    if isinstance(names, str):
        return names == "all-linear" or re.fullmatch(names, path) is not None
    return any(path == name or path.endswith(f".{name}") for name in names or () if isinstance(name, str))


def saved(path: str, modules, task) -> bool:
    """Whether a module trains beside its adapters: its path ends so, or it is the head that the task always saves."""
    named = [modules] if isinstance(modules, str) else list(modules or ())
    task = getattr(task, "_fx_path", task)  # TaskType.SEQ_CLS, or its text
    ends = (*named, *(BY_TASK.get(task.rpartition(".")[2], ()) if isinstance(task, str) else ()))
    return any(path.endswith(end) for end in ends if isinstance(end, str))
