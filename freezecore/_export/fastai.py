"""Target `fastai`: a Learner that keeps the selection, which its own freeze() and fine_tune() would undo."""

from __future__ import annotations

from string import Template

from freezecore._export import optimizing
from freezecore._export.batches import Batch, batch_of
from freezecore._export.plan import Plan, number
from freezecore._export.script import loop, script

UNFREEZE = '''\
class Unfreeze(Callback):
    """Changes what trains as an epoch begins."""

    def before_epoch(self) -> None:
        freeze(model, self.epoch)
        for parameter in model.parameters():
            if not parameter.requires_grad:  # weight decay would go on moving it
                parameter.grad = None
        self.opt.param_lists = L([L(group) for group in split(model)])
'''
SPLIT = Template('''\
def split(model: nn.Module) -> list[list[nn.Parameter]]:
    """The optimizer's groups, which hold only what trains."""
    return $groups
''')
UNPACKED = '''\
class Unpacked(nn.Module):
    """A Hugging Face model behind the one input that fastai gives."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: dict):
        return self.model(**batch)


def loss_of(output, labels):
    """The model has computed it already."""
    return output.loss
'''
FINE_TUNE = Template("""\
def fine_tune(dls, $arguments) -> Learner:
    $docstring
    learn = Learner(
        dls,
        $model,
        loss_func=$loss,
        splitter=split,
        train_bn=False,  # or it trains frozen batch norms
$callbacks    )
$rates    learn.fit(epochs, lr=$rate$start)
    held = {id(p) for p in learn.opt.all_params().itemgot(0)}
    assert held == {id(p) for p in model.parameters() if p.requires_grad}
    return learn
""")


def export(plan: Plan) -> str:
    """A script with `fine_tune(dls)` around a Learner.

    Raises:
        ExportError: the model has no head.
    """
    batch = batch_of(plan)
    rated = optimizing.rated(plan)
    groups = '[group["params"] for group in parameter_groups(model)]' if rated else f"[{ALL_THAT_TRAINS}]"
    rates = '    rates = [group["lr"] for group in parameter_groups(model)]\n' if rated else ""
    fine_tune = FINE_TUNE.substitute(
        **loop(plan, f"Train on {_what(batch)}. Learner.freeze() and fine_tune() would choose for themselves."),
        start=", start_epoch=start_epoch" if plan.scheduled else "",
        model="Unpacked(model)" if batch.dictionary else "model",
        loss="loss_of" if batch.dictionary else "nn.functional.cross_entropy",
        callbacks="        cbs=[Unfreeze()],\n" if plan.scheduled else "",
        rates=rates,
        rate="rates" if rated else number(plan.rate),
    )
    functions = [SPLIT.substitute(groups=groups)]
    functions += [UNPACKED] if batch.dictionary else []
    functions += [UNFREEZE] if plan.scheduled else []
    body = [optimizing.check_counts(plan)]
    return script(plan, needs=_needs(plan), functions=[*functions, fine_tune], body=body, phases=False)


ALL_THAT_TRAINS = "[p for p in model.parameters() if p.requires_grad]"


def _what(batch: Batch) -> str:
    return "pairs (dictionary with labels, labels)" if batch.dictionary else "pairs (inputs, labels)"


def _needs(plan: Plan) -> set[str]:
    needs = {"from fastai.learner import Learner", "from torch import nn"}
    if plan.scheduled:
        needs |= {"from fastai.callback.core import Callback", "from fastcore.foundation import L"}
    return needs
