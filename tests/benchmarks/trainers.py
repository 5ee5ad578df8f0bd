"""The same steps by others: a bare PyTorch loop, Hugging Face's Trainer, Lightning and fastai, each as its manual says.

All get the same model object with its frozen parameters, the same normalised pictures in memory, batches of 32 and
AdamW; no checkpoints, no logger, no progress bar, no evaluation.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

BATCH = 32
RATE = 1e-3
By = Callable[[nn.Module, Tensor, Tensor, int], None]  # model, pictures, classes, steps; steps are whole epochs


def bare(model: nn.Module, pictures: Tensor, classes: Tensor, steps: int) -> None:
    loader = DataLoader(TensorDataset(pictures, classes), batch_size=BATCH, shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=RATE)
    model.train()
    done = 0
    while done < steps:
        for x, y in loader:
            optimizer.zero_grad()
            loss = cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            loss.item()
            done += 1


class WithLoss(nn.Module):
    """A classifier as Hugging Face's Trainer wants it: it takes its labels and gives its loss."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.model(pixel_values)
        return {"loss": cross_entropy(logits, labels), "logits": logits}


def trainer(model: nn.Module, pictures: Tensor, classes: Tensor, steps: int) -> None:
    from transformers import PrinterCallback, Trainer, TrainingArguments

    rows = [{"pixel_values": x, "labels": y} for x, y in zip(pictures, classes, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            learning_rate=RATE,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
        )
        training = Trainer(WithLoss(model), arguments, train_dataset=rows)
        training.remove_callback(PrinterCallback)
        training.train()


def lightning(model: nn.Module, pictures: Tensor, classes: Tensor, steps: int) -> None:
    import lightning as pl

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
            return cross_entropy(self.model(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW([p for p in self.parameters() if p.requires_grad], lr=RATE)

    loader = DataLoader(TensorDataset(pictures, classes), batch_size=BATCH, shuffle=True, drop_last=True)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    fitting = pl.Trainer(max_steps=steps, accelerator="cpu", devices=1, enable_model_summary=False, **quiet)
    fitting.fit(Module(), loader)


def fastai(model: nn.Module, pictures: Tensor, classes: Tensor, steps: int) -> None:
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader as FastaiLoader
    from fastai.learner import Learner
    from fastai.optimizer import OptimWrapper

    rows = list(zip(pictures, classes, strict=True))
    loader = FastaiLoader(rows, bs=BATCH, shuffle=True, drop_last=True, num_workers=0)

    def adamw(parameters, lr: float) -> OptimWrapper:
        return OptimWrapper(parameters, torch.optim.AdamW, lr=lr)

    learner = Learner(
        DataLoaders(loader, loader),
        model,
        loss_func=cross_entropy,
        opt_func=adamw,
        train_bn=False,
        splitter=lambda m: [p for p in m.parameters() if p.requires_grad],
    )
    learner.remove_cb(learner.recorder)  # it would print a row after each epoch
    learner.fit(steps // (len(rows) // BATCH), lr=RATE, cbs=[_no_validation()])


def _no_validation():
    from fastai.callback.core import Callback, CancelValidException

    class NoValidation(Callback):
        def before_validate(self) -> None:
            raise CancelValidException

    return NoValidation()


OTHERS: dict[str, By] = {"bare loop": bare, "Trainer": trainer, "Lightning": lightning, "fastai": fastai}


def hush() -> None:
    """Keep the libraries' advice out of the figures' way."""
    import logging

    warnings.simplefilter("ignore")
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    for name in ("lightning.pytorch", "lightning.pytorch.utilities.rank_zero", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
