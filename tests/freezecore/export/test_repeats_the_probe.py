"""What a probe has shown, its exported script repeats: the same data, a loop, and as good an accuracy."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from freezecore._export import export
from freezecore.probe import ProbeRequest
from freezecore.runtime.train.run import run
from freezecore.runtime.train.session import Session
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from tests.freezecore.export.hub import LITE0, MINILM, fill

HEAD = "freeze all; train head"
STEPS = 20
LAST = "freeze all; train blocks:last2 head"
ROWS = [
    (LITE0, "shapes", HEAD),
    pytest.param(LITE0, "shapes", LAST, marks=pytest.mark.slow),
    pytest.param(MINILM, "docstrings", HEAD, marks=pytest.mark.slow),
    pytest.param(MINILM, "docstrings", LAST, marks=pytest.mark.slow),
]
LOOP = """
import runpy, sys
import torch

script, file, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.manual_seed(0)
made, data = runpy.run_path(script), torch.load(file)
model, optimizer = made["model"], made["optimizer"]


def logits(rows, inputs):
    batch = {name: tensor[rows] for name, tensor in inputs.items()}
    return model(batch["image"]) if "image" in batch else model(**batch).logits


scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)  # down to 0, as a probe and a Trainer do
model.train()
for step in range(steps):
    at = step % (len(data["targets"]) // 32)
    shuffled = shuffled if at else torch.randperm(len(data["targets"]))
    rows = shuffled[32 * at : 32 * (at + 1)]
    loss = torch.nn.functional.cross_entropy(logits(rows, data["inputs"]), data["targets"][rows])
    loss.backward()
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad()
model.eval()
with torch.no_grad():
    parts = [logits(rows, data["test_inputs"]).argmax(-1) for rows in torch.arange(len(data["test_targets"])).split(64)]
print((torch.cat(parts) == data["test_targets"]).float().mean().item())
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Path:
    return fill(tmp_path_factory.mktemp("hub"))


@pytest.fixture(scope="module")
def sessions():
    made: dict[str, Session] = {}

    def session(source: ModelSource, data: str) -> Session:
        if data not in made:
            made[data] = Session(ProbeRequest(source, FreezeSpec(), data=data), scores_training=False)
        return made[data]

    yield session
    for one in made.values():
        one.close()


def save_data(session: Session, file: Path) -> None:
    """The session's samples as its model takes them."""
    data, saved = session.data, {}
    for prefix, part in (("", data.train), ("test_", data.test)):
        inputs = dict(part.inputs)
        if data.mean is not None:
            mean, std = (torch.tensor(of).view(1, -1, 1, 1) for of in (data.mean, data.std))
            inputs = {name: (pictures / 255 - mean) / std for name, pictures in inputs.items()}
        saved |= {f"{prefix}inputs": inputs, f"{prefix}targets": part.targets}
    torch.save(saved, file)


@pytest.mark.parametrize("source, data, rules", ROWS)
def test_the_exported_script_reaches_the_probe_s_accuracy(source, data, rules, hub, sessions, tmp_path):
    session = sessions(source, data)
    request = ProbeRequest(source, FreezeSpec.parse(rules), data=data, steps=STEPS)
    probed = run(session, request)
    save_data(session, tmp_path / "data.pt")
    headed = replace(session.source, weights="pretrained")
    (tmp_path / "script.py").write_text(export(headed, request.spec, "pytorch", tree=session.tree))
    done = subprocess.run(
        [sys.executable, "-c", LOOP, "script.py", "data.pt", str(STEPS)],
        cwd=tmp_path,
        env={**os.environ, "HF_HOME": str(hub), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not done.returncode, done.stderr[-2000:]
    low, _ = probed.interval
    assert float(done.stdout) >= low
