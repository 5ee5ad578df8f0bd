"""`calibrate`: real steps on the card at hand, each in a process of its own, kept for that card."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from freezecore import calibration
from freezecore.calibration import MODELS, Calibration, CalibrationRow, read_calibration
from freezecore.cli.arguments import add_leave, read_bytes, read_list, with_leave
from freezecore.cli.output import lines, stoppable, tell
from freezecore.report import bytes_text, table
from freezecore.sentences import shortened
from freezecore.source import ModelSource

EXAMPLE = "--device cuda --out card.json"
LONGEST_S = 900


def add_arguments(to: ArgumentParser) -> None:
    to.add_argument("--models", metavar="LIST", help=f"sources between commas (default: {','.join(MODELS)})")
    add_leave(to)
    to.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu tries the whole without a card")
    to.add_argument("--again", action="store_true", help="forget what was measured on this card before")
    to.add_argument("--out", metavar="FILE", help="also write the table here, to be read elsewhere")
    to.add_argument("--read", metavar="FILE", help="measure nothing: read a table from elsewhere and keep it")


def gather(options: Namespace) -> dict:
    """The table; one that was interrupted goes on where it stopped."""
    if options.read:
        found = read_calibration(read_bytes(options.read), options.read)
    else:
        models = tuple(read_list(options.models)) if options.models else MODELS
        wanted = calibration.cases(tuple(str(with_leave(ModelSource.parse(name), options)) for name in models))
        found = _measured(options, wanted)
    calibration.keep(found)
    if options.out:
        calibration.write_calibration(Path(options.out), found)
    return found.to_json()


def show(document: dict) -> str:
    """A line for each step, then what follows from them."""
    rows = [
        (
            row["source"], row["rules"], row["precision"],
            *(bytes_text(row[name]) for name in ("estimated", "allocated", "reserved")), row["problem"],
        )
        for row in document["rows"]
    ]  # fmt: skip
    heads = ["model", "rules", "precision", "estimated", "allocated", "reserved", ""]
    found = read_calibration(json.dumps(document))
    return lines(table(heads, rows, right=[3, 4, 5]), found.sentence(), found.reserved_why)


def _measured(options: Namespace, wanted: list[CalibrationRow]) -> Calibration:
    """Measure what is missing, keeping each step as it comes."""
    from freezecore.runtime.train.calibrate import card_of

    found = card_of(options.device)
    before = None if options.again else calibration.known(found.card)
    if before and before.versions == found.versions:
        measured_before = tuple(row for row in before.rows if row.measured)  # what went wrong is tried again
        found = replace(found, rows=measured_before, usable_bytes=max(found.usable_bytes, before.usable_bytes))
    known = {row.key for row in found.rows}
    missing = [row for row in wanted if row.key not in known]
    with stoppable() as should_stop:
        for number, row in enumerate(missing, 1):
            if should_stop():
                tell(f"stopped; the same command goes on with {len(missing) - number + 1} steps")
                break
            measured = alone(options.device, row)
            found = replace(found, rows=(*found.rows, measured))
            calibration.keep(found)
            took = measured.problem or f"{bytes_text(measured.estimated)} estimated, {bytes_text(measured.allocated)}"
            tell(f"{number} of {len(missing)}: {row.source}, {row.rules}, {row.precision}: {took}")
    return found


def alone(device: str, row: CalibrationRow) -> CalibrationRow:
    """The step measured in a process of its own, whose end, whatever it is, ends nothing else."""
    command = [sys.executable, "-m", "freezecore.runtime.train.calibrate", device]
    command += [row.source, row.rules, row.precision, str(row.batch_size)]
    try:
        done = subprocess.run(  # in a session of its own: a Ctrl+C lets the step that runs end
            command, capture_output=True, text=True, timeout=LONGEST_S, start_new_session=True
        )
    except subprocess.TimeoutExpired:
        return replace(row, problem=f"no result after {LONGEST_S} s")
    try:
        return replace(row, **json.loads(done.stdout.splitlines()[-1]))
    except (ValueError, IndexError, TypeError):
        said = done.stderr.strip().splitlines()
        return replace(row, problem=shortened(said[-1] if said else f"ended with {done.returncode}"))
