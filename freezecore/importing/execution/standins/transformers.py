"""`transformers` and `trl`: models by class; arguments and trainers are those of `transformers_trainer`."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.argparse import HfArgumentParser
from freezecore.importing.execution.standins.model import base_of, built
from freezecore.importing.execution.standins.module import Module, kind_of
from freezecore.importing.execution.standins.optim import maker, scheduler
from freezecore.importing.execution.standins.transformers_trainer import (
    TrainerCallback,
    TrainingArguments,
    TransformersTrainer,
)
from freezecore.importing.execution.unknown import Unknown

BUILDS = ("from_pretrained", "from_config", "_from_config")
NOT_MODULES = r"(?!.*(Config|Tokenizer|TokenizerFast|Processor|FeatureExtractor)$)"


def model_class(name: str):
    """A class such as `BertModel` or `AutoModelForCausalLM`: built by name, by configuration or derived from."""
    kind = kind_of(name)
    if "from_pretrained" not in vars(kind):

        def build(cls, source=None, *args, **options):
            if cls is not kind:
                return cls(Unknown("config"))
            if options.get("load_in_8bit") is True or options.get("load_in_4bit") is True:
                now().note("A base in 8 or 4 bits holds its linear layers' weights frozen whatever is set on them.")
            root = built(source if isinstance(source, str) else name.split("For")[0].replace("Model", ""), "hf")
            return base_of(root) if isinstance(root, Module) and "For" not in name and "Head" not in name else root

        for each in BUILDS:
            setattr(kind, each, classmethod(build))
        kind.__new__ = staticmethod(lambda cls, *args, **kw: build(kind) if cls is kind else Module.__new__(cls))
        kind.post_init = lambda self: None
    return kind


NAMES = {"transformers.TrainerCallback": TrainerCallback}
OTHER = (
    (r".*Trainer", lambda name: TransformersTrainer),
    (r".*\.(HfArgument|Trl)Parser", lambda name: HfArgumentParser),
    (r".*(TrainingArguments|(SFT|DPO|KTO|ORPO|CPO|GRPO|RLOO|PPO|Reward)Config)", lambda name: TrainingArguments),
    (r".*\.(AdamW|Adafactor)", maker),
    (r".*\.get_\w*schedule\w*", lambda name: scheduler(name.removeprefix("get_"))),
    (rf"{NOT_MODULES}(.*\.)?(Auto|[A-Z])\w*(Model\w*|For[A-Z]\w+|Encoder|LMHead\w*)", model_class),
    (rf"{NOT_MODULES}.*(\.models\.(.*\.)?[A-Z]\w*|\.Conv1D)", kind_of),
)
