"""Runs exported Python in an interpreter of its own: `python executor.py cases.json`, one JSON line a case.

Each file is run unchanged, then trained for two steps an epoch by the means that it offers. Nothing of freezecore is
imported here: what is reported is what the exported code and the real libraries did.
"""

import hashlib
import json
import os
import re
import runpy
import shutil
import sys
import traceback
import warnings
from pathlib import Path

import torch
from torch.utils.data import DataLoader

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
STEPS, BATCH = 2, 2


def samples(kind: str, size: int) -> list:
    """Enough random samples for two steps."""
    torch.manual_seed(0)
    if kind == "image":
        return [(torch.randn(3, size, size), i % 2) for i in range(STEPS * BATCH)]
    ids = torch.randint(5, 60, (STEPS * BATCH, 8))
    labels = [i % 2 for i in range(STEPS * BATCH)] if kind == "classes" else list(ids)
    mask = torch.ones(8, dtype=torch.long)
    return [{"input_ids": row, "attention_mask": mask, "labels": label} for row, label in zip(ids, labels, strict=True)]


def plain(name: str) -> str:
    """The name without what PEFT puts around a model and its layers."""
    return re.sub(r"^base_model\.model\.?|\.modules_to_save\.default|\.base_layer", "", name)


def state(model) -> dict:
    """A copy of every parameter and buffer; of a module that PEFT keeps as it was, none."""
    both = (*model.named_parameters(), *model.named_buffers())
    return {plain(name): t.detach().clone() for name, t in both if ".original_module" not in name}


def trainable(model) -> list[str]:
    return [plain(name) for name, p in model.named_parameters() if p.requires_grad]


def answers(model, data: list) -> torch.Tensor:
    """What the model says of the first sample, in eval mode."""
    model.eval()
    with torch.no_grad():
        if isinstance(data[0], dict):
            return model(**{name: torch.as_tensor(value)[None] for name, value in data[0].items()}).logits
        return model(data[0][0][None])


def saved_again(case: dict, model, data: list) -> dict:
    """Whether the adapter, saved and loaded beside the same base, answers as before, and merged into it too."""
    from peft import PeftModel

    wanted = answers(model, data)
    model.save_pretrained("adapter")
    torch.manual_seed(0)
    base = runpy.run_path(case["file"], run_name="exported")["model"].unload()
    loaded = PeftModel.from_pretrained(base, "adapter")
    found = answers(loaded, data)
    merged = answers(loaded.merge_and_unload(), data)
    return {
        "loaded": bool(torch.equal(found, wanted)),
        "merged": float((merged - wanted).abs().max() / wanted.abs().max()),
    }


def by_hand(made: dict, data: list, epochs: int, start: int = 0) -> list[list[str]]:
    """The plain loop around a script that offers a model and an optimizer."""
    model, optimizer, seen = made["model"], made["optimizer"], []
    for epoch in range(start, epochs):
        if "begin_epoch" in made:
            made["begin_epoch"](model, optimizer, epoch)
        seen.append(trainable(model))
        model.train()
        for batch in DataLoader(data, BATCH):
            if isinstance(batch, dict):
                loss = model(**batch).loss
            else:
                loss = torch.nn.functional.cross_entropy(model(batch[0]), batch[1])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return seen


def by_loader(made: dict, data: list, epochs: int, **start: int) -> list[list[str]]:
    made["fine_tune"](DataLoader(data, BATCH), epochs, **start)
    return [trainable(made["model"])]


def by_lightning(made: dict, data: list, epochs: int) -> list[list[str]]:
    made["trainer"].fit_loop.max_epochs = epochs
    made["trainer"].fit(made["FineTune"](made["model"]), DataLoader(data, BATCH))
    return [trainable(made["model"])]


def by_fastai(made: dict, data: list, epochs: int, **start: int) -> list[list[str]]:
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader as Loader

    rows = [(row, row["labels"]) if isinstance(row, dict) else row for row in data]
    dls = DataLoaders(Loader(rows, bs=BATCH, num_workers=0), Loader(rows, bs=BATCH, num_workers=0), device="cpu")
    made["fine_tune"](dls, epochs, **start)
    return [trainable(made["model"])]


def by_trainer(made: dict, data: list, epochs: int) -> list[list[str]]:
    made["fine_tune"](data)
    return [trainable(made["model"])]


def as_texts(data: list) -> tuple:
    """The samples as TRL takes them, and a tokenizer of their words."""
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {"<pad>": 0, "</s>": 2} | {str(i): i for i in range(3, 64)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="</s>"))
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>")
    return Dataset.from_list([{"input_ids": row["input_ids"].tolist()} for row in data]), fast


def by_trl(made: dict, data: list, epochs: int) -> list[list[str]]:
    rows, tokenizer = as_texts(data)
    made["fine_tune"](rows, tokenizer=tokenizer)
    return [trainable(made["model"])]


def again_by_hand(case: dict, first: dict, made: dict, data: list) -> list[list[str]]:
    """Weights and optimizer of the first epoch, loaded as a plain loop's checkpoint would be."""
    by_hand(first, data, 1)
    made["model"].load_state_dict(first["model"].state_dict())
    made["optimizer"].load_state_dict(first["optimizer"].state_dict())
    return by_hand(made, data, case["epochs"] + 1, start=1)


def again_by(way):
    """For scripts that are given the weights and the epoch to begin with."""

    def again(case: dict, first: dict, made: dict, data: list) -> list[list[str]]:
        way(first, data, 1)
        made["model"].load_state_dict(first["model"].state_dict())
        return way(made, data, case["epochs"], **({"start_epoch": 1} if case["epochs"] > 1 else {}))

    return again


def again_by_lightning(case: dict, first: dict, made: dict, data: list) -> list[list[str]]:
    by_lightning(first, data, 2)
    first["trainer"].save_checkpoint("resumed.ckpt")
    made["trainer"].fit_loop.max_epochs = max(case["epochs"], 3)
    made["trainer"].fit(made["FineTune"](made["model"]), DataLoader(data, BATCH), ckpt_path="resumed.ckpt")
    return [trainable(made["model"])]


def again_by_trainer(case: dict, first: dict, made: dict, data: list) -> list[list[str]]:
    shutil.rmtree("checkpoints", ignore_errors=True)
    data, tokenizer = as_texts(data) if case["target"] == "trl" else (data, None)
    more = {"tokenizer": tokenizer} if tokenizer else {}
    first["fine_tune"](data, **more)
    checkpoints = sorted(Path("checkpoints").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    made["fine_tune"](data, checkpoint=str(checkpoints[0]), **more)
    return [trainable(made["model"])]


RESUMES = {
    "pytorch": again_by_hand,
    "timm": again_by(by_loader),
    "accelerate": again_by(by_loader),
    "fastai": again_by(by_fastai),
    "lightning": again_by_lightning,
    "transformers-trainer": again_by_trainer,
    "trl": again_by_trainer,
}
WAYS = {
    "pytorch": by_hand,
    "timm": by_loader,
    "accelerate": by_loader,
    "lightning": by_lightning,
    "fastai": by_fastai,
    "transformers-trainer": by_trainer,
    "trl": by_trl,
}


def run(case: dict) -> dict:
    """What trained at first, in each epoch and at the end; what moved; which modules train() leaves in eval mode."""
    torch.manual_seed(0)
    made = runpy.run_path(case["file"], run_name="exported")
    model = made["model"]
    first = trainable(model)
    weights = next(model.parameters()).detach().numpy().tobytes()
    before = state(model)
    data = samples(case["kind"], case["size"])
    if case.get("resume"):
        epochs = RESUMES[case["target"]](case, made, again := runpy.run_path(case["file"], run_name="exported"), data)
        model = again["model"]
    else:
        epochs = WAYS[case["target"]](made, data, case["epochs"])
    after = state(model)
    model.train()
    return {
        "first": first,
        "first_weights": hashlib.sha256(weights).hexdigest(),
        "epochs": epochs,
        "moved": [name for name in before if not torch.equal(before[name], after[name].to(before[name].device))],
        "held": [plain(path) for path, m in model.named_modules() if not m.training and ".original_module" not in path],
        **(saved_again(case, model, data) if case.get("adapter") else {}),
    }


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    for case in json.loads(Path(sys.argv[1]).read_text()):
        try:
            outcome = run(case)
        except Exception as error:  # one case must not hide the others; the caller fails on any error
            outcome = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        print("RESULT " + json.dumps({"id": case["id"], **outcome}), flush=True)
