"""The lines that build each kind of source with its own weights, in the words of its own library."""

from __future__ import annotations

import keyword
from dataclasses import dataclass

from freezecore import trainable_layers
from freezecore._estimate.quantized import kept_by_transformers, kept_layers, linear_layers
from freezecore._export.dense import IMPORTS, dense_lines
from freezecore._export.python import call, on_lines, quoted
from freezecore.cache import uploads
from freezecore.errors import ExportError
from freezecore.mask import Mask
from freezecore.source import ENCODERS, RANDOM, TASKS, ModelSource
from freezecore.tree import LayerTree

LEFT_TO_RIGHT = "is_decoder=True"  # else it sees the words that it is to predict
TOKENIZERS = {  # what transformers' tokenizers need and do not install, by a part of the model's name
    ("deberta-v2", "deberta-v3"): ("sentencepiece", "tiktoken"),
    ("bert-base-japanese", "bert-large-japanese"): ("fugashi", "unidic-lite"),
}

WITH_BACKBONE = (  # torchvision's, whose functions take `weights_backbone`
    "FasterRCNN", "MaskRCNN", "KeypointRCNN", "RetinaNet", "FCOS", "SSD", "FCN", "DeepLabV3", "LRASPP",
)  # fmt: skip
NEW_LAYERS = (
    "    layer = model.get_submodule(path)",
    "    rows, inputs = layer.weight.shape[:2]",
    '    kept = {k: v for k, v in vars(layer).items() if k in ("kernel_size", "stride", "padding")}',
    "    model.set_submodule(path, type(layer)(inputs, rows // classes * LABELS, **kept))",
    "for module in model.modules():",
    '    for key in {"num_classes", "num_columns"} & vars(module).keys():',
    "        if getattr(module, key) == classes:",
    "            setattr(module, key, LABELS)",
)


QUANTIZED = {  # as bitsandbytes keeps linear layers
    "nf4": [
        "load_in_4bit=True",
        'bnb_4bit_quant_type="nf4"',
        "bnb_4bit_use_double_quant=True",
        "bnb_4bit_compute_dtype=torch.bfloat16",
    ],
    "int8": ["load_in_8bit=True"],
}


@dataclass(frozen=True)
class Building:
    """Imports, and the lines after which `model` is the model."""

    imports: frozenset[str]
    lines: str


def building(
    source: ModelSource,
    tree: LayerTree,
    classes: int | None = None,
    model_id: str | None = None,
    mask: Mask | None = None,
) -> Building:
    """How to build the source; a torchvision detector by the number that says the mask, where one does.

    `classes` stands in the code as a parameter, to be replaced by a person's own number; `model_id` is the checkpoint
    that a `config:` source starts from.

    Raises:
        ExportError: the source cannot be written as an import.
    """
    root = tree.layers[0].type
    if source.scheme == "config" and model_id:
        found = building(source.with_(scheme="hf", name=model_id, weights="pretrained"), tree, classes)
        start = f"CHECKPOINT = {quoted(model_id)}  # to start from\n"
        return Building(found.imports, start + found.lines.replace(quoted(model_id), "CHECKPOINT"))
    source = source.with_(name=uploads.as_given(source.name))  # where the person has it
    if source.quantize and (source.scheme != "hf" or source.weights == "random"):
        raise ExportError(
            "bitsandbytes quantizes a model as transformers loads its weights, and {source} is not loaded so.",
            "Give a Hugging Face id or folder, or leave quantize out.",
            source=source,
        )
    labels = source.num_labels if classes is None else "NUM_CLASSES"
    if source.scheme == "timm":
        found = _timm(source, root, labels)
    elif source.scheme in ("hf", "config"):
        found = _transformers(source, root, labels, _skipped(tree) if source.quantize else [])
    elif source.scheme == "torchvision":
        found = _torchvision(source, tree, labels, mask)
    else:
        return _own(source, root)
    if classes is None:
        return found
    return Building(found.imports, f"NUM_CLASSES = {classes}  # put the number of your own\n{found.lines}")


def _timm(source: ModelSource, root: str, labels: int | str | None) -> Building:
    arguments = [quoted(source.name), f"pretrained={source.weights != 'random'}"]
    if task := source.dense_task:
        body = call("timm.create_model", arguments, taken=7)
        return Building(frozenset(IMPORTS[task]), dense_lines(task, body, labels))
    head = f"\nmodel.reset_classifier({labels})  # a new head" if labels is not None else ""
    if isinstance(labels, str):
        head = f"\nif model.num_classes != {labels}:\n    model.reset_classifier({labels})  # a new head"
    return Building(frozenset({"import timm"}), f"model = {call('timm.create_model', arguments, taken=8)}{head}")


def _torchvision(source: ModelSource, tree: LayerTree, labels: int | str | None, mask: Mask | None) -> Building:
    """`get_model` by name; where its own weights have another number of classes, the layers that have a row for each
    class are made anew."""
    name, _, tag = source.name.partition(".")
    dense = tree.layers[0].type in WITH_BACKBONE
    backbone = dense and tag.startswith("IMAGENET")
    random = tag == RANDOM
    weights = [f"weights={None if random or backbone else quoted(tag or 'DEFAULT')}"]
    weights += [f"weights_backbone={quoted(tag) if backbone else None}"] if dense and (random or backbone) else []
    if not random and (known := trainable_layers.stages(names := [p.name for p in tree.parameters])):
        number = trainable_layers.number(dict(zip(names, mask.trains, strict=True))) if mask else None
        weights += [f"trainable_backbone_layers={len(known) if number is None else number}"]
    imports = {"from torchvision.models import get_model"}
    if labels is None or random or backbone:
        weights += [] if labels is None else [f"num_classes={labels}"]
        return Building(frozenset(imports), f"model = {call('get_model', [quoted(name), *weights], taken=8)}")
    new = dict.fromkeys(p.owner for p in tree.parameters if p.new) or dict.fromkeys(tree.head)
    own = f"get_model_weights({quoted(name)}){f'[{quoted(tag)}]' if tag else '.DEFAULT'}"
    build = call("get_model", [quoted(name), *weights], taken=8)
    lines = [
        f"model = {build}",
        f'classes = len({own}.meta["categories"])  # of its weights',
        f"for path in ({', '.join(map(quoted, new))},):  # what has a row for each class",
        *NEW_LAYERS,
    ]
    imports = {"from torchvision.models import get_model, get_model_weights"}
    return Building(frozenset(imports), "\n".join(lines).replace("LABELS", str(labels)))


def _transformers(source: ModelSource, root: str, labels: int | str | None, kept: list[str]) -> Building:
    if source.scheme == "hf" and source.weights != "random":
        return _pretrained(source, root, labels, kept)
    labelled = [f"num_labels={labels}"] if labels is not None else []
    if root in ENCODERS:
        labelled.append(LEFT_TO_RIGHT)
    file = source.scheme == "hf" or source.name.endswith(".json") or source.name.startswith((".", "/", "~", "\\"))
    config = call(
        "AutoConfig.from_pretrained" if file else "AutoConfig.for_model", [quoted(source.name), *labelled], taken=9
    )
    name = _class_name(source, root)
    build = f"{name}.from_config(config)" if name.startswith("Auto") else f"{name}(config)"
    imports = frozenset({f"from transformers import AutoConfig, {name}"})
    note = "# Weights at random, as a config has none; from a checkpoint, with .from_pretrained.\n"
    return Building(imports, f"{'' if source.weights == 'random' else note}config = {config}\nmodel = {build}")


def _pretrained(source: ModelSource, root: str, labels: int | str | None, kept: list[str]) -> Building:
    name = _class_name(source, root)
    labelled = []
    if labels is not None:  # a head of another size is made anew
        labelled = [f"num_labels={labels}", "ignore_mismatched_sizes=True"]
    if root in ENCODERS:
        labelled.append(LEFT_TO_RIGHT)
    arguments = [quoted(source.name), *labelled, "dtype=torch.float32"]
    imports = frozenset({f"from transformers import {name}", "import torch"})
    before = ""
    if source.quantize:
        arguments = [*arguments[:-1], "dtype=torch.bfloat16", "quantization_config=quantized"]
        imports |= {"from transformers import BitsAndBytesConfig"}
        before = f"quantized = {call('BitsAndBytesConfig', QUANTIZED[source.quantize] + kept, taken=12)}\n"
    packages = tokenizer_packages(source)
    note = f"# Its tokenizer needs: pip install {' '.join(packages)}\n" if packages else ""
    return Building(imports, f"{note}{before}model = {call(f'{name}.from_pretrained', arguments, taken=8)}")


def _skipped(tree: LayerTree) -> list[str]:
    """What bitsandbytes is told to leave, where transformers would not: a new head, routers. A list of one's own
    replaces transformers' own."""
    kept = kept_layers(tree)
    if kept_by_transformers(tree).issuperset(kept):
        return []
    ends = tuple(dict.fromkeys(path.rpartition(".")[2] for path in kept))
    hit = [path for path in linear_layers(tree) if path.endswith(ends)]
    return [on_lines(f"llm_int8_skip_modules=[{', '.join(map(quoted, ends if hit == kept else kept))}]")]


def _class_name(source: ModelSource, root: str) -> str:
    """The auto class of the task, else the very class of the tree's root."""
    if source.task is not None:
        return TASKS[source.task]
    return root if root.isidentifier() and not keyword.iskeyword(root) else "AutoModel"


def _own(source: ModelSource, root: str) -> Building:
    """A function of the person's own; for a model file, whose code nobody has seen, one by a name to replace."""
    if source.scheme == "file":
        note = f"  # your own function, which returns the {root}" if root.isidentifier() else "  # your own function"
        return Building(frozenset({"from your_project import build_model"}), f"model = build_model(){note}")
    module, _, function = source.name.partition(":")
    parts = [*module.split("."), function]
    if not all(part.isidentifier() and part.isascii() and not keyword.iskeyword(part) for part in parts):
        raise ExportError(
            "'{source}' does not name a function that can be imported.",
            "Write something like py:package.module:function.",
            source=source,
        )
    return Building(frozenset({f"from {module} import {function}"}), f"model = {function}()")


def tokenizer_packages(source: ModelSource) -> tuple[str, ...]:
    """Packages that the source's tokenizer needs beside transformers."""
    name = source.name.lower()
    return next((packages for parts, packages in TOKENIZERS.items() if any(part in name for part in parts)), ())
