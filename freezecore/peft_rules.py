"""PEFT's rules over paths, in plain Python: which modules an adapter joins, and which train beside it.

`options` are those of a `LoraConfig`, by PEFT's names; `modules` are the model's, each path with the names of its class
and of the classes it derives from. Tests hold the rules against PEFT itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from freezecore.adapter import new_rows
from freezecore.sentences import say

BY_TASK = {"SEQ_CLS": ("classifier", "score"), "TOKEN_CLS": ("classifier", "score"), "QUESTION_ANS": ("qa_outputs",)}
LINEAR = frozenset({"nn.Linear", "Conv1D"})
ADAPTED = LINEAR | {"nn.Embedding", "nn.Conv1d", "nn.Conv2d", "nn.Conv3d", "nn.MultiheadAttention"}
UNREAD = "nn.NonDynamicallyQuantizableLinear"  # torch's attention reads its weight itself and never calls it
GENERATES = ("ForCausalLM", "LMHeadModel", "ForMaskedLM", "ForConditionalGeneration", "ForPreTraining")
R, ALPHA = 8, 8  # where nothing is said
USUAL = {  # targets by the model's type where nothing is said; PEFT's own table
    "q v": "t5 mt5",
    "q_proj v_proj": "bart opt gptj gpt_neo llama llama4 mistral mixtral stablelm gemma gemma2 gemma3_text qwen2 qwen3",
    "c_attn": "gpt2 gpt_bigcode",
    "query_key_value": "bloom gpt_neox chatglm falcon RefinedWebModel RefinedWeb",
    "query value": "bert roberta xlm-roberta electra layoutlm",
    "query_proj value_proj": "deberta-v2",
    "in_proj": "deberta",
    "q v q_proj v_proj": "blip-2",
    "Wqkv": "mpt",
    "c_proj c_attn": "btlm",
    "qkv_proj": "codegen",
    "q_proj v_proj fc1 fc2": "phi",
    "q_proj k_proj v_proj o_proj": "nemotron_h",
    "key value receptance output": "rwkv",
    "r_proj k_proj v_proj o_proj key value": "rwkv7",
}
BY_TYPE = {
    re.sub(r"\W|_", "", kind.lower()): targets.split() for targets, kinds in USUAL.items() for kind in kinds.split()
}
CLASS_END = re.compile(r"(For[A-Z]\w*|LMHeadModel|DoubleHeadsModel|Model)$")


def task_of(options: Mapping) -> str:
    """The task's name: of `TaskType.SEQ_CLS`, or of its text; empty where none is said."""
    task = options.get("task_type")
    task = getattr(task, "_fx_path", task)
    return task.rpartition(".")[2] if isinstance(task, str) else ""


def saved_names(options: Mapping) -> list[str]:
    """The ends of paths that train beside adapters: those named, and the heads that the task always saves."""
    named = options.get("modules_to_save") or ()
    named = [named] if isinstance(named, str) else list(named)
    return [each for each in (*named, *BY_TASK.get(task_of(options), ())) if isinstance(each, str)]


def saved(path: str, options: Mapping) -> bool:
    """Whether a module trains beside its adapters."""
    return any(path.endswith(end) for end in saved_names(options))


def refusal(path: str, options: Mapping, bases: Sequence[str]) -> str | None:
    """Why a module that an adapter joins gets none; None where it gets one. `bases` are its classes."""
    if saved(path, options):
        return say("PEFT refuses an adapter on '{name}', which trains whole", name=path)
    if UNREAD in bases:
        return say("torch's attention reads '{name}' itself, and an adapter on it would do nothing", name=path)
    if not ADAPTED & set(bases):
        return say("PEFT adapts linear layers, embeddings and convolutions, and '{name}' is none", name=path)
    return None


def usual_targets(model_class: str) -> list[str] | None:
    """PEFT's targets for a model of this class where none are said; None where it has none."""
    return BY_TYPE.get(CLASS_END.sub("", model_class).lower())


def adapted(
    options: Mapping,
    modules: Mapping[str, Sequence[str]],
    head: Sequence[str] = (),
    compiled: Callable[[str], re.Pattern] = re.compile,
) -> list[str]:
    """Paths of the modules that an adapter joins; `head` are those that make the prediction."""
    targets = options.get("target_modules")
    before = options if task_of(options) == "SEQ_CLS" else {**options, "task_type": None}  # others are added later
    kept = saved_names(before)
    layers, patterns = options.get("layers_to_transform"), options.get("layers_pattern") or ()
    if isinstance(targets, str) and targets.lower() == "all-linear":
        out = _left_out(modules, head, task_of(options))
        targets = [path for path, bases in modules.items() if LINEAR & set(bases) and path not in out]
    joins = _fits(targets, compiled)
    without = _fits(options.get("exclude_modules"), compiled)
    keeps = [compiled(rf"(^|.*\.){name}($|\..*)") for name in kept]
    found = [path for path in modules if path and joins(path) and not without(path)]
    found = [path for path in found if not any(keep.match(path) for keep in keeps)]
    if layers is None or isinstance(targets, str):
        return found
    numbers = [layers] if isinstance(layers, int) else list(layers)
    patterns = [patterns] if isinstance(patterns, str) else list(patterns)
    at = [compiled(rf"(?:^|.*?\.){each}\.(\d+)\.") for each in patterns] or [compiled(r".*?\.[^.]*\.(\d+)\.")]
    whole = set(targets or ())
    return [path for path in found if not numbers or path in whole or _number(path, at) in numbers]


def _number(path: str, at: Sequence[re.Pattern]) -> int | None:
    """The block that a path lies in."""
    found = next(filter(None, (each.match(path) for each in at)), None)
    return int(found[1]) if found else None


def _fits(names: object, compiled: Callable[[str], re.Pattern]) -> Callable[[str], object]:
    """Whether a path is meant: a text is an expression over the whole of it, a list names its end."""
    if isinstance(names, str):
        return compiled(names).fullmatch
    ends = {name for name in names if isinstance(name, str)} if isinstance(names, (list, tuple, set)) else set()
    return lambda path: any(path[i:] in ends for i in (0, *(m.end() for m in re.finditer(r"\.", path))))


def _left_out(modules: Mapping[str, Sequence[str]], head: Sequence[str], task: str) -> set[str]:
    """What "all-linear" leaves out: the layer that gives words, and the head of a classifier of sequences."""
    root = modules.get("", ())
    if "PreTrainedModel" not in root:
        return set()
    if root[0].endswith(GENERATES):
        lasts = [path for path, bases in modules.items() if LINEAR & set(bases) and _under(path, head)]
        return set(lasts[-1:])
    if task == "SEQ_CLS":
        return set(next(([name] for name in ("score", "classifier") if name in modules), ()))
    return set()


def _under(path: str, tops: Sequence[str]) -> bool:
    return any(path == top or path.startswith(f"{top}.") for top in tops)


def token_rows(options: Mapping, tables: Mapping[str, int]) -> list[int] | None:
    """Rows that train beside adapters by `trainable_token_indices`; None where they are neither of the table of words
    nor new tokens behind it.

    Args:
        tables: rows of each `nn.Embedding`, by path; the largest is taken for the table of words.
    """
    said = options.get("trainable_token_indices") or []
    words = max(tables, key=lambda path: tables[path], default="")
    if isinstance(said, Mapping):
        if len(said) != 1 or not words.endswith(str(next(iter(said)))):
            return None
        (said,) = said.values()
    if not isinstance(said, (list, tuple)) or any(type(row) is not int or row < 0 for row in said):
        return None
    return sorted(set(said)) if new_rows(set(said), tables.get(words, 0)) is not None else None


def scale_of(path: str, options: Mapping) -> tuple[int, float]:
    """The rank and alpha of the adapter on a module, by `rank_pattern` and `alpha_pattern`."""
    found = []
    for key, default, patterns in (("r", R, "rank_pattern"), ("lora_alpha", ALPHA, "alpha_pattern")):
        value = options.get(key, default)
        for pattern, other in (options.get(patterns) or {}).items():
            if re.match(rf"(.*\.)?({pattern})$", path):
                value = other
                break
        found.append(value)
    return found[0], found[1]
