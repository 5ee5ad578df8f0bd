"""ExportPlan: what an export has to say, worked out once for every target and read by its template."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress

from freezecore._export.model import Building, building
from freezecore._export.python import Condition, call, condition, number
from freezecore._export.selection import Cover, NameSelection, select
from freezecore.errors import ExportError
from freezecore.mask import Mask
from freezecore.rates import Rates, is_head, learning_rates, model_kind
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec, Selector
from freezecore.trainer_parts import LANGUAGE_PARTS
from freezecore.tree import LayerTree, prefixes
from freezecore.workload import Workload

EVERYTHING = Selector("kind", "all")
CAUSAL = ("ForCausalLM", "LMHeadModel")
CHECKPOINT = "your-organization/your-checkpoint"
WITH_LOSS = ("LMHeadModel", "DoubleHeadsModel", "ForPreTraining")  # beside every class with "For" in its name
CLASSIFIERS = (
    "ForSequenceClassification",
    "ForImageClassification",
    "ForTokenClassification",
    "ForAudioClassification",
)
OPTIMIZERS = {  # the class, and what it is given beside a learning rate
    "adamw": ("torch.optim.AdamW", ()),
    "adamw-8bit": ("bitsandbytes.optim.AdamW8bit", ()),
    "paged-adamw-8bit": ("bitsandbytes.optim.PagedAdamW8bit", ()),
    "adafactor": ("torch.optim.Adafactor", ()),
    "lion": ("lion_pytorch.Lion", ()),
    "sgd": ("torch.optim.SGD", ()),
    "sgd-momentum": ("torch.optim.SGD", ("momentum=0.9",)),
}
OPTIM = {  # the same as transformers' arguments call them
    "adamw": "adamw_torch",
    "adamw-8bit": "adamw_8bit",
    "paged-adamw-8bit": "paged_adamw_8bit",
    "adafactor": "adafactor",
    "lion": "lion_32bit",
    "sgd": "sgd",
    "sgd-momentum": "sgd",
}
TRANSFORMERS_OPTIMIZERS = OPTIMIZERS | {  # those that its Trainer takes by these names; rates as torch's Adafactor has
    "adafactor": ("transformers.Adafactor", ("scale_parameter=True", "relative_step=False")),
    "lion": ("bitsandbytes.optim.Lion", ()),
}


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
        return not self.trains_everything and any(paths for _, paths in self.held_paths)

    @cached_property
    def held_paths(self) -> tuple[tuple[int, list[str]], ...]:
        """The first epoch of each phase with the modules that move or drop and are held in it."""
        return tuple((epoch, list(mask.held)) for epoch, mask in self.masks)

    @cached_property
    def held_classes(self) -> list[str]:
        """Class names of the modules that are held in some phase; of those that merely stay held, see `norms`."""
        also = [set(mask.also_held) for _, mask in self.masks]
        pairs = zip(self.held_paths, also, strict=True)
        return sorted({self.tree.layer_at[path].type for (_, held), kept in pairs for path in held if path not in kept})

    @cached_property
    def holds_statistics(self) -> bool:
        """Whether a held module has running statistics that torch can set back."""
        held = {path for _, paths in self.held_paths for path in paths}
        return any("nn._NormBase" in self.tree.layer_at[path].bases for path in held)

    @cached_property
    def norms(self) -> list[str]:
        """Class names of the modules that the first phase keeps from moving."""
        return sorted({self.tree.layer_at[path].type for path in self.mask.norms_held})

    @property
    def keeps_norms(self) -> bool:
        """Whether norms that the first phase holds stay held when they begin to train."""
        return any(mask.also_held for _, mask in self.masks) and not self.held_by_path

    @cached_property
    def held_by_path(self) -> bool:
        """Whether class names would hold more or less than the mask does, so that paths have to be written."""
        first = self._frozen_of(self.mask, self.norms)
        for (_, mask), (_, held) in zip(self.masks, self.held_paths, strict=True):
            found = self._frozen_of(mask, self.held_classes) | (first if mask.also_held else set())
            if found != set(held):
                return True
        return False

    def _frozen_of(self, mask: Mask, classes: Collection[str]) -> set[str]:
        """Modules of these classes that move or drop, at or under a module in which nothing trains."""
        frozen = {
            layer.path for layer in self.tree.layers if layer.parameters and mask.state_of(layer.path) == "frozen"
        }
        return {
            layer.path
            for layer in self.tree.layers
            if layer.type in classes
            and (layer.moves or layer.drops)
            and any(place in frozen for path in (layer.path, *layer.aliases) for place in (*prefixes(path), path, ""))
        }

    @property
    def holds_checkpointed(self) -> bool:
        """Whether a held module may be one whose mode decides on gradient checkpointing, as whole layers' may."""
        parents = {layer.path.rpartition(".")[0] for layer in self.tree.layers}
        held = {path for _, paths in self.held_paths for path in paths} & parents
        types = {self.tree.layer_at[path].type for path in held}
        return self.source.scheme in ("hf", "config") and any("Attention" not in name for name in types)

    @cached_property
    def model(self) -> Building:
        """How to build the model.

        Raises:
            ExportError: the source cannot be written as an import.
        """
        built = building(self.source, self.tree.layers[0].type, self.classes, self.model_id)
        if not self.pure_bf16:
            return built
        cast = built.lines.replace("dtype=torch.float32", "dtype=torch.bfloat16")
        lines = cast if cast != built.lines else f"{cast}\nmodel.to(torch.bfloat16)"
        return Building(built.imports | {"import torch"}, lines)

    @cached_property
    def classes(self) -> int | None:
        """How many classes stand in the code as a parameter; None where the source says it, or nothing classifies."""
        root = self.tree.layers[0].type
        classifies = self.source.scheme == "timm" or root.endswith(CLASSIFIERS)
        if self.source.num_labels is not None or not classifies or self.source.scheme not in ("timm", "hf", "config"):
            return None
        return self.num_classes or self._outputs

    @cached_property
    def _outputs(self) -> int | None:
        """The model's own classes: the outputs of the last tensor of its head."""
        heads = [p for p in self.tree.parameters if p.kind == "head" and p.shape]
        return heads[-1].shape[0] if heads else None

    @property
    def scalars(self) -> str:
        """How many scalars train at first, as Python; of the head's as many a class."""
        total = self.mask.trainable
        each = sum(
            parameter.numel // parameter.shape[0]
            for parameter, trains in zip(self.tree.parameters, self.mask.trains, strict=True)
            if trains and parameter.kind == "head" and parameter.shape and parameter.shape[0] == self._outputs
        )
        if self.classes is None or not each:
            return f"{total:_}"
        rest = total - each * (self._outputs or 0)
        return f"{each:_} * NUM_CLASSES" + (f" + {rest:_}" if rest else "")

    @property
    def imports(self) -> str:
        """Import lines of what every script does: build the model and freeze it."""
        return "\n".join(["from torch import nn", *self.model.imports])

    def optimizer_import(self, known: Mapping[str, tuple] = OPTIMIZERS) -> str:
        """The import line of `optimizer`, where torch has it not."""
        library = known[self.optimizer_name][0].partition(".")[0]
        return "" if library == "torch" else f"import {library}"

    @property
    def trainer_optimizer(self) -> str:
        """The optimizer as a value of `optim` in transformers' arguments."""
        return OPTIM[self.optimizer_name]

    @property
    def optimizer_name(self) -> str:
        """The optimizer, by the workload's word for it."""
        return self.workload.optimizer if self.workload else "adamw"

    @property
    def transformers_optimizers(self) -> Mapping[str, tuple]:
        """The optimizers as transformers' Trainer takes them."""
        return TRANSFORMERS_OPTIMIZERS

    @property
    def unscaled_rate(self) -> float:
        """`rate` for the Adafactor that trainers build by themselves, whose steps no weight's size scales: AdamW's."""
        if self.workload is None or self.optimizer_name != "adafactor":
            return self.rate
        return replace(self, workload=replace(self.workload, optimizer="adamw")).rate

    def optimizer(
        self, trainable: str, taken: int, model: str = "model", known: Mapping[str, tuple] = OPTIMIZERS
    ) -> str:
        """The expression that builds the optimizer over what trains; `taken` characters stand before it on its line."""
        function, extra = known[self.optimizer_name]
        groups = f"groups_by_rate({model})" if self.grouped else trainable
        return call(function, [groups, f"lr={number(self.rate)}", *extra], taken=taken)

    @property
    def half(self) -> str | None:
        """`bf16` or `fp16` where the forward pass runs under autocast."""
        precision = self.workload.precision if self.workload else "fp32"
        return precision.removesuffix("-autocast") if precision.endswith("-autocast") else None

    @property
    def pure_bf16(self) -> bool:
        """Whether the weights are bf16."""
        return self.workload is not None and self.workload.precision == "bf16"

    @property
    def accumulate(self) -> int:
        """Forward passes per optimizer step."""
        return self.workload.accumulate if self.workload else 1

    @property
    def checkpointing(self) -> bool:
        """Whether activations are computed again in the backward pass."""
        return self.workload is not None and self.workload.checkpointing

    @property
    def batches(self) -> str:
        """How a docstring calls the batches."""
        return f"batches of {self.workload.batch_size}" if self.workload else "batches"

    @property
    def checkpoints(self) -> str | None:
        """The line that switches gradient checkpointing on, where it is asked for and the library has one."""
        if not self.checkpointing:
            return None
        if self.source.scheme == "timm":
            return "model.set_grad_checkpointing()"
        return "model.gradient_checkpointing_enable()" if self.source.scheme in ("hf", "config") else None

    @property
    def own_optimizer(self) -> bool:
        """Whether a trainer that builds AdamW by itself has to be given another optimizer, or other groups."""
        return self.grouped or self.scheduled or self.optimizer_name != "adamw"

    @property
    def max_length(self) -> int | None:
        """Tokens of a sample, where they were asked for."""
        return self.workload.sequence_length if self.workload and self.dictionaries else None

    @property
    def loops(self) -> bool:
        """Whether the plain script has a loop too: a training step was asked for, and the model's loss is known."""
        root = self.tree.layers[0].type
        known = self.source.scheme == "timm" or (self.source.scheme in ("hf", "config") and _has_loss(root))
        return self.workload is not None and known

    @property
    def dictionaries(self) -> bool:
        """Whether batches are dictionaries with labels, from which the model gives a loss, as Hugging Face models do.

        Raises:
            ExportError: the model has no head, so nothing gives a loss.
        """
        if self.source.scheme not in ("hf", "config"):
            return False
        root = self.tree.layers[0].type
        if not _has_loss(root):
            raise ExportError(
                "{source} as {root} has no head, so a training loop has no loss.",
                "Choose a task, such as sequence-classification, or export to pytorch.",
                source=self.source,
                root=root,
            )
        return True

    @property
    def causal(self) -> bool:
        """Whether the model continues texts."""
        return self.tree.layers[0].type.endswith(CAUSAL)

    @property
    def masked(self) -> bool:
        """Whether the model fills gaps in texts."""
        return self.tree.layers[0].type.endswith("ForMaskedLM")

    @property
    def translates(self) -> bool:
        """Whether the model turns one text into another: an encoder of words, and a decoder."""
        root = self.tree.layers[0].type
        ends = root.endswith(("ForConditionalGeneration", "MTModel", "LMHeadModel")) and not self.multimodal
        return ends and len(self.tree.towers) > 1 and self.source.task in (None, "seq2seq-lm") and not self.causal

    @property
    def reads_texts(self) -> bool:
        """Whether the model classifies, continues, fills or turns texts."""
        classifies = self.tree.layers[0].type.endswith("ForSequenceClassification")
        return classifies or self.causal or self.masked or self.translates

    @property
    def multimodal(self) -> bool:
        """Whether the model continues texts from pictures or sound: one of several towers is its language model."""
        parts = {part for layer in self.tree.layers for part in layer.path.split(".")[:3]}
        return self.tree.layers[0].type.endswith("ForConditionalGeneration") and not parts.isdisjoint(LANGUAGE_PARTS)

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
        return learning_rates(self.masks[-1][1], model_kind(self.source, self.tree), self.optimizer_name)

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


def _has_loss(root: str) -> bool:
    """Whether a Hugging Face model of this class computes a loss of its own."""
    return "For" in root or root.endswith(WITH_LOSS)
