"""A trainer's step as estimated against the trainer itself, on the CPU's real allocator; small models, no network."""

import gc
import logging
import os
import tempfile

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from freezecore import read_tree
from freezecore.mask import Mask
from freezecore.runtime.trace import module_pricer
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import highest_bytes

MARK = "the last step"
BATCH, TOKENS = 4, 32
LAST = 2  # of steps 0, 1 and 2: the optimizer has its state


class Net(nn.Sequential):
    """Its answer is large enough for what is kept of it to show."""

    def __init__(self):
        parts = nn.Flatten(), nn.Linear(768, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 2000)
        super().__init__(*parts)


def language_model():
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"n_embd": 64, "n_layer": 2, "n_head": 2}
    return GPT2LMHeadModel(GPT2Config(vocab_size=2000, bos_token_id=0, eos_token_id=0, **sizes))


def rows_of(build):
    if build is Net:
        return [(torch.randn(3, 16, 16), torch.tensor(1)) for _ in range(5 * BATCH)]
    tokens = torch.ones(TOKENS, dtype=torch.long)
    return [{"input_ids": tokens, "attention_mask": tokens, "labels": tokens} for _ in range(5 * BATCH)]


def loss_of(model, batch):
    return model(**batch).loss if isinstance(batch, dict) else cross_entropy(model(batch[0]), batch[1])


def frozen(build, trains):
    model = build().train()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in trains)
    return model


def adamw(model):
    return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)


def mark():
    with torch.profiler.record_function(MARK):
        pass


def by_pytorch(model, rows, half):
    optimizer = adamw(model)
    for step, batch in enumerate(DataLoader(rows, BATCH)):
        if step == LAST:
            mark()
        if step > LAST:
            break
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss = loss_of(model, batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def by_accelerate(model, rows, half):
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(True)
    accelerator = Accelerator(cpu=True, mixed_precision="bf16" if half else "no")
    prepared, optimizer, loader = accelerator.prepare(model, adamw(model), DataLoader(rows, BATCH))
    for step, batch in enumerate(loader):
        if step == LAST:
            mark()
        if step > LAST:
            break
        accelerator.backward(loss_of(prepared, batch))
        optimizer.step()
        optimizer.zero_grad()


def by_trainer(model, rows, half):
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    class Marking(TrainerCallback):
        def on_step_begin(self, args, state, control, **rest):
            if state.global_step == LAST:
                mark()

    quiet = {"report_to": "none", "save_strategy": "no", "logging_strategy": "no", "disable_tqdm": True}
    with tempfile.TemporaryDirectory() as folder:
        steps = {"max_steps": LAST + 1, "per_device_train_batch_size": BATCH}
        arguments = TrainingArguments(folder, use_cpu=True, bf16=half, **steps, **quiet)
        trainer = Trainer(model, arguments, train_dataset=rows, callbacks=[Marking()])
        trainer.remove_callback(PrinterCallback)
        trainer.train()


def by_lightning(model, rows, half):
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Training(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.model = model

        def on_train_batch_start(self, batch, index):
            if index == LAST:
                mark()

        def training_step(self, batch, index):
            return loss_of(self.model, batch)

        def configure_optimizers(self):
            return adamw(self.model)

    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = lightning.Trainer(
        max_steps=LAST + 1,
        accelerator="cpu",
        devices=1,
        precision="bf16-mixed" if half else "32-true",
        **dict.fromkeys(quiet, False),
    )
    trainer.fit(Training(), DataLoader(rows, BATCH))


def by_fastai(model, rows, half):
    import fastai.callback.progress  # noqa: F401 gives Learner no_bar
    from fastai.callback.core import Callback, CancelFitException
    from fastai.data.core import DataLoaders
    from fastai.data.load import DataLoader as Loader
    from fastai.learner import Learner

    class Marking(Callback):
        def before_batch(self):
            if self.iter == LAST:
                mark()
            if self.iter > LAST:
                raise CancelFitException

    loader = Loader(rows, bs=BATCH, num_workers=0)
    learner = Learner(
        DataLoaders(loader, loader),
        model,
        loss_func=cross_entropy,
        splitter=lambda model: [[p for p in model.parameters() if p.requires_grad]],
        train_bn=False,
        cbs=[Marking()],
    )
    learner.remove_cb(learner.recorder)
    with learner.no_bar(), learner.no_logging():
        learner.fit(1, lr=1e-3)


TRAINERS = {
    "pytorch": by_pytorch,
    "accelerate": by_accelerate,
    "transformers-trainer": by_trainer,
    "lightning": by_lightning,
    "fastai": by_fastai,
}


def measured(trainer, build, trains, half):
    """Most bytes alive in the last step, all that is allocated since before the model was built counted."""
    rows = rows_of(build)
    os.environ["KINETO_LOG_LEVEL"] = "99"
    gc.collect()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        TRAINERS[trainer](frozen(build, trains), rows, half)
    events = profile.profiler.kineto_results.events()
    begin = max(event.start_ns() for event in events if event.name() == MARK)
    return highest_bytes(profile, begin)


def estimated(trainer, build, trains, half):
    model = build()
    batch = torch.zeros(BATCH, 3, 16, 16) if build is Net else None
    precision = "bf16-autocast" if half else "fp32"
    sizes = {} if build is Net else {"sequence_length": TOKENS}
    pricer = module_pricer(model, Workload(BATCH, trainer=trainer, precision=precision, **sizes), batch=batch)
    mask = Mask.from_names(read_tree(model), trains)
    pricer.complete([mask])
    return pricer.estimate(mask).required().peak_bytes


def masks(build):
    names = [name for name, _ in build().named_parameters()]
    return {"all": set(names), "later half": set(names[len(names) // 2 :])}


@pytest.mark.parametrize("mask", ["all", "later half"])
@pytest.mark.parametrize(
    ("trainer", "build", "half", "percent"),
    [
        ("pytorch", Net, False, 0.1),
        ("accelerate", Net, False, 0.1),
        ("lightning", Net, False, 0.1),
        ("fastai", Net, False, 0.1),
        ("transformers-trainer", language_model, False, 0.1),
        ("lightning", language_model, False, 0.1),
        ("transformers-trainer", language_model, True, 5),  # a CPU's kernels in half precision take what is not counted
    ],
)
def test_the_peak_is_that_of_the_trainer_itself(trainer, build, half, percent, mask):
    trains = masks(build)[mask]
    real = measured(trainer, build, trains, half)
    assert estimated(trainer, build, trains, half) == pytest.approx(real, rel=percent / 100)


def test_trainers_differ_where_they_do_so_themselves():
    trains = masks(Net)["all"]
    peaks = {trainer: estimated(trainer, Net, trains, False) for trainer in TRAINERS}
    assert peaks["transformers-trainer"] < peaks["pytorch"] < peaks["fastai"]
    assert peaks["pytorch"] < peaks["accelerate"]


@pytest.mark.parametrize(
    ("workload", "implementation"),
    [
        (Workload(), "loop"),
        (Workload(device="cuda"), "foreach"),
        (Workload(device="cuda", trainer="transformers-trainer"), "fused"),
        (Workload(trainer="transformers-trainer", optimizer="sgd"), "loop"),
        (Workload(device="cuda", implementation="loop"), "loop"),
    ],
)
def test_the_step_is_torchs_own_for_the_device_or_the_trainers(workload, implementation):
    assert workload.step_implementation == implementation
