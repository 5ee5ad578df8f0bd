"""What the switches of LLaMA-Factory and ms-swift train, by their own code, on transformers' default configurations.

    python tests/freezecore/runtime/tree/record_switches.py FOLDER

`FOLDER` holds the two unpacked wheels (`pip download --no-deps llamafactory==0.9.5 ms-swift==4.6.0`, unzipped). Of each
only the functions that decide are run, cut out of its source by their names: the packages themselves ask for much more.
Writes `switches.json`: for each model and switch the outermost modules of which something trains.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Optional

os.environ.setdefault("HF_HUB_OFFLINE", "1")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[3]))

MODELS = {  # ours, with the name of its layout in ms-swift
    "llava": "llava_hf", "llava_next": "llava_hf", "qwen2_vl": "qwen2_vl", "qwen2_5_vl": "qwen2_vl",
    "qwen3_vl": "qwen3_vl", "qwen3_5": "qwen3_5", "internvl": "interns1", "gemma3": "llava_hf", "gemma3n": "gemma3n",
    "paligemma": "llava_hf", "mistral3": "llava_hf", "llama4": "llama4", "mllama": "llama3_2_vision",
    "idefics3": "idefics3", "glm4v": "glm4v", "qwen2_audio": "qwen2_audio",
}  # fmt: skip
LLAMA_FACTORY = {  # which of vision tower, projector and language model it freezes
    "vision frozen": (True, False, False),
    "vision and projector frozen": (True, True, False),
    "language frozen": (False, False, True),
    "projector only": (True, False, True),
}


def functions(file: Path, *names: str) -> dict:
    """These functions and classes of a source file, and the calls that register models, run alone."""
    tree = ast.parse(file.read_text())
    kept = [
        node
        for node in tree.body
        if getattr(node, "name", None) in names
        or (isinstance(node, ast.Expr) and getattr(getattr(node.value, "func", None), "id", "") in names)
    ]
    silent = SimpleNamespace(info_rank0=lambda *_: None, warning_rank0=lambda *_: None, warning=lambda *_: None)
    scope: dict = {
        "dataclass": dataclass, "field": field, "Optional": Optional, "logger": silent, "COMPOSITE_MODELS": {},
    }  # fmt: skip
    exec("from __future__ import annotations\n" + "\n".join(map(ast.unparse, kept)), scope)
    return scope


def llama_factory(folder: Path, model, switches: tuple[bool, bool, bool]) -> None:
    visual = functions(
        folder / "llamafactory/model/model_utils/visual.py",
        "CompositeModel", "_register_composite_model", "get_forbidden_modules",
    )  # fmt: skip
    full = functions(folder / "llamafactory/model/adapter.py", "_setup_full_tuning")
    full["get_forbidden_modules"] = visual["get_forbidden_modules"]
    vision, projector, language = switches
    options = SimpleNamespace(
        freeze_vision_tower=vision, freeze_multi_modal_projector=projector, freeze_language_model=language
    )
    if model.config.model_type not in visual["COMPOSITE_MODELS"]:
        raise KeyError(model.config.model_type)
    full["_setup_full_tuning"](model, options, True, False)


def ms_swift(folder: Path, model, layout: str, switches: tuple[bool, bool, bool]) -> None:
    import swift_layouts

    keys = swift_layouts.MODEL_ARCH_MAPPING[layout]
    module = functions(folder / "swift/utils/transformers_utils.py", "freeze_parameters", "activate_parameters")
    tuner = ast.parse((folder / "swift/arguments/tuner_args.py").read_text())
    method = next(node for node in ast.walk(tuner) if getattr(node, "name", "") == "_init_multimodal_full")
    scope = {"logger": SimpleNamespace(info=lambda *_: None)}
    exec(ast.unparse(method), scope)
    vision, projector, language = switches
    options = SimpleNamespace(
        model_meta=SimpleNamespace(model_arch=keys, is_multimodal=True), tuner_type="full", freeze_llm=language,
        freeze_vit=vision, freeze_aligner=projector, freeze_parameters=[], trainable_parameters=[],
    )  # fmt: skip
    scope["_init_multimodal_full"](options)
    module["freeze_parameters"](model, 0, options.freeze_parameters, None)
    module["activate_parameters"](model, options.trainable_parameters, None)


def outermost(model) -> list[str]:
    """The fewest modules, or parameters, that hold exactly what trains."""
    found: list[str] = []

    def visit(module, path: str) -> None:
        states = {p.requires_grad for p in module.parameters()}
        if states == {True} and path:
            found.append(path)
        elif True in states:
            dot = f"{path}." if path else ""
            found.extend(dot + name for name, p in module.named_parameters(recurse=False) if p.requires_grad)
            for name, child in module.named_children():
                visit(child, dot + name)

    visit(model, "")
    return found


def main() -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    from freezecore.runtime.build.source import build
    from freezecore.source import ModelSource

    folder = Path(sys.argv[1])
    place = spec_from_file_location("swift_layouts", folder / "swift/model/model_arch.py")
    sys.modules["swift_layouts"] = layouts = module_from_spec(place)
    place.loader.exec_module(layouts)
    rows: dict = {}
    for name, layout in MODELS.items():
        for switch, frozen in LLAMA_FACTORY.items():
            for trainer, apply in (
                ("llama-factory", lambda m, f: llama_factory(folder, m, f)),
                ("ms-swift", lambda m, f, layout=layout: ms_swift(folder, m, layout, f)),
            ):
                model = build(ModelSource.parse(f"config:{name}", task=task_of(name))).model
                try:
                    apply(model, frozen)
                except KeyError:
                    continue
                rows.setdefault(name, {}).setdefault(switch, {})[trainer] = outermost(model)
        print(name, json.dumps(rows.get(name, {}).get("projector only")), flush=True)
    versions = {"llamafactory": "0.9.5", "ms-swift": "4.6.0"}
    (HERE / "switches.json").write_text(json.dumps({"versions": versions, "rows": rows}, indent=1) + "\n")


def task_of(name: str) -> str | None:
    return "seq2seq-lm" if name == "qwen2_audio" else "image-text-to-text"


if __name__ == "__main__":
    main()
