"""A `LoraConfig` carried out on the stand-in of a model: what it joins, and what trains beside adapters."""

from __future__ import annotations

from freezecore import peft_experts, peft_rules
from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.lora_layers import LoraLayer, SavedModule
from freezecore.importing.execution.standins.lora_targets import followed, modules_joined
from freezecore.importing.execution.standins.model import Open
from freezecore.importing.execution.standins.module import Module, bases_of
from freezecore.importing.execution.unknown import Unknown

READ = (
    "target_modules",
    "target_parameters",
    "exclude_modules",
    "layers_to_transform",
    "layers_pattern",
    "modules_to_save",
)
SCALE = ("r", "lora_alpha", "lora_dropout", "rank_pattern", "alpha_pattern", "bias")
MORE = ("lora_dropout", "use_rslora", "use_dora")


def join(model: Module, options: dict) -> None:
    """Put adapters into the model, of which nothing trains, and let train what trains beside them."""
    options = {name: value for name, value in options.items() if value is not None}
    if Unknown in (type(options.get(name)) for name in READ):
        now().tell("what its adapter configuration names is not known")
        return
    modules, parameters = dict(model.named_modules()), dict(model.named_parameters())
    for name in [name for name in SCALE if type(options.get(name)) is Unknown]:
        now().tell("'{name}' of its adapter is not known; PEFT's own was taken", name=name)
        del options[name]
    joined = modules_joined(options, {path: bases_of(type(module)) for path, module in modules.items()}, parameters)
    tensors = {name: name.rpartition(".")[0] for name in peft_experts.tensors(options, parameters)}
    layers = {path: _put(model, path, LoraLayer(modules[path])) for path in (*joined, *tensors.values())}
    for path in (*joined, *followed(tensors, parameters, options)):
        said = map(_plain, (*peft_rules.scale_of(path, options), *map(options.get, MORE)))
        name = parameters[path]._fx_name if path in tensors else modules[path]._fx_path
        now().adapters.append((name, *said, layers[tensors.get(path, path)]))
    _train_tokens(options)
    for path, module in modules.items():
        if path and peft_rules.saved(path, options):
            _put(model, path, SavedModule(module))
    bias = options.get("bias")
    for path, module in modules.items() if bias in ("all", "lora_only") else ():
        found = module._parameters.get("bias")
        if found is not None and (bias == "all" or path in joined):
            found._fx_set(True)


def _train_tokens(options: dict) -> None:
    """Rows of the table of words that train beside the adapters; others are told."""
    tables = {path for path, _, bases, _ in Open.blueprint.layers if "nn.Embedding" in bases}
    weights = ((name.rpartition(".")[0], shape) for name, shape, *_ in Open.blueprint.parameters)
    rows = peft_rules.token_rows(options, {path: shape[0] for path, shape in weights if path in tables})
    if rows is None:
        now().tell("'{name}' of an adapter is not followed", name="trainable_token_indices")
    now().tokens = rows or []


def _put(model: Module, path: str, module: Module) -> Module:
    model.get_submodule(path.rpartition(".")[0])._modules[path.rpartition(".")[2]] = module
    return module


def _plain(value):
    """A number or a truth as it is; None where it is not known."""
    return value if isinstance(value, (bool, int, float)) else None if type(value) is Unknown else 0
