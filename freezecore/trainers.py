"""Trainers: what the loop of each does around a step, as far as memory depends on it.

Sources, of the versions that requirements name: `Optimizer` defaults of torch.optim (`_default_to_fused_or_foreach`);
transformers' TrainingArguments (`default_optim`) and Trainer.training_step; accelerate's `prepare_model`
(`convert_outputs_to_fp32`) and `DataLoaderShard`; Lightning's `Closure`, which forgets gradients between forward and
backward; fastai's `Learner._do_one_batch`, `Optimizer.zero_grad` and `adam_step`. Each is held against the trainer
itself on the CPU's allocator (tests/freezecore/estimate/test_trainers.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingLoop:
    """How a trainer runs a step.

    Attributes:
        own_loss: batches have labels where the model takes them, and its own loss is followed.
        outputs_in_fp32: under autocast what the model returns is copied to float32, and the loss comes after it.
        fused: AdamW is torch's fused one.
        gradients: how long the last step's gradients live: to its end (""), to this step's `backward`, or `always`,
            as zeros.
        keeps_output: what the model returned lives until the next step.
        batches: so many are in a CPU's memory at once.
        optimizers: whose they are where there are several: fastai's AdamW has no step counters and takes a parameter's
            size twice for a moment; transformers has an Adafactor of its own and takes bitsandbytes' Lion.
    """

    own_loss: bool = True
    outputs_in_fp32: bool = False
    fused: bool = False
    gradients: str = ""
    keeps_output: bool = False
    batches: int = 1
    optimizers: str = "torch"


LOOPS: dict[str, TrainingLoop] = {  # by the names of the exports
    "pytorch": TrainingLoop(own_loss=False),
    "accelerate": TrainingLoop(outputs_in_fp32=True, batches=2),
    "transformers-trainer": TrainingLoop(outputs_in_fp32=True, fused=True, batches=2, optimizers="transformers"),
    "lightning": TrainingLoop(gradients="backward"),
    "fastai": TrainingLoop(outputs_in_fp32=True, gradients="always", keeps_output=True, optimizers="fastai"),
}
