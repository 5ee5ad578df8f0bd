"""Export: a selection as code or configuration for the trainer a person already uses, freezing exactly the same set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from freezecore._export.axolotl import export_axolotl
from freezecore._export.causal import require_language_model, require_untied_tokens
from freezecore._export.jinja import render
from freezecore._export.llama_factory import export_llama_factory
from freezecore._export.notebook import export_notebook
from freezecore._export.plan import ExportPlan
from freezecore._export.spec import save_spec
from freezecore._export.unsloth import export_unsloth
from freezecore._resolve import resolve_phases
from freezecore.arguments import checked
from freezecore.cache import uploads
from freezecore.errors import ExportError, none_called
from freezecore.report import number_text
from freezecore.sentences import say
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from freezecore.workload import Workload


@dataclass(frozen=True, slots=True)
class Target:
    """What a selection can be exported as.

    Attributes:
        write: its text, of a plan.
        trainer: whose loop runs it, a key of `LOOPS`; None where it leaves that open.
        language: what the text is in: `python`, `yaml` or `json`.
    """

    write: Callable[[ExportPlan], str]
    trainer: str | None
    language: str = "python"


def _script(name: str) -> Target:
    return Target(lambda plan: render(f"{name}.py.jinja", plan=plan), name)


def _timm(plan: ExportPlan) -> str:
    if not plan.task.of_timm:
        raise ExportError("{source} is no timm model.", "Export to pytorch, or to accelerate.", source=plan.source)
    if plan.step.optimizer == "paged-adamw-8bit":
        raise ExportError("timm has no paged AdamW.", "Export to pytorch, or choose adamw-8bit.")
    return render("timm.py.jinja", plan=plan)


def _trl(plan: ExportPlan) -> str:
    require_language_model(plan, "TRL's SFTTrainer", multimodal=False)
    require_untied_tokens(plan, "TRL's SFTTrainer")
    return render("trl.py.jinja", plan=plan)


TARGETS = {
    "pytorch": _script("pytorch"),
    "timm": Target(_timm, "pytorch"),
    "transformers-trainer": _script("transformers-trainer"),
    "trl": Target(_trl, "transformers-trainer"),
    "unsloth": Target(export_unsloth, "transformers-trainer"),
    "lightning": _script("lightning"),
    "fastai": _script("fastai"),
    "accelerate": _script("accelerate"),
    "axolotl": Target(export_axolotl, "transformers-trainer", "yaml"),
    "llama-factory": Target(export_llama_factory, "transformers-trainer", "yaml"),
    "spec": Target(lambda plan: save_spec(plan.spec, plan.tree, plan.source), None, "yaml"),
    "notebook": Target(export_notebook, None, "json"),
}


@checked
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
    workload: Workload | None = None,
    num_classes: int | None = None,
    model_id: str | None = None,
    columns: Mapping[str, str | None] | None = None,
) -> str:
    """The selection as text for a target, a key of `TARGETS`.

    Args:
        tree: the source's layer tree where it is at hand; else it is read.
        learning_rate: of everything that trains; None takes a usual one for the selection.
        head_learning_rate: of the head where it differs; None takes a usual one where no rate was asked for.
        layer_decay: factor on the learning rate per block away from the head, above 0 and at most 1.
        link: where the page opens this selection.
        workload: the training step to carry over; None leaves batch, precision and the rest to the trainer.
        num_classes: of a person's own data; None takes the source's, else the model's own, as a parameter in sight.
        model_id: the checkpoint to start from, where the source is a `config:`.
        columns: of a person's own table of texts: its names for `text`, `text_pair` and `target`, as a preview of data
            gives them; None takes `text` and `label`.

    Raises:
        ExportError: there is no such target, nothing trains, the tree is another model's, or the target cannot express
            the selection.
        RuleError: a rule cannot be read or hits nothing.
    """
    if to not in TARGETS:
        raise none_called(ExportError, "There is no target called '{name}'.", to, TARGETS)
    _check_rates(learning_rate, head_learning_rate, layer_decay)
    source = ModelSource.parse(source) if isinstance(source, str) else source
    spec = FreezeSpec.parse(spec) if isinstance(spec, str) else spec
    tree = _tree_of(source, tree)
    source = source.with_(name=uploads.as_given(source.name))  # where the person has it
    masks = tuple(resolve_phases(spec, tree).items())
    changes = tuple(m for i, m in enumerate(masks) if i == 0 or m[1].trains != masks[i - 1][1].trains)
    rates = (learning_rate, head_learning_rate, layer_decay)
    plan = ExportPlan(source, spec, tree, changes, *rates, link, workload, num_classes, model_id, columns)
    plan.require_training()
    return TARGETS[to].write(plan)


def _tree_of(source: ModelSource, tree: LayerTree | None) -> LayerTree:
    """The source's tree, read where it is not at hand."""
    if tree is None:
        from freezecore.api import read_tree

        return read_tree(source)
    if ":" in tree.source and tree.source != str(source):
        raise ExportError(
            "The tree is that of {other}, not of {source}.", "Leave it out to have it read.",
            other=tree.source, source=source,
        )  # fmt: skip
    return tree


def _check_rates(learning_rate: float | None, head_learning_rate: float | None, layer_decay: float | None) -> None:
    for what, value, most in (
        (say("learning rate"), learning_rate, 100),
        (say("head learning rate"), head_learning_rate, 100),
        (say("layer decay"), layer_decay, 1),
    ):
        if value is not None and not 0 < value <= most:
            raise ExportError(
                "A {what} of {value} is out of range.",
                "Choose a number above 0, at most {most}.",
                what=what,
                value=number_text(value),
                most=most,
            )
