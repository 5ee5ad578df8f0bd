"""ExportPlan: what an export has to say, worked out once for every target and read by its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress

from freezecore._export.held import HeldModules
from freezecore._export.lora import LoraOptions, lora_options
from freezecore._export.model import Building, building
from freezecore._export.optimizers import CLASSES, OPTIM
from freezecore._export.python import Condition, call, condition, number
from freezecore._export.selection import Cover, NameSelection, select
from freezecore._export.task import ModelTask
from freezecore.errors import ExportError
from freezecore.mask import Mask
from freezecore.rates import Rates, is_head, learning_rates, model_kind
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec, Selector
from freezecore.tree import LayerTree, Parameter
from freezecore.workload import Workload

EVERYTHING = Selector("kind", "all")
CHECKPOINT = "your-organization/your-checkpoint"


@dataclass(frozen=True)
class ExportPlan:
    """A selection on a model, epoch by epoch, and how it is to be trained.

    Attributes:
        masks: the first epoch of each phase with its mask, ascending; one entry where nothing changes.
        learning_rate: of everything that trains; None takes a usual one for this selection.
        head_learning_rate: of the head where it differs; None takes a usual one where no rate was asked for.
        layer_decay: factor on the learning rate per block away from the head.
        link: where the page opens this selection; None takes the page that `make run` serves.
        workload: the training step to carry over; None leaves batch, precision and the rest to the trainer.
        num_classes: of a person's own data; None takes the source's, else the model's own, in sight.
        model_id: the checkpoint to start from, where the source is a `config:`.
        columns: a table's own names for `text`, `text_pair` and `target`; None takes `text` and `label`.
    """

    source: ModelSource
    spec: FreezeSpec
    tree: LayerTree
    masks: tuple[tuple[int, Mask], ...]
    learning_rate: float | None = None
    head_learning_rate: float | None = None
    layer_decay: float | None = None
    link: str | None = None
    workload: Workload | None = None
    num_classes: int | None = None
    model_id: str | None = None
    columns: Mapping[str, str | None] | None = None

    @property
    def rules(self) -> str:
        """The rules on one line."""
        return "; ".join(line.strip() for line in str(self.spec).splitlines() if line.strip())

    @property
    def scheduled(self) -> bool:
        """Whether the selection changes from an epoch on."""
        return len(self.masks) > 1

    @property
    def mask(self) -> Mask:
        """The mask of the first epoch."""
        return self.masks[0][1]

    @cached_property
    def selections(self) -> tuple[tuple[int, NameSelection], ...]:
        """The first epoch of each phase with what trains in it, by name."""
        from_all = any(rule.action == "freeze" and EVERYTHING in rule.selectors for rule in self.spec.rules)
        return tuple((epoch, select(self.tree.names, mask.names(), mostly=not from_all)) for epoch, mask in self.masks)

    @property
    def counts(self) -> tuple[tuple[int, int, int], ...]:
        """Per phase: its first epoch, how many parameters train, and how many scalars they have."""
        return tuple((epoch, sum(mask.trains), mask.trainable) for epoch, mask in self.masks)

    @property
    def shrinks(self) -> bool:
        """Whether something that trained is frozen in a later phase."""
        pairs = zip(self.masks, self.masks[1:], strict=False)
        return any(
            before and not after for (_, a), (_, b) in pairs for before, after in zip(a.trains, b.trains, strict=True)
        )

    @cached_property
    def conditions(self) -> tuple[tuple[int, Condition], ...]:
        """The first epoch of each phase with what trains in it, as Python."""
        suffix = "_{}" if self.scheduled else ""
        return tuple((epoch, condition(selection, suffix.format(epoch))) for epoch, selection in self.selections)

    @property
    def trains_everything(self) -> bool:
        """Whether nothing is ever frozen."""
        return not self.scheduled and all(self.mask.trains)

    @property
    def holds(self) -> bool:
        """Whether something frozen is kept in eval mode."""
        return not self.trains_everything and bool(self.held.paths)

    @cached_property
    def held(self) -> HeldModules:
        """What is kept in eval mode."""
        return HeldModules(self.tree, self.masks)

    @property
    def holds_checkpointed(self) -> bool:
        """Whether holding a module may switch transformers' gradient checkpointing off."""
        return self.task.of_transformers and self.held.decides_on_checkpointing

    @cached_property
    def task(self) -> ModelTask:
        """What the model is for."""
        return ModelTask(self.source, self.tree)

    @cached_property
    def model(self) -> Building:
        """How to build the model.

        Raises:
            ExportError: the source cannot be written as an import.
        """
        source = self.source.with_(adapter=None)
        built = building(source, self.tree, self.classes, self.model_id, self.masks[0][1])
        if self.lora:
            imports = built.imports | {"from peft import LoraConfig, get_peft_model"}
            built = Building(imports, f"{built.lines}\n{self._joined}")
        if not self.pure_bf16:
            return built
        cast = built.lines.replace("dtype=torch.float32", "dtype=torch.bfloat16")
        lines = cast if cast != built.lines else f"{cast}\nmodel.to(torch.bfloat16)"
        return Building(built.imports | {"import torch"}, lines)

    @cached_property
    def lora(self) -> LoraOptions | None:
        """What PEFT is given for the source's adapters; None where it has none.

        Raises:
            ExportError: one configuration of PEFT cannot say them.
        """
        return lora_options(self.source, self.tree, [mask for _, mask in self.masks])

    @property
    def _joined(self) -> str:
        """The lines that put the adapters into the model, and how what was trained is saved."""
        assert self.lora is not None
        saving = (
            '# model.save_pretrained("adapter") saves what trains; PeftModel.from_pretrained loads it.'
            if self.lora.whole
            else "# PEFT saves adapters alone: to save what trains beside them,\n"
            "# torch.save({n: p for n, p in model.named_parameters() if p.requires_grad}, FILE)."
        )
        task = "CAUSAL_LM" if self.task.causal else None
        room = ""
        if rows := self.lora.rows:
            room = f"model.resize_token_embeddings({rows})  # room for new tokens; nothing where it is there\n"
            saving = saving.replace('"adapter")', '"adapter", save_embedding_layers=False)').replace(
                "; Peft", ";\n# Peft"
            )
        own_type = ", autocast_adapter_dtype=False" if self.pure_bf16 else ""  # PEFT makes adapters of bf16 in fp32
        config = self.lora.config(task, taken=7)
        return f"{room}{saving}\nlora = {config}\nmodel = get_peft_model(model, lora{own_type})"

    @cached_property
    def classes(self) -> int | None:
        """How many classes stand in the code as a parameter; None where the source alone says it, or none are."""
        if not self.task.classifies or (self.num_classes is None and self.source.num_labels is not None):
            return None
        return self.num_classes or self._outputs

    @cached_property
    def _outputs(self) -> int | None:
        """The model's own classes: the outputs of the last tensor of its head."""
        heads = [p for p in self.tree.parameters if p.kind == "head" and p.shape and not p.adapter]
        return heads[-1].shape[0] if heads else None

    def _has_outputs(self, parameter: Parameter) -> bool:
        """Whether it has one row for each class."""
        first = parameter.shape[:1] == (self._outputs,) and ".lora_A." not in parameter.name
        return parameter.kind == "head" and first

    @property
    def scalars(self) -> str:
        """How many scalars train at first, as Python; of the head's as many a class."""
        total = self.mask.trainable
        each = sum(
            parameter.numel // parameter.shape[0]
            for parameter, trains in zip(self.tree.parameters, self.mask.trains, strict=True)
            if trains and self._has_outputs(parameter)
        )
        if self.classes is None or not each:
            return f"{total:_}"
        rest = total - each * (self._outputs or 0)
        return f"{each:_} * NUM_CLASSES" + (f" + {rest:_}" if rest else "")

    @property
    def imports(self) -> str:
        """Import lines of what every script does: build the model and freeze it."""
        return "\n".join(["from torch import nn", *self.model.imports])

    @property
    def step(self) -> Workload:
        """The training step that was asked for, else a plain one: in full precision, under AdamW."""
        return self.workload or Workload()

    @property
    def half(self) -> str | None:
        """`bf16` or `fp16` where the forward pass runs under autocast."""
        kind, autocast, _ = self.step.precision.partition("-autocast")
        return kind if autocast else None

    @property
    def pure_bf16(self) -> bool:
        """Whether the weights are bf16."""
        return self.step.precision == "bf16"

    @property
    def trainer_optimizer(self) -> str:
        """The optimizer as a value of `optim` in transformers' arguments."""
        return OPTIM[self.step.optimizer]

    def optimizer_import(self, library: str = "torch") -> str:
        """The import line of `optimizer`, where torch has it not."""
        package = CLASSES[library][self.step.optimizer][0].partition(".")[0]
        return "" if package == "torch" else f"import {package}"

    @property
    def unscaled_rate(self) -> float:
        """`rate` for the Adafactor that trainers build by themselves, whose steps no weight's size scales: AdamW's."""
        if self.step.optimizer != "adafactor":
            return self.rate
        return replace(self, workload=replace(self.step, optimizer="adamw")).rate

    def optimizer(self, trainable: str, taken: int, model: str = "model", library: str = "torch") -> str:
        """The expression that builds the optimizer over what trains; `taken` characters stand before it on its line."""
        function, extra = CLASSES[library][self.step.optimizer]
        groups = f"groups_by_rate({model})" if self.grouped else trainable
        return call(function, [groups, f"lr={number(self.rate)}", *extra], taken=taken)

    @property
    def batches(self) -> str:
        """How a docstring calls the batches."""
        return f"batches of {self.workload.batch_size}" if self.workload else "batches"

    @property
    def checkpoints(self) -> str | None:
        """The line that switches gradient checkpointing on, where it is asked for and the library has one."""
        if not self.step.checkpointing:
            return None
        if self.task.of_timm:
            return "model.set_grad_checkpointing()"
        entrant = '{"use_reentrant": False}' if self.lora else ""  # else nothing before the adapters asks for gradients
        return f"model.gradient_checkpointing_enable({entrant})" if self.task.of_transformers else None

    @property
    def own_optimizer(self) -> bool:
        """Whether a trainer that builds AdamW by itself has to be given another optimizer, or other groups."""
        return self.grouped or self.scheduled or self.step.optimizer != "adamw"

    @property
    def max_length(self) -> int | None:
        """Tokens of a sample, where they were asked for."""
        return self.workload.sequence_length if self.workload and self.task.dictionaries else None

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of a table that hold a sample's text; two of pairs."""
        named = self.columns or {}
        return (named.get("text") or "text", *filter(None, [named.get("text_pair")]))

    @property
    def label(self) -> str:
        """The column of a table that holds what is learnt."""
        return (self.columns or {}).get("target") or "label"

    @property
    def loops(self) -> bool:
        """Whether the plain script has a loop too: a training step was asked for, and the model's loss is known."""
        return self.workload is not None and self.task.has_loss

    @property
    def checkpoint(self) -> str:
        """The id or folder of the weights to start from; of a `config:` that names none, a placeholder."""
        return self.source.name if self.source.scheme == "hf" else self.model_id or CHECKPOINT

    @property
    def checkpoint_note(self) -> str:
        """A YAML comment where the checkpoint is a placeholder."""
        return "  # put the checkpoint to start from, as an id or a folder" if self.checkpoint == CHECKPOINT else ""

    @property
    def epochs(self) -> int:
        """How many epochs an example trains: one of the last phase, three where nothing changes."""
        return self.masks[-1][0] + 1 if self.scheduled else 3

    @property
    def grouped(self) -> bool:
        """Whether parts of the model have learning rates of their own."""
        return self.head_rate is not None or self.layer_decay is not None

    @property
    def warms(self) -> bool:
        """Whether all rates but the head's rise at first, as a probe's do: the head has a rate of its own."""
        return self.head_rate is not None and bool(self.head)

    @cached_property
    def head(self) -> tuple[str, ...]:
        """Paths at or under which the head's parameters lie, and no others."""
        head = [p.name for p in self.tree.parameters if is_head(p)]
        return (select(self.tree.names, head).take or Cover(tuple(head))).paths if head else ()

    @cached_property
    def rate(self) -> float:
        """The learning rate asked for, else the one that a probe tries: the head's where nothing else ever trains."""
        return self.learning_rate or (self._rates.head if all(self._heads) else self._rates.body)

    @cached_property
    def head_rate(self) -> float | None:
        """The head's learning rate where it differs from `rate`: the one asked for, else the one that a probe tries."""
        if self.head_learning_rate or self.learning_rate:
            return self.head_learning_rate
        differs = self._rates.head != self._rates.body and any(self._heads) and not all(self._heads)
        return self._rates.head if differs else None

    @cached_property
    def _rates(self) -> Rates:
        return learning_rates(self.masks[-1][1], model_kind(self.source, self.tree), self.step.optimizer)

    @cached_property
    def _heads(self) -> list[bool]:
        """Of each parameter that ever trains, whether it is the head's."""
        return [
            is_head(parameter) for _, mask in self.masks for parameter in compress(self.tree.parameters, mask.trains)
        ]

    def require_training(self) -> None:
        """Raise ExportError where nothing trains in some phase."""
        for epoch, count, _ in self.counts:
            if not count:
                raise ExportError(
                    "Nothing trains from epoch {epoch} on under '{rules}', so there is nothing to export."
                    if self.scheduled
                    else "Nothing trains under '{rules}', so there is nothing to export.",
                    "Let something train, such as the head: add 'train head'.",
                    epoch=epoch,
                    rules=self.rules,
                )
