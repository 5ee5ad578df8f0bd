"""Trainers' configurations: each by its own library's rule, over the names of the model that is open.

The rules are those of LLaMA-Factory's `adapter.py` and `visual.py`, axolotl's `freeze.py`, ms-swift's
`transformers_utils.py`, Ultralytics' `BaseTrainer`, torchvision's `_resnet_fpn_extractor`, OpenMMLab's
`ResNet._freeze_stages` and PEFT's `_set_trainable`. Tests hold them against values that this code gave.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate

from freezecore import trainer_parts
from freezecore._export.llama_factory import Keys, hit
from freezecore.errors import ExportError, RuleError, shortened
from freezecore.importing import openmmlab
from freezecore.importing.execution.standins import peft_rules
from freezecore.importing.imported import Imported, Unread, spec_of
from freezecore.mask import Mask
from freezecore.rules.regexes import compile_bounded
from freezecore.sentences import clause, say
from freezecore.trainer_parts import language_towers
from freezecore.tree import LayerTree

MOST = 10_000
ROWS = re.compile(r"^(.+)\[([0-9]*)(?::([0-9]*))?\]$")
BASES = ("_base_", "__base__", "_BASE_", "defaults")
INCLUDES = ("base", "base_config", "cfg", "config", "extends", "include", "inherit", "parent")  # where they name a file
FILE = re.compile(r"\.(ya?ml|json|toml|py|cfg)$")
MULTIMODAL = {  # axolotl's names of what is no language model
    "vision_tower", "vision_model", "vision_encoder", "embed_vision", "multi_modal_projector", "visual", "audio_tower",
    "audio_model", "embed_audio",
}  # fmt: skip


@dataclass
class Reading:
    """A configuration being read: what trains, and what it names that the model does not have."""

    text: str
    mapping: dict
    tree: LayerTree
    trains: list[bool]
    missing: list[str] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def model_class(self) -> str:
        """The name of the whole model's class; empty where the tree has none."""
        return self.tree.layers[0].type if self.tree.layers else ""

    def set(self, value: bool, hits: Callable[[str], object]) -> None:
        """Freeze or train each parameter whose name is hit."""
        for i, parameter in enumerate(self.tree.parameters):
            if hits(parameter.name):
                self.trains[i] = value

    def leave(self, key: str, why: str, number: int = 1) -> None:
        """That a key is not followed, with its line; of a key that stands several times, the line of its number."""
        lines = self.text.splitlines()
        stands = [n for n, line in enumerate(lines, 1) if re.match(rf"\W*{re.escape(key)}\W", line)] or [1]
        at = stands[min(number, len(stands)) - 1]
        self.unread.append(Unread(at, lines[at - 1].strip() if lines else "", why))

    def number(self, key: str, default: int) -> int:
        value = self.mapping.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST:
            hint = say("It is a number, such as 2, or -2 for the first.")
            raise ExportError("{key} is '{value}'.", hint, key=key, value=shortened(str(value)))
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts, or one text with commas between them."""
        value = self.mapping.get(key) or []
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",")]
        if not isinstance(value, list) or len(value) > MOST or not all(isinstance(item, str) for item in value):
            raise ExportError("'{key}' is no list of names.", "Write one name a line, each after a dash.", key=key)
        return [item for item in value if item]


def read_configuration(text: str, mapping: dict, tree: LayerTree, top: dict | None = None) -> Imported | None:
    """The selection of a configuration; None where it has none of the keys that say what to freeze.

    `top` is the whole configuration where `mapping` is a part of it.
    """
    for keys, kind, read in READERS:
        if any(key in mapping for key in keys):
            found = Reading(text, mapping, tree, list(Mask.as_author(tree).trains))
            if read(found) is False:
                continue
            for key in bases_of(top or mapping):
                found.leave(key, say("the configuration that this one stands on is not pasted along"))
            return _imported(kind, found)
    parts = list(_nested(mapping))
    whole = read_configuration(text, parts[0], tree, top or mapping) if parts else None
    if whole is None:
        return None
    left = Reading(text, mapping, tree, [])
    for number, other in enumerate(parts[1:], 2):
        key = next(key for keys, *_ in READERS for key in keys if key in other)
        left.leave(key, say("only the first part with a key that freezes is followed"), number)
    return replace(whole, unread=(*whole.unread, *left.unread))


def bases_of(mapping: dict) -> list[str]:
    """The keys under which a configuration names others that it stands on, as `_base_` or Hydra's `defaults`."""
    held = {key: value if isinstance(value, list) else [value] for key, value in mapping.items()}
    named = [key for key in BASES if any(each not in (None, "_self_") for each in held.get(key, ()))]
    files = [key for key in INCLUDES if any(isinstance(each, str) and FILE.search(each) for each in held.get(key, ()))]
    return named + files


def _nested(mapping: dict, depth: int = 4) -> Iterator[dict]:
    """The inner mappings that have such a key, as `model: {backbone: {frozen_stages: 1}}`."""
    for value in mapping.values() if depth else ():
        if isinstance(value, dict):
            if any(key in value for keys, *_ in READERS for key in keys):
                yield value
            else:
                yield from _nested(value, depth - 1)


def read_axolotl(found: Reading) -> None:
    """What `unfrozen_parameters` lets train, else all or what adapters leave; without `freeze_mm_modules`' parts."""
    patterns = found.mapping.get("unfrozen_parameters")
    if patterns:
        _unfrozen(found, [patterns] if isinstance(patterns, str) else patterns)
    elif found.mapping.get("adapter"):
        read_modules_to_save(found, "lora_modules_to_save")
    else:
        found.trains = [True] * len(found.trains)
    if found.mapping.get("freeze_mm_modules") is True:
        found.set(False, lambda name: MULTIMODAL & set(name.split(".")))


def _unfrozen(found: Reading, patterns: object) -> None:
    """From a name's beginning, dots literal unless a plus follows."""
    found.trains = [False] * len(found.trains)
    if not isinstance(patterns, list) or not all(isinstance(item, str) for item in patterns):
        raise ExportError("'unfrozen_parameters' is no list of names.", "Write one name a line, each after a dash.")
    for number, pattern in enumerate(patterns[:MOST], 1):
        if ROWS.match(pattern):
            why = say("it trains some rows of a tensor, which trains whole or not at all")
            found.unread.append(Unread(number, pattern, why))
            continue
        try:
            regex = compile_bounded(re.sub(r"\.(?!\+)", r"\\.", pattern))
        except RuleError as error:
            found.unread.append(Unread(number, pattern, clause(error.problem)))
            continue
        if not any(regex.match(p.name) for p in found.tree.parameters):
            found.missing.append(pattern)
        found.set(True, regex.match)


def read_llama_factory(found: Reading) -> bool:
    """LLaMA-Factory: everything, the chosen blocks, or what is saved beside adapters, without the forbidden parts."""
    mapping = found.mapping
    kind = mapping.get("finetuning_type", "freeze" if FREEZE_KEYS & set(mapping) else "lora")
    if kind == "full":
        found.trains = [True] * len(found.trains)
    elif kind == "freeze":
        _llama_factory_blocks(found)
    elif kind in ("lora", "oft"):
        return read_modules_to_save(found, "additional_target")
    else:
        found.leave("finetuning_type", say("what '{name}' trains is not known", name=shortened(str(kind))))
        return True
    for part in _forbidden(found):
        found.set(False, partial(_has, part))
    return True


FREEZE_KEYS = {"freeze_trainable_layers", "freeze_trainable_modules", "freeze_extra_modules"}


def _llama_factory_blocks(found: Reading) -> None:
    layers = found.number("freeze_trainable_layers", 2)
    modules, extra = found.texts("freeze_trainable_modules") or ["all"], found.texts("freeze_extra_modules")
    names, blocks = [p.name for p in found.tree.parameters], _language_blocks(found.tree)
    if found.mapping.get("use_llama_pro") is True:
        if layers <= 0 or blocks % layers:
            raise ExportError(
                "use_llama_pro divides {blocks} blocks by {layers}, which leaves a rest.",
                "LLaMA-Factory refuses it too.",
                blocks=blocks,
                layers=layers,
            )
        fragments = [f".{i}." for i in range(blocks // layers - 1, blocks, blocks // layers)]
        chosen = {name for name in names if any(fragment in name for fragment in (*fragments, *extra))}
    else:
        chosen = set(hit(Keys(layers, tuple(modules), tuple(extra)), names, blocks))
    if found.mapping.get("freeze_multi_modal_projector") is False:
        known = trainer_parts.of_llama_factory(found.model_class)
        projector = known.projector if known else ()
        chosen |= {name for name in names if any(part in name for part in projector)}
    parts = {part for name in names for part in name.split(".")}
    found.missing += [module for module in (*modules, *extra) if module != "all" and module not in parts]
    found.trains = [name in chosen for name in names]


def _language_blocks(tree: LayerTree) -> int:
    """How many blocks the language model has: LLaMA-Factory counts those of the text configuration."""
    sizes = {len(t.blocks): sum(tree.layer_at[b].parameters for b in t.blocks) for t in language_towers(tree)}
    return max(sizes, key=lambda count: sizes[count], default=0)


def _forbidden(found: Reading) -> list[str]:
    """The parts that LLaMA-Factory freezes whatever else is said: those of a multimodal model."""
    kind = found.model_class
    known, forbidden = trainer_parts.of_llama_factory(kind), []
    for key, part, default in (
        ("freeze_vision_tower", "vision", True),
        ("freeze_multi_modal_projector", "projector", True),
        ("freeze_language_model", "language", False),
    ):
        if known and found.mapping.get(key, default) is True:
            forbidden += getattr(known, part)
        elif not known and key in found.mapping and len(found.tree.towers) > 1:
            found.leave(key, say("the parts of '{name}' are not known to LLaMA-Factory's table here", name=kind))
    return forbidden


def read_modules_to_save(found: Reading, key: str = "") -> bool:
    """What PEFT trains beside its adapters: modules whose path ends so, a task's head, and all biases where said."""
    mapping = found.mapping
    key = key or next(
        (each for each in ("modules_to_save", "lora_modules_to_save") if each in mapping), "modules_to_save"
    )
    found.trains = [False] * len(found.trains)
    modules = found.texts(key)
    for path in found.tree.below:
        if path and peft_rules.saved(path, modules, mapping.get("task_type")):
            for i in found.tree.under(path):
                found.trains[i] = True
    found.missing += [name for name in modules if not any(path.endswith(name) for path in found.tree.below)]
    if mapping.get("bias") == "all":
        found.set(True, partial(_has, "bias"))
    elif mapping.get("bias") == "lora_only":
        found.leave("bias", say("which biases its adapters have is not followed"))
    if not any(found.trains) and not modules:
        found.notes.append(say("Adapters train beside the model, of which nothing trains."))
    return True


def read_swift(found: Reading) -> bool:
    """ms-swift: a share from the first parameter on, prefixes and expressions; what is trainable wins."""
    mapping, tree = found.mapping, found.tree
    full = any(key in mapping for key in SWIFT if "parameters" in key)  # which are read for full training alone
    if str(mapping.get("tuner_type", mapping.get("train_type", "full" if full else "lora"))) != "full":
        return read_modules_to_save(found, "modules_to_save")
    found.trains = [True] * len(found.trains)
    frozen, trained = found.texts("freeze_parameters"), found.texts("trainable_parameters")
    named = (*frozen, *trained)
    ratio = mapping.get("freeze_parameters_ratio", 0)
    if isinstance(ratio, (int, float)) and ratio > 0:
        sizes = list(accumulate(tree.sizes))
        for i in range(bisect_right(sizes, int(sizes[-1] * ratio))):
            found.trains[i] = False
    kind = found.model_class
    parts = trainer_parts.of_ms_swift(kind)
    if parts is not None:
        frozen += parts.language if mapping.get("freeze_llm", False) else ()
        frozen += parts.vision if mapping.get("freeze_vit", True) else ()
        (frozen if mapping.get("freeze_aligner", True) else trained).extend(parts.projector)
        frozen += parts.generator
    for key in ("freeze_llm", "freeze_vit", "freeze_aligner"):
        if parts is None and mapping.get(key):
            found.leave(key, say("the parts of '{name}' are not known to ms-swift's table here", name=kind))
    for value, prefixes, key in (
        (False, frozen, "freeze_parameters_regex"),
        (True, trained, "trainable_parameters_regex"),
    ):
        found.set(value, partial(_begins, tuple(prefixes)))
        if mapping.get(key):
            try:
                found.set(value, compile_bounded(str(mapping[key])).search)
            except RuleError as error:
                found.leave(key, clause(error.problem))
    found.missing += [each for each in named if not any(p.name.startswith(each) for p in tree.parameters)]
    return True


def read_ultralytics(found: Reading) -> bool:
    """Ultralytics: the first N layers of `model.N.…`, or those listed, and always the distribution's own."""
    value = found.mapping["freeze"]
    layers = range(value) if isinstance(value, int) and not isinstance(value, bool) else value
    known = isinstance(layers, (list, range)) and all(isinstance(each, int) for each in layers)
    if not known or not any(re.match(r"(model\.)+\d+\.", p.name) for p in found.tree.parameters):
        return False
    names = [f"model.{layer}." for layer in layers] + [".dfl"]
    found.trains = [not any(name in p.name for name in names) for p in found.tree.parameters]
    return True


def read_torchvision(found: Reading) -> None:
    """torchvision's detectors: of a ResNet's five stages the last so many train, its first norm only with all."""
    count = found.number("trainable_backbone_layers", 3)
    trains = ["layer4", "layer3", "layer2", "layer1", "conv1"][:count] + ["bn1"] * (count == 5)
    body = [p.name for p in found.tree.parameters if p.name.startswith("backbone.body.")]
    if not body:
        found.leave("trainable_backbone_layers", say("this model has no 'backbone.body'"))
    found.set(False, lambda name: name in set(body) and not name[len("backbone.body.") :].startswith(tuple(trains)))


def read_openmmlab(found: Reading) -> None:
    """OpenMMLab: the stem and the first so many stages of the backbone, and norms where said."""
    backbone = openmmlab.backbone_of(found.tree)
    paths = openmmlab.frozen_paths(found.number("frozen_stages", -1), found.mapping, backbone)
    if paths is None:
        found.leave("frozen_stages", say("this model has {count} stages", count=len(backbone["stages"])))
    for path in paths or ():
        for i in found.tree.under(path):
            found.trains[i] = False


def _imported(kind: str, found: Reading) -> Imported:
    trains = found.trains
    if not any(trains) and not found.notes:
        first = found.missing[0] if found.missing else found.unread[0].text if found.unread else "none"
        raise ExportError(
            "Nothing of {source} trains under these keys: '{rule}' hits nothing.",
            "They may be of another model.",
            source=shortened(found.tree.source),
            rule=shortened(first),
        )
    spec = spec_of(found.tree, trains)
    return Imported(kind, spec, missing=_once(found.missing), unread=tuple(found.unread), notes=tuple(found.notes))


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


SWIFT = ("freeze_llm", "freeze_vit", "freeze_aligner", "freeze_parameters", "freeze_parameters_ratio",
         "freeze_parameters_regex", "trainable_parameters", "trainable_parameters_regex")  # fmt: skip
READERS = (
    (("unfrozen_parameters", "freeze_mm_modules"), "axolotl", read_axolotl),
    (SWIFT, "ms-swift", read_swift),
    ((*FREEZE_KEYS, "finetuning_type", "use_llama_pro", "additional_target", "freeze_vision_tower",
      "freeze_multi_modal_projector", "freeze_language_model"), "llama-factory", read_llama_factory),
    (("trainable_backbone_layers",), "torchvision", read_torchvision),
    (("frozen_stages",), "openmmlab", read_openmmlab),
    (("freeze",), "ultralytics", read_ultralytics),
    (("modules_to_save", "lora_modules_to_save", "peft_type"), "peft", read_modules_to_save),
)  # fmt: skip


def _has(part: str, name: str) -> bool:
    return part in name


def _begins(prefixes: tuple[str, ...], name: str) -> bool:
    return name.startswith(prefixes)
