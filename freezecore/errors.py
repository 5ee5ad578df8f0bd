"""What can go wrong, each as one sentence and a hint.

    FreezeError
    ├── SourceError      a model that cannot be named, built, or given its weights
    ├── RuleError        rules that cannot be read, or that hit nothing
    ├── WorkloadError    a batch, size, optimizer or precision out of range
    ├── TraceError       a training step that cannot be followed without running it
    │   └── UnknownCost  a number read from an estimate that has it not
    ├── DataError        training data that cannot be read
    ├── ProbeError       a probe that cannot start or had to stop
    ├── ProofError       something frozen moved
    ├── MissingLibrary   a library that this needs is not installed
    └── ExportError      a target that cannot express a selection, or a file that cannot be read back

The command line prints both fields on standard error, the page shows both; neither shows a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from freezecore.sentences import filled, joined, say, shortened


class FreezeError(Exception):
    """What happened (with the user's own value in it), and what to do about it.

    Both are templates that `values` fill in, and stay sentences that can be told in another language.
    """

    def __init__(self, problem: str, hint: str = "", /, **values: object) -> None:
        self.problem, self.hint = filled(problem, values), filled(hint, values)
        super().__init__(self.problem, self.hint)

    def __str__(self) -> str:
        return f"{self.problem} {self.hint}".strip()


class SourceError(FreezeError):
    """A model source that cannot be read, built, or given its weights."""


class NotFetched(SourceError):
    """A model of the Hugging Face Hub that nothing here holds; nobody has asked the Hub for it."""


class RunsPython(SourceError):
    """A model whose opening would run somebody's Python code, without leave."""


class RuleError(FreezeError):
    """Rules that cannot be read, or that hit nothing in this tree.

    Attributes:
        position: offset of the first offending character in the rules' text; None where the text reads well.
    """

    def __init__(self, problem: str, hint: str = "", /, position: int | None = None, **values: object) -> None:
        super().__init__(problem, hint, **values)
        self.position = position

    def __reduce__(self):
        return type(self), (self.problem, self.hint, self.position)


class WorkloadError(FreezeError):
    """A batch size, input size, optimizer or precision that cannot be used."""


class TraceError(FreezeError):
    """A training step that cannot be followed without running it."""


class UnknownCost(TraceError, AttributeError):
    """A number was read that a partial estimate has not; says why it is unknown."""


class DataError(FreezeError):
    """Training data that cannot be found or read; names the file and the row."""


class ProbeError(FreezeError):
    """A probe that cannot start, or had to stop."""


class ProofError(FreezeError):
    """Something that was frozen moved, or was about to; names it."""


class ExportError(FreezeError):
    """A target that cannot express the selection, or a file that cannot be imported."""


class MissingLibrary(FreezeError, ImportError):
    """A library that is not installed; names it, and what to install."""


LIBRARIES = {  # by the name that is imported: the name that is installed, and the extra that brings it
    **{name: (name, "models") for name in ("torch", "torchvision", "timm", "transformers", "safetensors", "numpy")},
    **{"pandas": ("pandas", "models"), "pyarrow": ("pyarrow", "models"), "sklearn": ("scikit-learn", "models")},
    **{"PIL": ("pillow", "models"), "peft": ("peft", "peft"), "mcp": ("mcp", "mcp")},
    **{"anywidget": ("anywidget", "notebook"), "traitlets": ("anywidget", "notebook")},
    **{"torchmetrics": ("torchmetrics", "detection"), "pycocotools": ("pycocotools", "detection")},
    **{"yaml": ("PyYAML", ""), "jinja2": ("Jinja2", ""), "platformdirs": ("platformdirs", ""), "shtab": ("shtab", "")},
    **{"filelock": ("filelock", ""), "RestrictedPython": ("RestrictedPython", "")},
}


@contextmanager
def told_if_missing() -> Iterator[None]:
    """Inside, a library of ours that cannot be imported is told in a sentence, and that it has no temporary folder.

    Raises:
        MissingLibrary: it is not installed.
        FreezeError: a library asked for a temporary folder, and none can be written.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in LIBRARIES:
            raise
        library, extra = LIBRARIES[module]
        raise MissingLibrary(
            "This needs {library}, which is not installed.",
            "pip install 'freeze-explorer{extra}'",
            library=library,
            extra=extra and f"[{extra}]",
        ) from error
    except FileNotFoundError as error:
        if _temporary_folder():
            raise
        raise FreezeError(
            "A library asks for a temporary folder, and there is none that may be written.",
            "Make room on the disk, or set TMPDIR to a folder that may be written.",
        ) from error


def _temporary_folder() -> str:
    """Where temporary files go; an empty text where they may go nowhere."""
    import tempfile  # which most commands do without

    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return ""


def require(value: object, kind: type, hint: str) -> None:
    """Refuse an argument of another class, in a sentence.

    Raises:
        FreezeError: it is of another class; `hint` says how to come by the right one.
    """
    if not isinstance(value, kind):
        raise FreezeError(
            "This takes a {kind}, not an object of the class {other}.",
            hint,
            kind=kind.__name__,
            other=type(value).__name__,
        )


def none_called(error: type[FreezeError], problem: str, name: str, names: Iterable[str]) -> FreezeError:
    """The error for a name that is none of `names`: the problem, a template with the field `name`, and what was meant
    or what there is."""
    known = tuple(names)
    listed = (" or " if len(known) == 2 else ", ").join(known)
    return error(problem, did_you_mean(name, known) or "Choose {names}.", name=shortened(name), names=listed)


def nearest(word: str, names: Iterable[str], count: int = 3, cutoff: float = 0.6) -> list[str]:
    """Up to `count` of `names` that look most like `word`, best first; empty when nothing is as near as `cutoff`."""
    word = word[:200]
    by_lower: dict[str, str] = {}
    for name in names:
        by_lower.setdefault(name.lower(), name)
    close = difflib.get_close_matches(word.lower(), by_lower, n=count, cutoff=cutoff)
    return [by_lower[name] for name in close]


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """ "Did you mean 'layer1', 'layer2'?", or an empty text when nothing is near."""
    return meant(nearest(word, names))


def meant(names: Iterable[str]) -> str:
    """ "Did you mean 'layer1', 'layer2'?" of these names; an empty text where there are none."""
    quoted = joined(f"'{shortened(name)}'" for name in names)
    return say("Did you mean {names}?", names=quoted) if quoted else ""
