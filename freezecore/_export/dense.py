"""A timm body with one of torchvision's heads, written out as `freezecore.runtime.build.dense` builds it."""

from __future__ import annotations

from freezecore.source import DENSE_TASKS

CLASSES = 21  # of Pascal VOC with the background, where no number is asked for
IMPORTS = {
    DENSE_TASKS[0]: (
        "import timm",
        "from functools import partial",
        "from torchvision.models.detection.anchor_utils import DefaultBoxGenerator",
        "from torchvision.models.detection.ssd import SSD",
        "from torchvision.models.detection.ssdlite import SSDLiteHead",
    ),
    DENSE_TASKS[1]: ("import timm", "from torchvision.models.segmentation import LRASPP"),
}
DETECTOR = '''
class Body(nn.Module):
    """A timm model's features at an eighth, a sixteenth and a thirty-second of the size."""

    def __init__(self, body, names, extra):
        super().__init__()
        self.body, self.names = body, names
        scales = {f["reduction"]: (i, f["num_chs"]) for i, f in enumerate(body.feature_info)}
        self.indices, self.channels = map(list, zip(*(scales[s] for s in (8, 16, 32))))
        body.prune_intermediate_layers(self.indices, prune_norm=False, prune_head=True)
        self.extra = nn.Sequential(
            nn.Conv2d(self.channels[-1], extra, 1, bias=False),
            nn.BatchNorm2d(extra),
            nn.ReLU6(),
            nn.Conv2d(extra, extra, 3, stride=2, padding=1, groups=extra, bias=False),
            nn.BatchNorm2d(extra),
            nn.ReLU6(),
            nn.Conv2d(extra, extra, 1, bias=False),
            nn.BatchNorm2d(extra),
            nn.ReLU6(),
        )
        self.channels.append(extra)

    def forward(self, pictures):
        found = self.body.forward_intermediates(
            pictures, indices=self.indices, intermediates_only=True
        )
        found = [*found, self.extra(found[-1])]
        return dict(zip(self.names, found))


body = BODY
record = body.pretrained_cfg
backbone = Body(body, ("0", "1", "2", "3"), extra=128)
anchors = DefaultBoxGenerator([[2]] * 4, scales=[0.2, 0.35, 0.5, 0.7, 0.9])
norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
counts = anchors.num_anchors_per_location()
head = SSDLiteHead(backbone.channels, counts, CLASSES, norm)
size = (128, 128)  # to which it brings its pictures
mean, std = list(record["mean"]), list(record["std"])
model = SSD(  # the background counts as a class
    backbone, anchors, size, CLASSES, head=head, image_mean=mean, image_std=std
)
'''
SEGMENTATION = '''
class Body(nn.Module):
    """A timm model's features at an eighth, a sixteenth and a thirty-second of the size."""

    def __init__(self, body, names):
        super().__init__()
        self.body, self.names = body, names
        scales = {f["reduction"]: (i, f["num_chs"]) for i, f in enumerate(body.feature_info)}
        self.indices, self.channels = map(list, zip(*(scales[s] for s in (8, 16, 32))))
        body.prune_intermediate_layers(self.indices, prune_norm=False, prune_head=True)

    def forward(self, pictures):
        found = self.body.forward_intermediates(
            pictures, indices=self.indices, intermediates_only=True
        )
        return dict(zip(self.names, found))


body = BODY
backbone = Body(body, ("low", "middle", "high"))
model = LRASPP(backbone, backbone.channels[0], backbone.channels[-1], CLASSES)
'''


def dense_lines(task: str, body: str, classes: int | str | None) -> str:
    """The lines after which `model` is the model; `body` builds the timm model."""
    lines = DETECTOR if task == DENSE_TASKS[0] else SEGMENTATION
    return lines.strip().replace("BODY", body).replace("CLASSES", str(classes or CLASSES))
