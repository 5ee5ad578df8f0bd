"""What each command prints for a person, from the same document that `--json` prints."""

from __future__ import annotations

from freezecore.report import (
    accuracy_text,
    bytes_text,
    change_text,
    count_text,
    flops_text,
    seconds_text,
    share_text,
    table,
)


def models(document: dict) -> str:
    rows = [(m["source"], m["family"] or "", count_text(m["parameters"])) for m in document["models"]]
    return table(["source", "family", "parameters"], rows, right=[2])


def tree(document: dict) -> str:
    rows = [
        (
            "  " * layer["path"].count(".") + (layer["path"] or "."),
            layer["class"],
            layer["kind"],
            f"{layer['parameters']:,}",
        )
        for layer in document["layers"]
        if layer["parameters"]
    ]
    places = []
    for tower in document["towers"]:
        blocks = tower["blocks"]
        span = f": {blocks[0]} … {blocks[-1]}" if blocks else ""
        before = ", ".join([*tower["embeddings"], *tower["stem"]]) or "nothing"
        places.append(f"{tower['name']}: {before} before {len(blocks)} blocks{span}")
    return "\n".join(
        [
            table(["layer", "class", "kind", "parameters"], rows, right=[3]),
            "",
            *places,
            f"head: {', '.join(document['head']) or 'none'}",
            f"{document['total']:,} parameters, fingerprint {document['fingerprint']}, order {document['order']}",
            *document["notes"],
        ]
    )


def mask(document: dict) -> str:
    rows = [(p["name"], f"{p['numel']:,}", str(p["trainable"])) for p in document["parameters"]]
    share = share_text(document["trainable"], document["total"])
    hits = [f"{hit['rule']}: {hit['parameters']} parameters" for hit in document["hits"]]
    return "\n".join(
        [
            table(["name", "numel", "requires_grad"], rows, right=[1]),
            "",
            f"{document['trainable']:,} of {document['total']:,} train ({share})",
            *hits,
            f"shortest rules: {document['shortest_rules'] or '(none: as the author set it)'}",
            *_findings(document["findings"]),
        ]
    )


def estimate(document: dict) -> str:
    full = document["full"]
    parts = ("weights", "gradients", "optimizer", "activations", "temporaries")
    rows = [
        (part, bytes_text(document[part]), bytes_text(full[part]), change_text(document[part], full[part]))
        for part in parts
    ]
    for name, words in (("peak_bytes", bytes_text), ("flops_forward", flops_text), ("flops_backward", flops_text)):
        rows.append((name, words(document[name]), words(full[name]), change_text(document[name], full[name])))
    lines = [
        table(["", "selection", "full", "change"], rows, right=[1, 2, 3]),
        f"peak: {document['peak_moment'] or 'unknown'}",
    ]
    for fit in document["fits"]:
        verdict = {True: "fits", False: "does not fit", None: "unknown"}[fit["fits"]]
        lines.append(f"{fit['card']}: {verdict}, largest batch {fit['largest_batch'] or 'unknown'}")
    for point in document["curve"] or []:
        costs = f"{bytes_text(point['peak_bytes'])}, {flops_text(point['flops_backward'])} backward"
        lines.append(f"{point['frozen_blocks']} blocks frozen: {costs}")
    if document["budget"]:
        lines.append(
            f"within {bytes_text(document['budget']['bytes'])}: {document['budget']['rules'] or 'nothing fits'}"
        )
    return "\n".join([*lines, *(f"left out: {text}" for text in document["left_out"])])


def probe(document: dict) -> str:
    proof = document["proof"]
    interval = tuple(document["interval"]) if document["interval"] else None
    lines = [
        f"{document['state']} after {document['steps']} steps on {document['device']}. {document['message']}".strip(),
        f"accuracy: {accuracy_text(document['accuracy_before'])} before, "
        f"{accuracy_text(document['accuracy_after'], interval)} after, "
        f"{accuracy_text(document['train_accuracy_after'])} on the training data",
        f"step: {seconds_text(document['step_s'])}, peak memory {bytes_text(document['peak_bytes'])} measured, "
        f"{bytes_text(document['estimated_peak_bytes'])} estimated",
        f"cache: {document['cache']['why'] or 'not used'}",
    ]
    if proof:
        moved = ", ".join(proof["changed"][:5])
        verdict = "nothing frozen moved" if proof["ok"] else f"the freeze did not hold: {moved or 'see --json'}"
        lines.append(f"proof: {verdict} ({proof['parameters']} parameters, {proof['buffers']} buffers compared)")
    return "\n".join(filter(None, [*lines, document["hint"]]))


def export(document: dict) -> str:
    return document["code"].rstrip("\n")


def import_(document: dict) -> str:
    lines = [document["rules"] or "(nothing could be read)"]
    for key in ("missing", "new"):
        lines += [f"{key}: {name}" for name in document[key]]
    return "\n".join(lines)


def check(document: dict) -> str:
    lines = ["the same set" if document["same"] else "not the same set"]
    for key in ("missing", "new"):
        lines += [f"{key}: {name}" for name in document[key]]
    return "\n".join(lines)


def _findings(findings: list[dict]) -> list[str]:
    return [
        f"{finding['severity']}: {finding['message']}" + (f" Mend it: {finding['fix']}" if finding["fix"] else "")
        for finding in findings
    ]
