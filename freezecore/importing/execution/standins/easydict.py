"""`ml_collections`, `easydict`, `munch` and `addict`: dictionaries whose keys are attributes too."""

from freezecore.importing.execution.standins.openmmlab_config import ConfigDict

OTHER = ((r"easydict\.(ConfigDict|FrozenConfigDict|EasyDict|Munch|Dict)", lambda name: ConfigDict),)
