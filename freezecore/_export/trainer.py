"""Target `transformers-trainer`: Hugging Face's Trainer, whose optimizer is filtered by what trains."""

from __future__ import annotations

from string import Template

from freezecore._export import optimizing
from freezecore._export.batches import batch_of
from freezecore._export.plan import Plan, number
from freezecore._export.script import epochs, script

UNFREEZE = '''\
class Unfreeze(TrainerCallback):
    """Changes what trains as an epoch begins."""

    def on_epoch_begin(self, args, state, control, model, optimizer, **kwargs) -> None:
        if args.world_size > 1:  # DDP reads requires_grad once, when it wraps
            raise RuntimeError("Gradual unfreezing needs a single process.")
        begin_epoch(model, optimizer, int(state.epoch))
'''
RESUME = """\
    if checkpoint:  # as its optimizer was then
        state = TrainerState.load_from_json(f"{checkpoint}/trainer_state.json")
        freeze(model, max(0, math.ceil(state.epoch) - 1))
"""
COLLATE = '''\
def collate(samples) -> dict[str, torch.Tensor]:
    """Pairs of (input, label) as a batch; `x` is the name of the model's own argument."""
    inputs, labels = zip(*samples, strict=True)
    return {"x": torch.stack(inputs), "labels": torch.tensor(labels)}


def loss_of_logits(logits, labels, num_items_in_batch=None):
    """The loss of the model's answer."""
    return nn.functional.cross_entropy(logits, labels)
'''
FINE_TUNE = Template('''\
def fine_tune(
    train_dataset, eval_dataset=None, checkpoint: str | None = None
) -> Trainer:
    """Train on a dataset of $what, from a checkpoint where one is given."""
$resume    arguments = TrainingArguments(
        "checkpoints",
        num_train_epochs=$epochs,
        learning_rate=$rate,
        save_strategy="epoch",
$columns    )
    trainer = Trainer(
        model,
        arguments,
        train_dataset=train_dataset,
        eval_dataset=eval_dataset,
$more    )
    trainer.train(resume_from_checkpoint=checkpoint)
    optimizer = trainer.optimizer
$check
    return trainer
''')
OWN_OPTIMIZER = Template("""\
        optimizers=(
            $optimizer,
            None,
        ),
""")


def export(plan: Plan) -> str:
    """A script with `fine_tune(train_dataset)` around a Trainer.

    Raises:
        ExportError: the model has no head.
    """
    batch = batch_of(plan)
    own = plan.scheduled or optimizing.rated(plan)  # else Trainer takes what requires grad by itself
    more = []
    if not batch.dictionary:
        more += ["        data_collator=collate,\n", "        compute_loss_func=loss_of_logits,\n"]
    if plan.scheduled:
        more.append("        callbacks=[Unfreeze()],\n")
    if own:
        more.append(OWN_OPTIMIZER.substitute(optimizer=optimizing.adamw(plan, indent=12, after=1)))
    fine_tune = FINE_TUNE.substitute(
        what="dictionaries with labels" if batch.dictionary else "(input, label) pairs",
        resume=RESUME if plan.scheduled else "",
        epochs=epochs(plan),
        rate=number(plan.rate),
        columns="" if batch.dictionary else "        remove_unused_columns=False,\n",
        more="".join(more),
        check=optimizing.CHECK_OPTIMIZER,
    )
    functions = [UNFREEZE] * plan.scheduled + [COLLATE] * (not batch.dictionary) + [fine_tune]
    return script(
        plan, needs=_needs(plan, own, batch.dictionary), functions=functions, body=[optimizing.check_counts(plan)]
    )


def _needs(plan: Plan, own: bool, dictionary: bool) -> set[str]:
    needs = {"from transformers import Trainer, TrainingArguments"}
    if plan.scheduled:
        needs |= {"from transformers import TrainerCallback, TrainerState", "import math"}
    if own or not dictionary:
        needs.add("import torch")
    return needs | {"from torch import nn"}
