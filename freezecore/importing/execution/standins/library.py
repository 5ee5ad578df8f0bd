"""Libraries as scripts import them: what a stand-in names, else something unknown that freezes nothing."""

from __future__ import annotations

import re
from importlib import import_module

from freezecore.importing.execution.run import GUARDED_READ, now
from freezecore.importing.execution.unknown import IN_LIBRARY, Unknown

FILES = {
    "torch": "torch", "torchvision": "torchvision", "timm": "timm", "transformers": "transformers",
    "trl": "transformers", "fastai": "fastai", "fastcore": "fastai", "lightning": "lightning",
    "pytorch_lightning": "lightning", "peft": "peft", "accelerate": "accelerate",
    "sentence_transformers": "sentence_transformers", "mmcv": "openmmlab", "mmengine": "openmmlab",
    "unsloth": "unsloth", "bitsandbytes": "bitsandbytes", "numpy": "numpy", "ml_collections": "easydict",
    "easydict": "easydict", "munch": "easydict", "addict": "easydict", "ultralytics": "ultralytics",
}  # fmt: skip
HARMLESS = {
    "pandas", "PIL", "cv2", "sklearn", "matplotlib", "seaborn", "wandb", "datasets", "evaluate",
    "albumentations", "torchmetrics", "tensorboard", "tensorboardX", "omegaconf", "hydra", "yaml", "requests",
    "nltk", "tokenizers", "torchaudio", "torchtext", "deepspeed", "einops", "joblib", "scipy",
    "ray", "optuna", "mlflow", "neptune", "torchinfo", "torchsummary", "thop", "kornia", "huggingface_hub",
    "safetensors", "psutil", "librosa", "soundfile", "imageio", "skimage", "apex", "xformers", "flash_attn",
    "loguru", "rich", "click", "typer", "fire", "absl", "gradio", "streamlit", "plotly", "logging", "time",
    "warnings", "pathlib", "datetime", "glob", "shutil", "pickle", "csv", "multiprocessing", "threading",
    "subprocess", "traceback", "uuid", "hashlib", "platform", "socket", "tempfile", "io", "inspect", "gc",
    "random", "tqdm", "pprint", "signal", "zipfile", "urllib", "base64", "secrets", "asyncio", "unittest",
    "importlib", "ctypes", "builtins", "codecs", "types", "heapq", "bisect", "queue", "concurrent", "textwrap",
    "statistics", "fractions", "decimal", "weakref", "numbers", "ast", "dis", "code", "pdb", "cProfile", "timeit",
    "locale", "getpass", "configparser", "tarfile", "struct", "lion_pytorch",
}  # fmt: skip
USUAL = {
    "torch": "torch", "nn": "torch.nn", "optim": "torch.optim", "F": "torch.nn.functional", "timm": "timm",
    "models": "torchvision.models", "torchvision": "torchvision", "transformers": "transformers", "np": "numpy",
    "pl": "lightning", "re": "re", "math": "math", "itertools": "itertools", "os": "os", "tqdm": "tqdm.tqdm",
    "partial": "functools.partial", "reduce": "functools.reduce", "OrderedDict": "collections.OrderedDict",
    "defaultdict": "collections.defaultdict", "deepcopy": "copy.deepcopy", "copy": "copy", "random": "random",
    "DataLoader": "torch.utils.data.DataLoader",
}  # fmt: skip
PLAIN_ATTRIBUTES = {
    "config", "num_features", "embed_dim", "default_cfg", "pretrained_cfg", "hidden_size", "name_or_path", "device",
    "dtype", "hf_device_map", "is_gradient_checkpointing", "quantization_method", "is_loaded_in_8bit",
    "is_loaded_in_4bit", "generation_config", "num_classes",
}  # fmt: skip


class Library:
    """A module of a library: `torch.nn`."""

    def __init__(self, path: str) -> None:
        vars(self)["_fx_path"] = path

    def __getattr__(self, name: str):
        if name.startswith("__"):
            return Unknown(f"{self._fx_path}.{name}", library=True)
        return resolved(f"{self._fx_path}.{name}")

    def __iter__(self):
        yield Unknown(f"dir({self._fx_path})", library=True)

    def __getitem__(self, name):
        """`models.__dict__[name]`, and `getattr(models, name)` of a name that is not known."""
        if type(name) is str:
            return resolved(f"{self._fx_path}.{name}")
        return resolved(f"{self._fx_path}.get_model")


def resolved(path: str):
    """What stands for a dotted name of a library."""
    root = path.partition(".")[0]
    if root in FILES:
        found = import_module(f"freezecore.importing.execution.standins.{FILES[root]}")
        path = path.replace(root, FILES[root], 1)
        names = getattr(found, "NAMES", {})
        if path in names:
            return names[path]
        for pattern, make in getattr(found, "OTHER", ()):
            if re.fullmatch(pattern, path):
                return make(path.rpartition(".")[2])
        folder = "." not in path or any(name.startswith(f"{path}.") for name in names)
        return Library(path) if folder else Unknown(path, library=True)
    from freezecore.importing.execution.standins import stdlib

    if path in stdlib.NAMES:
        return stdlib.NAMES[path]()
    if root in stdlib.MODULES:
        return stdlib.module(path)
    return Unknown(path, library=root in HARMLESS)


def well_known(name: str):
    """What a name means that a fragment uses without its import."""
    if name in USUAL:
        return resolved(USUAL[name])
    of_peft = "peft" in name.lower() or name.startswith("prepare_model_for_")
    if not name[:1].isupper() and not of_peft and name not in ("create_model", "vision_learner", "cnn_learner"):
        return None
    others = ("unsloth", "transformers", "peft", "trl", "lightning", "accelerate", "timm", "fastai",
              "sentence_transformers")  # fmt: skip
    for root in ("peft",) if of_peft else others:
        found = resolved(f"{root}.{name}")
        if type(found) is not Unknown:
            return found
    return None


def imported(path: str):
    """`import path`."""
    if path.startswith("."):
        return Unknown(path)
    return resolved(path)


def imported_from(module: str, name: str):
    """`from module import name`."""
    if module.startswith("."):
        return Unknown(name)
    root = module.partition(".")[0]
    if root not in FILES and root not in HARMLESS and root not in _stdlib().MODULES:
        return Unknown(name)
    if root in FILES:
        return resolved(f"{module}.{name}")
    return GUARDED_READ[0](resolved(module), name, Unknown(name, library=True))


def _stdlib():
    from freezecore.importing.execution.standins import stdlib

    return stdlib


def _deeper(path: str):
    """A name below an unknown one of a library: `torch.nn.utils` is not known, and `torch.nn.utils.prune` may be."""
    return resolved(path) if path.partition(".")[0] in FILES else None


IN_LIBRARY.append(_deeper)


def stated(**values) -> None:
    """Keep what a script says of its training."""
    for key, value in values.items():
        now().state(key, value)
