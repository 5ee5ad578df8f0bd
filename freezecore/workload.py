"""Workload: how the model is trained, as far as memory and time depend on it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import Literal, TypedDict

from freezecore.arguments import checked_fields
from freezecore.errors import WorkloadError, did_you_mean, shortened
from freezecore.sentences import say
from freezecore.trainers import LOOPS, TrainingLoop

StepOptimizer = Literal["sgd", "sgd-momentum", "adamw", "adamw-8bit", "paged-adamw-8bit", "adafactor", "lion"]
Implementation = Literal["loop", "foreach", "fused"]
Device = Literal["cpu", "cuda"]
ComputeCapability = Literal["6.0", "7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0"]
Trainer = Literal["pytorch", "accelerate", "transformers-trainer", "lightning", "fastai"]
Precision = Literal["fp32", "bf16-autocast", "fp16-autocast", "bf16"]
CHOICES: dict[str, tuple[str, ...]] = {
    "optimizer": ("sgd", "sgd-momentum", "adamw", "adamw-8bit", "paged-adamw-8bit", "adafactor", "lion"),
    "implementation": ("loop", "foreach", "fused"),
    "trainer": tuple(LOOPS),
    "precision": ("fp32", "bf16-autocast", "fp16-autocast", "bf16"),
    "device": ("cpu", "cuda"),
    "compute_capability": ("6.0", "7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0"),
}
LIMITS: dict[str, tuple[int, int]] = {
    "batch_size": (1, 65_536),
    "image_size": (8, 4_096),
    "sequence_length": (1, 1_048_576),
    "accumulate": (1, 4_096),
}
UNFUSED = ("adafactor", "lion")
NAMES = {
    "batch_size": say("batch size"),
    "image_size": say("image size"),
    "sequence_length": say("sequence length"),
    "accumulate": say("accumulate"),
}


@partial(checked_fields, values=False)  # its own sentences tell the range
@dataclass(frozen=True)
class Workload:
    """One training step's surroundings.

    Attributes:
        batch_size: samples per forward pass.
        image_size: pixels per side; None takes the model's own.
        sequence_length: tokens per sample; None takes min(128, the model's longest).
        optimizer: its state is counted for trainable parameters only.
        implementation: `loop`, `foreach` or `fused` step, which differ in temporaries; None takes the trainer's own, or
            torch's: parameter by parameter on a CPU, `foreach` on CUDA.
        trainer: whose loop runs the step: a plain one of `pytorch`, or a library's.
        precision: `fp32`, autocast over fp32 weights, or weights in bf16.
        checkpointing: the library's own gradient checkpointing.
        accumulate: forward passes per optimizer step.
        device: whose kernels are followed; no such device is needed.
        compute_capability: of the CUDA card, which decides which attention kernel runs: 7.5 is a T4, 8.0 an A100.
    """

    batch_size: int = 32
    image_size: int | None = None
    sequence_length: int | None = None
    optimizer: StepOptimizer = "adamw"
    implementation: Implementation | None = None
    trainer: Trainer = "pytorch"
    precision: Precision = "fp32"
    checkpointing: bool = False
    accumulate: int = 1
    device: Device = "cpu"
    compute_capability: ComputeCapability = "8.0"

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and low <= value <= high):
                raise WorkloadError(
                    "The {name} {value} is out of range.",
                    "Choose a whole number from {low:,} to {high:,}.",
                    name=NAMES[name],
                    value=shortened(str(value)),
                    low=low,
                    high=high,
                )
        if not isinstance(self.checkpointing, bool):
            value = shortened(str(self.checkpointing))
            raise WorkloadError("Checkpointing cannot be '{value}'.", "It is True or False.", value=value)
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices and not (name == "implementation" and value is None):
                raise WorkloadError(
                    "There is no {name} called '{value}'.",
                    did_you_mean(str(value), choices) or "Choose one of {names}.",
                    names=", ".join(choices),
                    name=name,
                    value=shortened(str(value)),
                )

        if self.implementation == "fused" and self.optimizer in UNFUSED:
            raise WorkloadError("{optimizer} has no fused step.", "Choose loop or foreach.", optimizer=self.optimizer)

    @property
    def loop(self) -> TrainingLoop:
        """What its trainer does around a step."""
        return LOOPS[self.trainer]

    @property
    def step_implementation(self) -> Implementation:
        """How the optimizer's step runs where nobody chose."""
        if self.implementation:
            return self.implementation
        if self.loop.fused and self.optimizer == "adamw":
            return "fused"
        if self.optimizer == "adafactor":  # torch's own choice on every device
            return "loop"
        return "foreach" if self.device == "cuda" else "loop"

    def to_json(self) -> dict:
        """Its fields as JSON values."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


class WorkloadOptions(TypedDict, total=False):
    """Fields of `Workload` beside the batch size, for verbs that take them one by one."""

    image_size: int | None
    sequence_length: int | None
    optimizer: StepOptimizer
    implementation: Implementation | None
    trainer: Trainer
    precision: Precision
    checkpointing: bool
    accumulate: int
    device: Device
    compute_capability: ComputeCapability
