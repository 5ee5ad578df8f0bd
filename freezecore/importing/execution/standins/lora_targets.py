"""Which modules and tensors of a stand-in a `LoraConfig` joins; what of it is not followed is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from freezecore import peft_experts, peft_rules
from freezecore.errors import RuleError
from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.model import Open
from freezecore.sentences import clause

ELSEWHERE = ("layer_replication", "lora_bias", "use_qalora")


def followed(tensors: Iterable[str], parameters: dict, options: dict) -> Iterator[str]:
    """The tensors whose adapters are followed; the others are told."""
    shapes = {name: shape for name, shape, *_ in Open.blueprint.parameters}
    for name in tensors:
        if refusal := peft_experts.refused_tensor(name, shapes.get(parameters[name]._fx_name, ()), options):
            now().tell(refusal)
        else:
            yield name


def modules_joined(options: dict, modules: dict, parameters: Iterable[str]) -> list[str]:
    """The modules that an adapter joins; what of the configuration is not followed is told."""
    kind = options.get("peft_type", "LORA")
    kind = str(getattr(kind, "_fx_path", kind)).rpartition(".")[2]
    if kind.upper() != "LORA":
        now().tell("of adapters only LoRA is followed, not '{name}'", name=kind)
        return []
    for name in ELSEWHERE:
        if options.get(name):
            now().tell("'{name}' of an adapter is not followed", name=name)
    root = next(iter(modules.get("", ())), "")
    if options.get("target_modules") is None and "target_parameters" not in options:
        options["target_modules"] = peft_rules.usual_targets(root)
        if options["target_modules"] is None:
            now().tell("PEFT has no usual targets for '{name}': name its target_modules", name=root)
    try:
        options |= peft_experts.converted(options, modules, list(parameters), Open.blueprint.head)
    except RuleError as error:
        now().tell(clause(error.problem))
        return []
    found = peft_rules.adapted(options, modules, Open.blueprint.head)
    named = options.get("target_modules")
    if named is not None and not found and not peft_experts.tensors(options, list(parameters)):
        for each in [named] if isinstance(named, str) else named:
            now().missing[str(each)] = None
        now().tell("its adapter joins nothing of this model, and PEFT refuses that")
    for path in list(found):
        if refusal := peft_rules.refusal(path, options, modules[path]):
            found.remove(path)
            now().tell(refusal)
    return found
