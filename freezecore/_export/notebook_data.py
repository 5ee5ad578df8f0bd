"""The data cells of exported notebooks: a person's own data, and small real data that needs no download until then."""

from __future__ import annotations

IMAGES = """\
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, random_split
from torchvision.datasets import ImageFolder
$transform_imports

DATA = Path("/kaggle/input/your-pictures")  # a folder of pictures for each class
$transform
if DATA.is_dir():
    dataset = ImageFolder(DATA, transform)
else:  # until then, handwritten digits that come with scikit-learn
    pixels, labels = load_digits(return_X_y=True)
    pictures = [Image.fromarray((p.reshape(8, 8) * 15).astype("uint8")) for p in pixels]
    dataset = [
        (transform(picture.convert("RGB")), int(label))
        for picture, label in zip(pictures[:$most], labels[:$most], strict=True)
    ]
held_out = len(dataset) // 4
torch.manual_seed(0)
train_set, test_set = random_split(dataset, [len(dataset) - held_out, held_out])


def loss_and_hits(model, batch, device):
    \"\"\"The batch's loss, and for each picture whether it was recognised.\"\"\"
    inputs, labels = (tensor.to(device) for tensor in batch)
    logits = model(inputs)$logits
    return nn.functional.cross_entropy(logits, labels), logits.argmax(-1) == labels


train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
test_loader = DataLoader(test_set, batch_size=32)"""

TIMM_IMPORTS = "from timm.data import create_transform, resolve_model_data_config"
TIMM_TRANSFORM = "transform = create_transform(**resolve_model_data_config(model))"
PLAIN_IMPORTS = "from torchvision.transforms import Compose, Normalize, Resize, ToTensor"
PLAIN_TRANSFORM = """\
size = model.config.image_size
transform = Compose([Resize((size, size)), ToTensor(), Normalize([0.5] * 3, [0.5] * 3)])"""

TEXTS = """\
import importlib
import inspect
import pkgutil
from pathlib import Path

import pandas as pd
from torch.utils.data import DataLoader, random_split
from transformers import AutoTokenizer

DATA = Path("/kaggle/input/your-texts/train.csv")  # columns text and label
if DATA.is_file():
    table = pd.read_csv(DATA)
    texts, labels = table["text"].tolist(), table["label"].tolist()
else:  # until then: which package of Python's standard library does a sentence describe?
    packages = ["unittest", "asyncio", "email", "http", "logging", "multiprocessing"]
    found = {}
    for label, package in enumerate(packages[:$classes]):
        root = importlib.import_module(package)
        names = [package, *(f"{package}.{m.name}" for m in pkgutil.iter_modules(root.__path__))]
        for name in names:
            if name.endswith(("__main__", "windows_events", "windows_utils", "popen_spawn_win32")):
                continue
            for _, thing in inspect.getmembers(importlib.import_module(name)):
                if callable(thing) and str(getattr(thing, "__module__", "")).startswith(package):
                    found[(inspect.getdoc(thing) or "").split("\\n")[0]] = label
    rows = [(text, label) for text, label in found.items() if len(text) > 20]
    texts, labels = [text for text, _ in rows], [label for _, label in rows]

tokenizer = AutoTokenizer.from_pretrained($name)
${padding}data = list(zip(texts, labels, strict=True))
held_out = len(data) // 4
torch.manual_seed(0)
train_set, test_set = random_split(data, [len(data) - held_out, held_out])


def collate(rows):
    \"\"\"Texts and labels as one padded batch.\"\"\"
    texts, labels = zip(*rows, strict=True)
    batch = tokenizer(
        list(texts), padding=True, truncation=True, max_length=128, return_tensors="pt"
    )
$labels
    return dict(batch)


def loss_and_hits(model, batch, device):
    \"\"\"The batch's loss, and what was answered right.\"\"\"
    batch = {name: tensor.to(device) for name, tensor in batch.items()}
    output = model(**batch)
$hits


train_loader = DataLoader(train_set, batch_size=32, shuffle=True, collate_fn=collate)
test_loader = DataLoader(test_set, batch_size=32, collate_fn=collate)"""

CLASS_LABELS = """\
    batch["labels"] = torch.tensor(labels)"""
CLASS_HITS = """\
    return output.loss, output.logits.argmax(-1) == batch["labels"]"""
CAUSAL_LABELS = """\
    batch["labels"] = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)"""
CAUSAL_HITS = """\
    following = batch["labels"][:, 1:]
    return output.loss, (output.logits[:, :-1].argmax(-1) == following)[following != -100]"""
CAUSAL_PADDING = "tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token\n"
