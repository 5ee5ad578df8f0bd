"""Calibration: what steps really took on one card, beside what was estimated; as data, without torch.

Figures are kept per card in the cache folder, and shipped in `freezecore/measured_cards/`: a file there is one that
`freezecore calibrate --out` wrote. Whatever the file, `read_calibration` takes nothing that contradicts itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from freezecore import machine
from freezecore.cache import store, whole_file
from freezecore.errors import FreezeError, WorkloadError, shortened
from freezecore.report import bytes_text
from freezecore.schema import parse, reader
from freezecore.sentences import say
from freezecore.workload import Precision

FORMAT = "freeze-explorer-calibration/1"
SHIPPED = Path(__file__).parent / "measured_cards"
MODELS = ("timm:resnet18", "timm:convnext_tiny", "timm:vit_tiny_patch16_224", "config:bert", "config:gpt2")
MASKS = ("train all", "freeze all; train head", "freeze all; train biases")
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16-autocast")
BATCH = 4
MOST_ROWS, LONGEST_NAME, LARGEST = 5_000, 200, 2**20
FARTHEST = 100  # times the estimate: nobody's allocator takes that


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """One step, in a process of its own; bytes, None where they were not measured.

    Attributes:
        source, rules, precision, batch_size: what was trained.
        estimated: what `freezecore.estimate` says.
        allocated: the allocator's peak.
        reserved: what the allocator took from the device; None where its allocator keeps no reserve.
        problem: why nothing was measured, or an empty text.
    """

    source: str
    rules: str
    precision: Precision
    batch_size: int
    estimated: int | None = None
    allocated: int | None = None
    reserved: int | None = None
    problem: str = ""

    @property
    def key(self) -> tuple[str, str, str, int]:
        return self.source, self.rules, self.precision, self.batch_size

    @property
    def measured(self) -> bool:
        return self.allocated is not None and self.estimated is not None


@dataclass(frozen=True)
class Calibration:
    """Steps measured on one card.

    Attributes:
        card: its name, as its driver tells it.
        device: `cuda`, or `cpu`, which is no card and tries the whole.
        usable_bytes: what torch can allocate there in all.
        compute_capability: such as "7.5"; empty on a CPU.
        rows: the steps.
        versions: of torch and of the models' libraries.
    """

    card: str
    device: Literal["cuda", "cpu"]
    usable_bytes: int
    compute_capability: str = ""
    rows: tuple[CalibrationRow, ...] = ()
    versions: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def margin_bytes(self) -> int | None:
        """Most by which a step took more than was estimated, reserved where that is known; None where none was."""
        over = [max(row.allocated or 0, row.reserved or 0) - (row.estimated or 0) for row in self.rows if row.measured]
        return max(0, *over) if over else None

    @property
    def worst_share(self) -> float | None:
        """The largest difference between allocated and estimated, by the former; None where nothing was measured."""
        return max((abs(_allocated(row) - (row.estimated or 0)) / _allocated(row) for row in self.rows if row.measured),
                   default=None)  # fmt: skip

    @property
    def slack_share(self) -> float | None:
        """Most that was reserved beyond what was allocated, by the latter; None where no reserve was measured."""
        shares = [row.reserved / _allocated(row) - 1 for row in self.rows if row.measured and row.reserved is not None]
        return max(shares, default=None)

    @property
    def reserved_why(self) -> str:
        """Why nothing is said of reserved bytes; empty where something is."""
        if self.slack_share is not None:
            return ""
        if self.device == "cpu":
            return say("A CPU's allocator keeps no reserve, so there are no reserved bytes.")
        return say("No step was measured, so there are no reserved bytes.")

    def sentence(self) -> str:
        """What was measured, for a person."""
        measured = sum(row.measured for row in self.rows)
        if not measured:
            return say("{card}: none of {count} steps could be measured.", card=self.card, count=len(self.rows))
        return say(
            "{card}: measured on {count} steps; at most {share:.1%} off, and at most {margin} more than estimated.",
            card=self.card,
            count=measured,
            share=self.worst_share,
            margin=bytes_text(self.margin_bytes),
        )

    def to_json(self) -> dict:
        """What `calibrate --json` prints and a file holds."""
        return {
            "format": FORMAT,
            **asdict(self),
            "rows": [asdict(row) for row in self.rows],
            "margin_bytes": self.margin_bytes,
            "slack_share": self.slack_share,
            "reserved_why": self.reserved_why,
        }


def _allocated(row: CalibrationRow) -> int:
    return row.allocated or 1


def read_calibration(content: bytes | str, name: str = "") -> Calibration:
    """The calibration in a file's content.

    Raises:
        WorkloadError: this is none, or it contradicts itself.
    """
    if len(content) > LARGEST:
        raise _refused(name, say("it is larger than {most}", most=bytes_text(LARGEST)))
    try:
        data = parse(content)
        if type(data) is not dict or data.pop("format", None) != FORMAT:
            raise ValueError(FORMAT)
        said = {key: data.pop(key, None) for key in ("margin_bytes", "slack_share", "reserved_why")}
        found = reader(Calibration)(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FreezeError) as error:
        raise _refused(name, say("it is no calibration of this version")) from error
    if wrong := _contradiction(found, said):
        raise _refused(name, wrong)
    return found


def _refused(name: str, why: str) -> WorkloadError:
    return WorkloadError(
        "'{name}' cannot be read as a calibration: {why}.",
        "Run freezecore calibrate on the card again and take the file that it writes.",
        name=shortened(name),
        why=why,
    )


def _contradiction(found: Calibration, said: dict) -> str:
    """What cannot be true of it; an empty text where nothing is."""
    if not found.card.strip() or len(found.card) > LONGEST_NAME or not found.card.isprintable():
        return say("it names no card")
    if found.usable_bytes <= 0:
        return say("the card has no memory")
    if (found.device == "cuda") != bool(re.fullmatch(r"\d{1,2}\.\d", found.compute_capability)):
        return say("device and compute capability do not go together")
    if len(found.rows) > MOST_ROWS or len({row.key for row in found.rows}) < len(found.rows):
        return say("a step stands in it twice, or there are too many")
    for row in found.rows:
        if wrong := _row_contradiction(row, found):
            return wrong
    known = {"margin_bytes": found.margin_bytes, "slack_share": found.slack_share}
    if any(said[key] != value for key, value in known.items()):
        return say("its margin is not that of its own rows")
    return ""


def _row_contradiction(row: CalibrationRow, found: Calibration) -> str:
    sizes = (row.estimated, row.allocated, row.reserved)
    if row.batch_size < 1 or any(size is not None and size <= 0 for size in sizes):
        return say("a step takes no memory, or less")
    if bool(row.problem) == row.measured or (row.reserved is not None and row.allocated is None):
        return say("a step was measured and was not")
    if row.reserved is not None and (found.device == "cpu" or row.reserved < _allocated(row)):
        return say("a step reserves less than it allocates, or where there is no reserve")
    if row.measured and max(_allocated(row), row.reserved or 0) > found.usable_bytes:
        return say("a step takes more than the card has")
    if row.measured and not 1 / FARTHEST < _allocated(row) / (row.estimated or 1) < FARTHEST:
        return say("a step takes a hundred times what was estimated, or a hundredth")
    return ""


def kept() -> list[Calibration]:
    """Calibrations of this machine's cache folder, then those shipped; files that cannot be read are left out."""
    found: dict[str, Calibration] = {}
    for file in [*sorted(_folder().glob("*.json")), *sorted(SHIPPED.glob("*.json"))]:
        try:
            one = read_calibration(file.read_bytes(), file.name)
        except (OSError, FreezeError):
            continue
        found.setdefault(one.card, one)
    return list(found.values())


def known(card: str) -> Calibration | None:
    """What was kept of a card by this name."""
    return next((one for one in kept() if one.card == card), None)


def reserve(peak_bytes: int | None, device: str) -> dict[str, int | str | None]:
    """`reserved_bytes`, what the allocator would take from this machine's card for a peak, by the card's calibration;
    None, with the reason in `reserved_why`, where nothing tells."""
    if device == "cpu":
        why = say("A CPU's allocator keeps no reserve, so there are no reserved bytes.")
        return {"reserved_bytes": None, "reserved_why": why}
    shares = [found.slack_share for gpu in machine.gpus() if (found := known(gpu.name)) is not None]
    if not shares or shares[0] is None:
        why = say("No card of this machine was calibrated, so reserved bytes are unknown.")
        return {"reserved_bytes": None, "reserved_why": why}
    return {"reserved_bytes": None if peak_bytes is None else int(peak_bytes * (1 + shares[0])), "reserved_why": ""}


def keep(calibration: Calibration) -> Path:
    """Keep it for its card; the file.

    Raises:
        WorkloadError: the folder cannot be written.
    """
    path = _folder() / f"{re.sub(r'[^a-z0-9]+', '-', calibration.card.lower()).strip('-') or 'card'}.json"
    write_calibration(path, calibration)
    return path


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write it into a file, whole or not at all.

    Raises:
        WorkloadError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole_file.write(path, (json.dumps(calibration.to_json(), indent=1) + "\n").encode())
    except OSError as error:
        raise WorkloadError(
            "The calibration cannot be written to '{path}'.", whole_file.hint(error), path=shortened(str(path))
        ) from error


def cases(models: tuple[str, ...] = MODELS) -> list[CalibrationRow]:
    """The steps to measure, none of them measured."""
    return [CalibrationRow(m, mask, p, BATCH) for m in models for mask in MASKS for p in PRECISIONS]


def _folder() -> Path:
    return store.home() / "calibrations"
