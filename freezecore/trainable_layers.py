"""torchvision's `trainable_backbone_layers`: what its switch trains, and which number a selection is.

Its functions count a backbone's stages from the output side. Which modules these are differs by backbone; each is here
as torchvision's own extractors cut it (`_resnet_fpn_extractor`, `_mobilenet_extractor`, `_vgg_extractor`), and a test
compares every number of every detector with what the library itself trains.
"""

from __future__ import annotations

from collections.abc import Sequence

BODY = "backbone.body."
RESNET = tuple((f"{BODY}{name}.",) for name in ("layer4", "layer3", "layer2", "layer1", "conv1"))
MOBILENET = tuple(  # MobileNetV3-Large: the blocks that halve the size begin a stage, as do the first and last layers
    tuple(f"{BODY}{i}." for i in range(first, end))
    for first, end in ((16, 17), (13, 16), (7, 13), (4, 7), (2, 4), (0, 2))
)
SSDLITE = (  # the same; its extractor cuts block 13 in two
    ("backbone.features.1.3.",),
    ("backbone.features.0.13.", "backbone.features.1.0.", "backbone.features.1.1.", "backbone.features.1.2."),
    *(
        tuple(f"backbone.features.0.{i}." for i in range(first, end))
        for first, end in ((7, 13), (4, 7), (2, 4), (0, 2))
    ),
)
VGG = (  # the fifth stage's convolutions stand in front of the extra ones
    tuple(f"backbone.extra.0.{i}." for i in range(7)),
    *(
        tuple(f"backbone.features.{i}." for i in range(first, end))
        for first, end in ((16, 23), (9, 16), (4, 9), (0, 4))
    ),
)


def stages(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Beginnings of the names of each stage's parameters, the last stage first; empty where there is no such switch."""
    if any(name.startswith(f"{BODY}layer4.") for name in names):
        return RESNET
    if any(name.startswith(f"{BODY}16.") for name in names):
        return MOBILENET
    if any(name.startswith("backbone.features.1.3.") for name in names):
        return SSDLITE
    return VGG if "backbone.scale_weight" in names else ()


def usual(names: Sequence[str]) -> int:
    """What the library takes where no number is given, with weights."""
    return {RESNET: 3, MOBILENET: 3, SSDLITE: 6, VGG: 4}[stages(names)]


def switched(names: Sequence[str], count: int) -> dict[str, bool]:
    """Of each parameter that the switch decides on, whether it trains at this number; a ResNet's first norm trains with
    all of it alone."""
    known = stages(names)
    decided = tuple(start for stage in known for start in stage)
    if known is RESNET:
        decided = (BODY,)
    trains = tuple(start for stage in known[:count] for start in stage)
    if known is RESNET and count == len(known):
        trains = (BODY,)
    return {name: name.startswith(trains) for name in names if name.startswith(decided)}


def number(trains: dict[str, bool]) -> int | None:
    """The number at which the switch makes this selection of its parameters; None where none does."""
    names = list(trains)
    return next((n for n in range(len(stages(names)) + 1) if stages(names) and _same(names, n, trains)), None)


def _same(names: Sequence[str], count: int, trains: dict[str, bool]) -> bool:
    return all(trains[name] == on for name, on in switched(names, count).items())
