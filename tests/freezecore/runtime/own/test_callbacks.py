"""The proof inside Hugging Face's Trainer and Lightning's: silent where the freeze holds, an error where it leaks."""

import pytest
import torch
from torch import nn

from freezecore.errors import ProofError

accelerate = pytest.importorskip("accelerate", reason="requirements-dev.txt")


class Small(nn.Module):
    """Body, norm and head; `leaky` lets a forward pass change a frozen weight, as a broken library would."""

    def __init__(self, leaky: bool = False) -> None:
        super().__init__()
        self.body, self.norm, self.head = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)
        self.leaky = leaky

    def forward(self, x, labels=None):
        if self.leaky:
            with torch.no_grad():
                self.body.weight.add_(1e-3)
        logits = self.head(self.norm(self.body(x)))
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def frozen(leaky: bool) -> Small:
    import freezecore as fc

    model = Small(leaky)
    fc.apply(model, "freeze all; train path:head")
    return model


DATA = [{"x": torch.randn(4), "labels": i % 2} for i in range(4)]


def trained_by_trainer(model: nn.Module, folder) -> list:
    from transformers import Trainer, TrainingArguments

    from freezecore.runtime.own.callbacks import proof_callback

    proving = proof_callback()
    arguments = TrainingArguments(str(folder), num_train_epochs=2, report_to=[], use_cpu=True, save_strategy="no")
    Trainer(model, arguments, train_dataset=DATA, callbacks=[proving]).train()
    return proving.proofs


def trained_by_lightning(model: nn.Module, folder) -> list:
    lightning = pytest.importorskip("lightning", reason="requirements-dev.txt")

    from freezecore.runtime.own.callbacks import proof_callback
    from freezecore.runtime.own.unfreezing import trainable_parameters

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch, batch_idx):
            return self.model(**batch)["loss"]

        def configure_optimizers(self):
            return torch.optim.AdamW(trainable_parameters(self))

    proving = proof_callback()
    trainer = lightning.Trainer(
        max_epochs=2,
        callbacks=[proving],
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        accelerator="cpu",
    )
    trainer.fit(Module(), torch.utils.data.DataLoader(DATA, 2))
    return proving.proofs


@pytest.mark.parametrize("train", [trained_by_trainer, trained_by_lightning])
def test_the_proof_holds_in_every_epoch_of_a_trainer(train, tmp_path):
    proofs = train(frozen(leaky=False), tmp_path)
    assert [proof.ok for proof in proofs] == [True, True]
    assert (proofs[0].parameters, proofs[0].buffers) == (4, 3)


@pytest.mark.parametrize("train", [trained_by_trainer, trained_by_lightning])
def test_a_trainer_stops_when_something_frozen_moves(train, tmp_path):
    with pytest.raises(ProofError, match=r"body\.weight"):
        train(frozen(leaky=True), tmp_path)
