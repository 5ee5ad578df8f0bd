"""Export: a selection as code or configuration for the trainer a person already uses, freezing exactly the same set."""

from __future__ import annotations

from collections.abc import Callable

from freezecore._export import (
    accelerate,
    axolotl,
    fastai,
    lightning,
    llama_factory,
    notebook,
    pytorch,
    spec_yaml,
    timm,
    trainer,
)
from freezecore._export.plan import Plan
from freezecore._resolve import resolve
from freezecore.errors import ExportError, did_you_mean, shortened
from freezecore.sentences import say
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

TARGETS: dict[str, Callable[[Plan], str]] = {
    "pytorch": pytorch.export,
    "timm": timm.export,
    "transformers-trainer": trainer.export,
    "lightning": lightning.export,
    "fastai": fastai.export,
    "accelerate": accelerate.export,
    "axolotl": axolotl.export,
    "llama-factory": llama_factory.export,
    "spec": spec_yaml.export,
    "notebook": notebook.export,
}


def export(
    source: ModelSource | str,
    spec: FreezeSpec | str,
    to: str = "pytorch",
    *,
    tree: LayerTree | None = None,
    learning_rate: float | None = None,
    head_learning_rate: float | None = None,
    layer_decay: float | None = None,
    link: str | None = None,
) -> str:
    """The selection as text for a target, a key of `TARGETS`.

    Args:
        tree: the source's layer tree where it is at hand; else it is read.
        learning_rate: of everything that trains; None takes a usual one for the selection.
        head_learning_rate: of the head where it differs.
        layer_decay: factor on the learning rate per block away from the head, above 0 and at most 1.
        link: where the page opens this selection.

    Raises:
        ExportError: there is no such target, nothing trains, or the target cannot express the selection.
        RuleError: a rule cannot be read or hits nothing.
    """
    if to not in TARGETS:
        raise ExportError(
            "There is no target called '{name}'.",
            did_you_mean(to, TARGETS) or "Write {names}",
            name=shortened(to),
            names=", ".join(TARGETS),
        )
    _check_rates(learning_rate, head_learning_rate, layer_decay)
    source = ModelSource.parse(source) if isinstance(source, str) else source
    spec = FreezeSpec.parse(spec) if isinstance(spec, str) else spec
    if tree is None:
        from freezecore.api import read_tree

        tree = read_tree(source)
    masks = tuple((epoch, resolve(spec, tree, epoch)) for epoch in spec.epochs)
    changes = tuple(m for i, m in enumerate(masks) if i == 0 or m[1].trains != masks[i - 1][1].trains)
    plan = Plan(source, spec, tree, changes, learning_rate, head_learning_rate, layer_decay, link)
    plan.require_training()
    return TARGETS[to](plan)


def _check_rates(learning_rate: float | None, head_learning_rate: float | None, layer_decay: float | None) -> None:
    for what, value, most in (
        (say("learning rate"), learning_rate, 100),
        (say("head learning rate"), head_learning_rate, 100),
        (say("layer decay"), layer_decay, 1),
    ):
        if value is not None and not 0 < value <= most:
            raise ExportError(
                "A {what} of {value:g} is out of range.",
                "Choose a number above 0, at most {most}.",
                what=what,
                value=value,
                most=most,
            )
