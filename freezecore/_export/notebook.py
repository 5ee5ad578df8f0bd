"""Target `notebook`: a Jupyter notebook for Kaggle or Colab, from `pip install` to a trained model."""

from __future__ import annotations

import json
from string import Template

from freezecore._export import notebook_data as data
from freezecore._export import pytorch
from freezecore._export.causal import CAUSAL
from freezecore._export.model import tokenizer_packages
from freezecore._export.plan import Plan, one_line
from freezecore._export.python import printable, quoted
from freezecore._export.script import epochs
from freezecore.errors import ExportError

TITLE = Template("""\
# $label, partly frozen

`$rules`

$scalars of $total scalars train. [Open this selection again]($link).

Run the cells from top to bottom; a GPU is used where there is one. The data cell reads your own data from the
path at its top; until there is some, it loads a small real set.""")

TRAIN = Template("""\
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model.to(device)
half = torch.autocast(device.type, torch.float16, enabled=device.type == "cuda")
scaler = torch.amp.GradScaler(device.type, enabled=device.type == "cuda")
$remember
for epoch in range($epochs):
$begin    model.train()
    for batch in train_loader:
        with half:
            loss, _ = loss_and_hits(model, batch, device)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    model.eval()
    with torch.no_grad(), half:
        hits = [loss_and_hits(model, batch, device)[1] for batch in test_loader]
    accuracy = torch.cat(hits).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, held-out accuracy {accuracy:.3f}")""")

REMEMBER = Template("""\
before = {n: p.detach().clone() for n, p in model.named_parameters() if $still}
""")
PROOF = """\
after = dict(model.named_parameters())
moved = [name for name in before if not torch.equal(after[name], before[name])]
assert not moved, f"Frozen, yet it moved: {moved}"
print("Nothing frozen moved.")"""
SAVE = """torch.save(model.state_dict(), "model.pt")"""


def export(plan: Plan) -> str:
    """A notebook as JSON text.

    Raises:
        ExportError: the model takes neither pictures nor text, or cannot be built from a package.
    """
    script = pytorch.export(plan).removeprefix(plan.header + "\n").strip()
    proves = any(not any(column) for column in zip(*(mask.trains for _, mask in plan.masks), strict=True))
    still = f"not any(trains(n, e) for e in range({epochs(plan)}))" if plan.scheduled else "not p.requires_grad"
    begin = "    begin_epoch(model, optimizer, epoch)\n" if plan.scheduled else ""
    train = TRAIN.substitute(
        epochs=epochs(plan), begin=begin, remember=REMEMBER.substitute(still=still) if proves else ""
    )
    return book(
        [
            ("markdown", _title(plan)),
            ("code", install(plan)),
            ("markdown", "## The model, and what trains in it"),
            ("code", script),
            ("markdown", "## Data"),
            ("code", data_cell(plan)),
            ("markdown", "## Training"),
            ("code", train),
            ("code", f"{PROOF}\n{SAVE}" if proves else SAVE),
        ]
    )


def book(cells: list[tuple[str, str]]) -> str:
    """Cells, as kind and text, as a notebook's JSON."""
    made = [{**_cell(kind, text), "id": f"cell-{i}"} for i, (kind, text) in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def _cell(kind: str, text: str) -> dict:
    code = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, **code, "metadata": {}, "source": text.splitlines(keepends=True)}


def install(plan: Plan) -> str:
    """The line that installs what Kaggle and Colab may lack."""
    return f"%pip install -q {' '.join(_packages(plan))}"


def plain(label: str) -> str:
    """A label as text in Markdown, whatever is in it."""
    return "".join(ch if ch.isalnum() or ch in " ._-" else f"&#{ord(ch)};" for ch in printable(label))


def _title(plan: Plan) -> str:
    _, _, scalars = plan.counts[0]
    rules = printable(one_line(plan.spec)).replace("`", "'")
    link = "".join(ch if ch.isprintable() and ch not in " ()<>\\" else f"%{ord(ch) % 256:02X}" for ch in plan.reopens)
    return TITLE.substitute(
        label=plain(plan.source.label), rules=rules, scalars=f"{scalars:,}", total=f"{plan.tree.total:,}", link=link
    )


def _packages(plan: Plan) -> list[str]:
    """What Kaggle and Colab may lack, in the versions that the tree was read with."""
    wanted = ["timm"] if plan.source.scheme == "timm" else ["transformers"]
    versions = plan.tree.versions
    pinned = [f"{name}=={versions[name]}" if _is_version(versions.get(name)) else name for name in wanted]
    return pinned + list(tokenizer_packages(plan.source))


def _is_version(text: str | None) -> bool:
    return bool(text) and all(part.isalnum() and part.isascii() for part in text.split("."))


def data_cell(plan: Plan) -> str:
    """The data cell.

    Raises:
        ExportError: no example data fits this model.
    """
    root = plan.tree.layers[0].type
    if plan.source.scheme == "timm":
        return _pictures(data.TIMM_IMPORTS, data.TIMM_TRANSFORM, "")
    if plan.source.scheme == "hf" and root.endswith("ForImageClassification"):
        return _pictures(data.PLAIN_IMPORTS, data.PLAIN_TRANSFORM, ".logits")
    if plan.source.scheme == "hf" and root.endswith(("ForSequenceClassification", *CAUSAL)):
        return _texts(plan, causal=root.endswith(CAUSAL))
    raise ExportError(
        "The notebook classifies pictures or texts or continues texts, and {source} as {root} does neither.",
        "Choose a task such as sequence-classification, or export to pytorch.",
        source=plan.source,
        root=root,
    )


def _pictures(imports: str, transform: str, logits: str) -> str:
    return Template(data.IMAGES).substitute(transform_imports=imports, transform=transform, logits=logits, most=600)


def _texts(plan: Plan, *, causal: bool) -> str:
    return Template(data.TEXTS).substitute(
        name=quoted(plan.source.name),
        classes="6" if causal else "model.config.num_labels",
        padding=data.CAUSAL_PADDING if causal else "",
        labels=data.CAUSAL_LABELS if causal else data.CLASS_LABELS,
        hits=data.CAUSAL_HITS if causal else data.CLASS_HITS,
    )
