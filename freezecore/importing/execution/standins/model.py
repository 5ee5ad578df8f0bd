"""The stand-in of the model that is open: a module for each layer of the tree, a parameter for each of its own."""

from __future__ import annotations

import re

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.framework import Partial
from freezecore.importing.execution.standins.library import PLAIN_ATTRIBUTES
from freezecore.importing.execution.standins.module import (
    IN_TREE,
    KINDS,
    MAKERS,
    Module,
    Tensor,
    TorchParameter,
    kind_of,
)
from freezecore.importing.execution.unknown import Unknown

WITH_BIAS = {"nn.Linear", "nn._ConvNd", "nn._NormBase", "nn.LayerNorm", "nn.GroupNorm"}
HOLDERS = ("model", "module", "net", "network", "auto_model", "pretrained_model", "_orig_mod")
BODIES = ("backbone", "base_model", "body", "trunk", "feature_extractor")
PARTS_CONFIGURED = ("text_config", "vision_config", "audio_config", "llm_config", "encoder", "decoder")
BASE = re.compile(r"(V\d)?(Text|Vision|Encoder)?Model$")


class Blueprint:
    """The tree as it comes from outside: source, layers, parameters and the head, as plain lists."""

    def __init__(self, tree: dict) -> None:
        self.source, self.head, self.backbone = tree["source"], tree["head"], tree["backbone"]
        self.towers = tree["towers"]  # paths of each one's blocks
        self.layers = tree["layers"]  # [path, class, bases, aliases]
        self.parameters = tree["parameters"]  # [name, shape, dtype, frozen by its author, aliases]
        kinds = {bases[0] for _, _, bases, _ in self.layers if bases}
        for name in [name for name in KINDS if name not in kinds and name not in MAKERS]:
            del KINDS[name]

    def build(self) -> Module:
        """A fresh stand-in; it is noted as one of the run's models."""
        at: dict[str, Module] = {}
        for path, kind, bases, aliases in self.layers:
            made = Module.__new__(kind_of(bases[0] if bases else kind, tuple(bases)))
            vars(made)["_fx_path"] = path
            if WITH_BIAS & set(bases):
                made._parameters.update(weight=None, bias=None)
            at.update(dict.fromkeys((path, *aliases), made))
        for path, _, _, aliases in self.layers:  # an alias may stand before the module that holds it
            for each in filter(None, (path, *aliases)):
                above, _, name = each.rpartition(".")
                at[above]._modules[name] = at[path]
        for name, shape, dtype, frozen, aliases in self.parameters:
            made = TorchParameter(Tensor(tuple(shape), dtype), not frozen)
            vars(made).update(_fx_name=name, _fx_dtype=dtype)
            for each in (name, *aliases):
                above, _, last = each.rpartition(".")
                if above in at:
                    at[above]._parameters[last] = made
        root = at[""]
        vars(root)["_fx_born"] = now().now()
        now().models.append(root)
        return root


class Open:
    """The tree that is open, for the stand-ins of libraries that build models."""

    blueprint: Blueprint


class Configuration(Partial):
    """`model.config` of a model with one row of layers, whose number is all that the tree tells of it."""

    def __init__(self, layers: int) -> None:
        vars(self)["num_hidden_layers"] = layers

    def __getattr__(self, name: str):
        if name in PARTS_CONFIGURED:
            raise AttributeError(f"'config' has no '{name}'")
        return Partial.__getattr__(self, name)


def _row_of_layers(towers: list) -> int:
    """How many layers a model's only row has; 0 where there are others, or they stand otherwise than one by one."""
    blocks = towers[0] if len(towers) == 1 else []
    above = {path.rpartition(".")[0] for path in blocks}
    numbered = [path.rpartition(".")[2] for path in blocks] == [str(i) for i in range(len(blocks))]
    return len(blocks) if len(blocks) > 1 and len(above) == 1 and numbered else 0


def built(name, library: str = ""):
    """What a call that builds the model of this name gives: the stand-in, or something unknown for a second model."""
    run = now()
    if type(name) is Unknown:  # `resnet18`, used without its import, names a model; `args.arch` names none
        name = name._fx_path if name._fx_path.isidentifier() else ""
    name = str(name or "")
    run.names += [name] if name else []
    if run.chosen is None:
        run.chosen = name or None
    if name and name != run.chosen:
        return Unknown(name, library=True)
    if library == "torchvision" and Open.blueprint.source.startswith("timm:") and "resne" not in name.lower():
        run.note(
            "It builds torchvision's '{name}', whose modules stand in another order than timm's: what it counts off "
            "may be another part here.",
            name=name,
        )
    return Open.blueprint.build()


def base_of(root: Module) -> Module:
    """The model without its head where one child holds it, as `BertForSequenceClassification.bert`; else itself."""
    if "For" not in type(root).__name__:
        return root
    sizes = {name: sum(1 for _ in child.parameters()) for name, child in root.named_children()}
    best = max(sizes, key=lambda name: sizes[name], default=None)
    return root._modules[best] if best is not None and 2 * sizes[best] > sum(sizes.values()) else root


def heads(root: Module) -> list[Module]:
    """The modules that make the prediction."""
    found = []
    for path in Open.blueprint.head:
        try:
            found.append(root.get_submodule(path))
        except (AttributeError, KeyError):
            continue
    return [each for each in found if isinstance(each, Module)]


def without_head(root: Module) -> Module:
    """The root without the modules of its head."""
    gone = {id(each) for each in heads(root)}
    made = Module.__new__(Module)
    made._modules.update({name: each for name, each in root._modules.items() if id(each) not in gone})
    made._parameters.update(root._parameters)
    return made


def _lacking(module: Module, name: str):
    found = _found_elsewhere(module, name)
    if now().trying and type(found) is Unknown and found._fx_lacks and name not in PLAIN_ATTRIBUTES:
        raise AttributeError(f"'{type(module).__name__}' has no '{name}'")
    return found


def _found_elsewhere(module: Module, name: str):
    if module._fx_path == "":
        return _lacking_root(module, name)
    found = Module._fx_plain(module, name)
    if type(found) is Unknown and found._fx_about:
        return Unknown(f"{module._fx_path}.{name}", about=True, lacks=f"{module._fx_path}.{name}")
    return found


def _lacking_root(root: Module, name: str):
    """Fragments reach the model through whatever holds it; a base model is found with and without its prefix."""
    if name in OWN:
        return lambda *args, **kwargs: OWN[name](root, *args, **kwargs)
    of_transformers = Open.blueprint.source.startswith(("hf:", "config:"))
    if name == "config" and of_transformers and (layers := _row_of_layers(Open.blueprint.towers)):
        return Configuration(layers)
    part = PARTS_FROZEN.get(name)
    if part and of_transformers and _part(root, part):
        return lambda *args, **kwargs: _freeze(_part(root, part))
    if name in HOLDERS or BASE.sub("", type(root).__name__).lower() == name.lower():
        return root
    if name in BODIES:
        base = base_of(root)
        if base is not root:
            return base
        now().note("'{name}' is not in this model: all but its head is taken for it.", name=name)
        return without_head(root)
    inside = [child for child in root.children() if name in child._modules]
    if len(inside) == 1:
        now().note("'{name}' is taken for '{path}.{name}'.", name=name, path=inside[0]._fx_path)
        return inside[0]._modules[name]
    found = Module._fx_plain(root, name)
    return Unknown(name, about=True, lacks=name) if type(found) is Unknown and found._fx_about else found


def remove_classifier(root: Module) -> None:
    """timm's `num_classes=0`: nothing stands where the last layers stood."""
    for path in Open.blueprint.head:
        above, _, name = path.rpartition(".")
        held = root.get_submodule(above)
        if name in held._modules:
            held._fx_put(name, kind_of("nn.Identity")())


def _reset_classifier(root: Module, num_classes=None, *args, **kwargs) -> None:
    """timm's: a new head, whose parameters train."""
    if num_classes == 0:
        remove_classifier(root)
        return
    for head in heads(root):
        for module in head.modules():
            for name, old in module._parameters.items():
                if old is not None:
                    new = TorchParameter(Tensor(None, old._fx_dtype))
                    vars(new)["_fx_name"] = old._fx_name
                    module._parameters[name] = new
                    if old._fx_value is not True:
                        now().set(new, True, was=old._fx_value)


def _get_classifier(root: Module, *args):
    found = heads(root)
    return found[0] if len(found) == 1 else tuple(found)


def _part(root: Module, part: str) -> list[TorchParameter]:
    return [parameter for name, parameter in root.named_parameters() if f".{part}." in f".{name}"]


def _freeze(parameters: list[TorchParameter]) -> None:
    for parameter in parameters:
        parameter._fx_set(False)


def _freeze_base(root: Module, *args) -> None:
    base_of(root).requires_grad_(False)


def _input_embeddings(root: Module, *args):
    for name, module in root.named_modules():
        if name.rpartition(".")[2] in ("word_embeddings", "embed_tokens", "wte", "shared", "tok_embeddings"):
            return module
    return Unknown("get_input_embeddings()", about=True, lacks="get_input_embeddings()")


PARTS_FROZEN = {  # what methods of transformers' classes freeze
    "freeze_feature_encoder": "feature_extractor",
    "freeze_feature_extractor": "feature_extractor",
    "freeze_encoder": "encoder",
    "freeze_text_encoder": "text_encoder",
    "freeze_audio_encoder": "audio_encoder",
    "freeze_depth_decoder": "depth_decoder",
}
OWN = {
    "reset_classifier": _reset_classifier,
    "get_classifier": _get_classifier,
    "get_output_embeddings": _get_classifier,
    "get_input_embeddings": _input_embeddings,
    "freeze_base_model": _freeze_base,
    "freeze": lambda root, *args: root.requires_grad_(False),
    "unfreeze": lambda root, *args: root.requires_grad_(True),
    **dict.fromkeys(
        ("gradient_checkpointing_enable", "enable_input_require_grads", "resize_token_embeddings", "tie_weights",
         "set_grad_checkpointing", "save_pretrained", "push_to_hub", "print_trainable_parameters", "get_base_model"),
        lambda root, *args, **kwargs: root,
    ),
}  # fmt: skip
IN_TREE[:] = [_lacking]
