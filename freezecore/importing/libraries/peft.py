"""PEFT: the layers that its adapters join, by `freezecore.peft_rules`, and what trains beside them."""

from __future__ import annotations

from collections.abc import Mapping

from freezecore import peft_experts, peft_rules
from freezecore.errors import ExportError, RuleError, shortened
from freezecore.importing.libraries.reading import Reading
from freezecore.rules.regexes import compile_bounded
from freezecore.sentences import clause, say

KEYS = ("modules_to_save", "lora_modules_to_save", "peft_type")
LISTS = ("target_modules", "target_parameters", "exclude_modules", "modules_to_save", "layers_pattern")
NAMES = ("modules_to_save", "target_parameters")
ELSEWHERE = ("layer_replication", "lora_bias", "use_qalora")
OPTIONS = (*LISTS, *ELSEWHERE, "peft_type", "task_type", "bias", "layers_to_transform", "r", "lora_alpha",
           "lora_dropout", "use_rslora", "use_dora", "rank_pattern", "alpha_pattern",
           "trainable_token_indices")  # fmt: skip
ITSELF = {name: name for name in OPTIONS} | {"modules_to_save ": "lora_modules_to_save"}


def options_of(found: Reading, keys: Mapping[str, str] = ITSELF) -> dict:
    """PEFT's options, which a library's configuration has under keys of its own; a list may be a text with commas."""
    options = {name.strip(): found.mapping[key] for name, key in keys.items() if found.mapping.get(key) is not None}
    for name in LISTS:
        whole = name not in NAMES and isinstance(options.get(name), str)  # in others a text is an expression
        if name in options and not whole:
            options[name] = found.texts(next(key for key in keys.values() if found.mapping.get(key) is options[name]))
    return options


def read(found: Reading, options: dict | None = None, keys: Mapping[str, str] = ITSELF) -> bool:
    """What trains beside adapters, by the rule of PEFT's `_set_trainable`, and which layers the adapters join."""
    options = options_of(found) if options is None else options
    found.trains = [False] * len(found.trains)
    for path in found.tree.below:
        if path and peft_rules.saved(path, options):
            for i in found.tree.under(path):
                found.trains[i] = True
    asked = options.get("modules_to_save") or ()
    found.missing += [name for name in asked if not any(path.endswith(name) for path in found.tree.below)]
    joined = _joined(found, options, keys)
    bias = options.get("bias")
    if bias in ("all", "lora_only"):
        ends = {f"{path}.bias" for path in joined}
        found.set(True, lambda name: name in ends or bias == "all" and name.rpartition(".")[2] == "bias")
    if not any(found.trains) and not asked:
        found.notes.append(say("Adapters train beside the model, of which nothing trains."))
    return True


def _joined(found: Reading, options: dict, keys: Mapping[str, str]) -> list[str]:
    """The layers that adapters join, noted in the reading; what is not followed is told."""
    kind = str(options.get("peft_type", "LORA"))
    if kind.upper() != "LORA":
        found.leave("peft_type", say("of adapters only LoRA is followed, not '{name}'", name=shortened(kind)))
        return []
    for name in ELSEWHERE:
        if options.get(name):
            found.leave(keys[name], say("'{name}' of an adapter is not followed", name=keys[name]))
    found.tokens = _tokens(found, options, keys)
    targets = options.setdefault("target_modules", peft_rules.usual_targets(found.model_class))
    if targets is None:
        why = say("PEFT has no usual targets for '{name}': name its target_modules", name=found.model_class)
        found.leave(keys["target_modules"], why)
        return []
    modules = {layer.path: layer.bases for layer in found.tree.layers}
    made_for = str(found.mapping.get("base_model_name_or_path") or "")
    names = [p.name for p in found.tree.parameters]
    try:
        options |= peft_experts.converted(options, modules, names, found.tree.head, compile_bounded)
        joined = peft_rules.adapted(options, modules, found.tree.head, compile_bounded)
    except RuleError as error:
        found.leave(keys["target_modules"], clause(error.problem))
        return []
    tensors = peft_experts.tensors(options, names)
    if targets and not joined and not tensors:
        raise ExportError(
            "This adapter joins nothing of {source}: '{name}' is not in it.",
            "It was made for '{base}'." if made_for else "It may be for another model.",
            source=shortened(found.tree.source),
            name=shortened(targets if isinstance(targets, str) else str(next(iter(targets)))),
            base=shortened(made_for),
        )
    if made_for and made_for.rpartition("/")[2] != found.tree.source.rpartition("/")[2]:
        found.notes.append(say("It was made for '{name}'.", name=shortened(made_for)))
    for path in list(joined):
        if refusal := peft_rules.refusal(path, options, modules[path]):
            joined.remove(path)
            found.leave(keys["target_modules"], refusal)
    for name in list(tensors):
        if refusal := peft_experts.refused_tensor(name, found.tree.parameters[found.tree.index[name]].shape, options):
            tensors.remove(name)
            found.leave(keys["target_modules"], refusal)
    switches = [options.get(name) is True for name in ("use_rslora", "use_dora")]
    for path in (*joined, *tensors):
        r, alpha = peft_rules.scale_of(path, options)
        found.adapters.append((path, r, alpha, options.get("lora_dropout"), *switches))
    return joined


def _tokens(found: Reading, options: dict, keys: Mapping[str, str]) -> list[int]:
    """Rows of the table of words that train beside the adapters; others are told."""
    weights = ((p.owner, p) for p in found.tree.parameters if p.owner in found.tree.layer_at)
    tables = {path: p.shape[0] for path, p in weights if "nn.Embedding" in found.tree.layer_at[path].bases}
    rows = peft_rules.token_rows(options, tables)
    if rows is None:
        key = keys["trainable_token_indices"]
        found.leave(key, say("'{name}' of an adapter is not followed", name=key))
    return rows or []
