"""What a probe of a language model or a token classifier has shown, its exported loops repeat, each run for real."""

import os
import subprocess
import sys

import pytest
import torch

from freezecore._export import export
from freezecore.probe import ProbeRequest
from freezecore.runtime.train.run import run
from freezecore.runtime.train.session import Session
from freezecore.spec import FreezeSpec
from freezecore.workload import Workload
from tests.freezecore.runtime.train.test_tokens import conll_file, folder_of, source_of, texts_file

EPOCHS = 3  # what an export trains
BATCH = 8
RATES = {"learning_rate": 0.01, "head_learning_rate": 0.01}  # tiny models that know nothing yet
ROWS = [
    ("causal-lm", "pytorch"),
    pytest.param("causal-lm", "transformers-trainer", marks=pytest.mark.slow),
    pytest.param("causal-lm", "accelerate", marks=pytest.mark.slow),
    pytest.param("token-classification", "pytorch", marks=pytest.mark.slow),
]
RUN = """
import inspect, runpy, sys
import torch

script, file, target, batch_size = *sys.argv[1:4], int(sys.argv[4])
torch.manual_seed(0)
made, data = runpy.run_path(script), torch.load(file)
model = made["model"]


def rows(part):
    columns = [*data[part]["inputs"].items(), ("labels", data[part]["labels"])]
    return [{name: tensor[i] for name, tensor in columns} for i in range(len(data[part]["labels"]))]


train = rows("train")
loader = torch.utils.data.DataLoader(train, batch_size, shuffle=True, drop_last=True)
if target == "transformers-trainer":
    trained = made["fine_tune"](train).model
else:
    trained = made["fine_tune"](loader, 3) if "epochs" in inspect.signature(made["fine_tune"]).parameters else made[
        "fine_tune"](loader)
trained = getattr(trained, "module", trained) or model
trained = trained if isinstance(trained, torch.nn.Module) else model
trained.eval().cpu()
losses = count = 0
with torch.no_grad():
    for row in rows("test"):
        batch = {name: tensor[None] for name, tensor in row.items()}
        shift = 1 if data["continues"] else 0
        asked = int((batch["labels"][:, shift:] != -100).sum())
        losses, count = losses + float(trained(**batch).loss) * asked, count + asked
print("LOSS", losses / count)
"""


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """Of each task: the session, its request, and what the probe came to."""
    folder, found = tmp_path_factory.mktemp("probed"), {}
    torch.set_num_threads(1)
    for task, kind in (("causal-lm", "gpt2"), ("token-classification", "bert")):
        data = texts_file(folder / "t.jsonl", 160) if task == "causal-lm" else conll_file(folder / "t.conll", 160)
        source, spec = source_of(folder_of(folder / kind, kind), task), FreezeSpec.parse("freeze blocks:0")
        request = ProbeRequest(
            source,
            spec,
            data=data,
            steps=EPOCHS * 15,
            batch_size=BATCH,
            device="cpu",
            train_size=120,
            test_size=40,
            **RATES,
        )
        session = Session(request)
        found[task] = session, request, run(session, request)
    return found


@pytest.mark.parametrize(("task", "target"), ROWS)
def test_the_exported_loop_reaches_the_probes_loss(probed, task, target, tmp_path):
    session, request, result = probed[task]
    data = session.data
    saved: dict = {"continues": data.raw.continues}
    for name, part in (("train", data.train), ("test", data.test)):
        labels = part.targets
        if data.raw.continues:  # transformers' models shift by themselves
            labels = torch.cat([torch.full_like(labels[:, :1], -100), labels[:, :-1]], 1)
        saved[name] = {"inputs": part.inputs, "labels": labels}
    torch.save(saved, tmp_path / "data.pt")
    workload = Workload(batch_size=BATCH)
    code = export(session.source, request.spec, target, tree=session.tree, workload=workload, **RATES)
    (tmp_path / "script.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-c", RUN, "script.py", "data.pt", target, str(BATCH)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        timeout=600,
    )  # fmt: skip
    assert not done.returncode, done.stderr[-2000:]
    loss = float(done.stdout.split("LOSS ")[1].split()[0])
    learnt = result.held_out_loss_before - result.held_out_loss_after
    assert learnt > 0.5
    assert loss == pytest.approx(result.held_out_loss_after, abs=0.25 * learnt)
