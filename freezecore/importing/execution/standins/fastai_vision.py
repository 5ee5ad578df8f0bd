"""`fastai.vision`: an architecture cut into a body and a head, and the groups that fastai's splitters make of them."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins import optim, torchvision
from freezecore.importing.execution.standins.model import built, heads
from freezecore.importing.execution.standins.module import Module, kind_of
from freezecore.importing.execution.unknown import Unknown

CUTS = {"resnet": 6, "resnext": 6, "wide_resnet": 6, "xresnet": 3, "vgg": 22, "alexnet": 6, "densenet": 7}


def learner(kind: type):
    """`vision_learner`, which makes a learner of this class."""

    def vision_learner(dls=None, arch=None, *args, pretrained=True, splitter=None, cut=None, **options):
        root = arch() if callable(arch) and type(arch) is not Unknown else built(arch, "timm")
        if not isinstance(root, Module):
            return kind(dls, root, splitter=splitter, **options)
        model, groups = _cut(root, named=isinstance(arch, str))
        learn = kind(dls, model, splitter=splitter or (lambda model: groups), **options)
        if pretrained is not False:
            learn.freeze()
        return learn

    return vision_learner


def _cut(root: Module, named: bool) -> tuple[Module, list]:
    """The body and a new head in a sequence, and their groups; an architecture given by name is timm's, with two."""
    name, head = (now().names or [""])[-1].lower(), heads(root)
    kind = next((each for each in CUTS if name.startswith(each)), None) if not named else None
    parts = [each for each in root.children() if not any(each is one for one in head)]
    nested = kind in ("vgg", "alexnet", "densenet") and bool(parts)
    inner = list(parts[0].children()) if nested else parts
    sequence = kind_of("nn.Sequential")
    body, new = sequence(*parts), sequence(*head)
    new.requires_grad_(True)
    at = CUTS.get(kind, 0)
    groups = [inner[:at], [*inner[at:], *parts[1:] * nested], [new]] if at else [parts, [new]]
    model = sequence()
    model._modules.update({"0": body, "1": new})
    return model, groups


OTHER = (
    (rf".*\.({'|'.join(CUTS)})\w*", torchvision.maker),  # `from fastai.vision.all import *` brings torchvision's along
    (r".*\.(Adam|SGD|RMSProp|ranger)", optim.maker),
)
