"""Target `fastai`: a Learner that keeps the selection, which its own freeze() and fine_tune() would undo."""

from __future__ import annotations

from string import Template

from freezecore.export import optimizing
from freezecore.export.batches import Batch, batch_of
from freezecore.export.plan import Plan, number
from freezecore.export.script import epochs, script

UNFREEZE = Template('''\
class Unfreeze(Callback):
    """Changes what trains as an epoch begins."""

    def before_epoch(self) -> None:
        freeze(self.model, self.epoch)
        for parameter in self.model.parameters():
            if not parameter.requires_grad:  # weight decay would go on moving it
                parameter.grad = None
        self.opt.param_lists = L([L(group) for group in split(self.model)])
''')
SPLIT = Template('''\
def split(model: nn.Module) -> list[list[nn.Parameter]]:
    """The optimizer's groups, which hold only what trains."""
    return $groups
''')
LOGITS = '''\
def loss_of_logits(output, labels):
    """The loss of a Hugging Face model's answer."""
    logits = output.logits
    return nn.functional.cross_entropy(logits.flatten(0, -2), labels.flatten())
'''
FINE_TUNE = Template('''\
def fine_tune(dls, epochs: int = $epochs) -> Learner:
    """Train on $what. Learner.freeze() and fine_tune() would choose for themselves."""
    learn = Learner(
        dls,
        model,
        loss_func=$loss,
        splitter=split,
        train_bn=False,  # or it trains frozen batch norms
$callbacks    )
    learn.fit(epochs, lr=$rate)
    held = {id(p) for p in learn.opt.all_params().itemgot(0)}
    assert held == {id(p) for p in model.parameters() if p.requires_grad}
    return learn
''')


def export(plan: Plan) -> str:
    """A script with `fine_tune(dls)` around a Learner.

    Raises:
        ExportError: the model has no head.
    """
    batch = batch_of(plan)
    rated = optimizing.rated(plan)
    groups = '[group["params"] for group in parameter_groups(model)]' if rated else f"[{ALL_THAT_TRAINS}]"
    rates = '[group["lr"] for group in parameter_groups(model)]' if rated else number(plan.rate)
    fine_tune = FINE_TUNE.substitute(
        epochs=epochs(plan),
        what=_what(batch),
        loss="loss_of_logits" if batch.dictionary else "nn.functional.cross_entropy",
        callbacks="        cbs=[Unfreeze()],\n" if plan.scheduled else "",
        rate=rates,
    )
    functions = [SPLIT.substitute(groups=groups)]
    functions += [LOGITS] if batch.dictionary else []
    functions += [UNFREEZE.substitute()] if plan.scheduled else []
    body = [optimizing.check_counts(plan)]
    return script(plan, needs=_needs(plan), functions=[*functions, fine_tune], body=body, phases=False)


ALL_THAT_TRAINS = "[p for p in model.parameters() if p.requires_grad]"


def _what(batch: Batch) -> str:
    return "(input_ids, attention_mask, labels)" if batch.dictionary else "(inputs, labels)"


def _needs(plan: Plan) -> set[str]:
    needs = {"from fastai.learner import Learner", "from torch import nn"}
    if plan.scheduled:
        needs |= {"from fastai.callback.core import Callback", "from fastcore.foundation import L"}
    return needs
