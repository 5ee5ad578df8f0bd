"""Makes the packs: `python -m static.packs [--minutes N] [WORD …]`; what is there and current stays as it is.

The gallery's models first, for a CPU and the page's own card, and with its adapters; then the usual steps of those of
`models.txt`, in their order; then all steps of these, and the gallery's models for the kernels of other cards.
It can be stopped at any moment, and goes on where it stood.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from app.service.gallery import MODELS
from freezecore._estimate.at_rank import rank_sources
from freezecore._presets import first_blocks, presets
from freezecore._resolve import resolve
from freezecore._trace import Trace
from freezecore._versus import DEFAULT_ADAPTER
from freezecore.cache import whole_file
from freezecore.cache.keys import versions
from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from static import pack
from static.pack import KERNELS, Pack, Step, slug, steps

HERE = Path(__file__).parent
FOLDER = HERE / "packs"
POPULAR = HERE / "models.txt"
OWN_KERNELS = "7.5"  # of the page's own card, a T4
MOST_BYTES = 15 * 10**6
NOW = Pack.revisions
USUAL = [
    Step("cuda", "fp32", False, OWN_KERNELS), Step("cuda", "fp16-autocast", False, OWN_KERNELS),
    Step("cuda", "bf16-autocast", False, OWN_KERNELS), Step("cpu", "fp32", False),
]  # fmt: skip


def sources() -> Iterator[tuple[ModelSource, bool]]:
    """The models to pack, and whether the gallery has them: as the page opens them when nobody says otherwise."""
    known = dict.fromkeys(model.source for model in MODELS)
    for model in MODELS:
        yield ModelSource.parse(model.source, task=model.task, num_labels=model.labels), True
    for line in POPULAR.read_text(encoding="utf-8").split():
        if line not in known:
            known[line] = None
            yield ModelSource.parse(line), False


def file_of(source: ModelSource) -> Path:
    """Where a model's pack lies."""
    return FOLDER / f"{slug(str(source))}.json.gz"


def kept(source: ModelSource) -> Pack | None:
    """The pack that was made before; None where there is none of these versions."""
    try:
        found = pack.read(file_of(source).read_bytes(), str(source))
    except (OSError, FreezeError):
        return None
    same = (found.versions, found.source, found.revisions[0]) == (versions(), source, NOW[0])
    return found if same else None


def complete(source: ModelSource, wanted: Iterable[Step]) -> Pack:
    """The model's pack with these steps traced, as far as they can be; its tree is read anew where that has changed.

    Raises:
        FreezeError: the model cannot be opened.
    """
    from freezecore.api import read_tree

    found = kept(source)
    if found is None or found.revisions != NOW:
        found = Pack(source, read_tree(source), *_steps_of(found), versions=versions())
    _trace(found, wanted)
    return found


def _trace(found: Pack, wanted: Iterable[Step]) -> None:
    """Trace those of these steps that it lacks."""
    for step in wanted:
        if step in found.held or step in found.left_out:
            continue
        try:
            found.traces[step] = traced(found.source, found.tree, step)
        except FreezeError as error:
            found.refused[step] = (error.problem, error.hint)


def adapt(found: Pack, wanted: Iterable[Step]) -> Pack:
    """The same with the page's own adapters at the two ranks from which every other follows.

    Raises:
        FreezeError: the model takes none.
    """
    from freezecore.api import read_tree

    for source in rank_sources(found.source.with_(adapter=DEFAULT_ADAPTER)).values():
        if source not in found.adapted:
            found.adapted[source] = Pack(source, read_tree(source), versions=found.versions)
        _trace(found.adapted[source], wanted)
    return found


def _steps_of(found: Pack | None) -> tuple[dict, dict, set]:
    return (found.traces, found.refused, found.left_out) if found else ({}, {}, set())


def traced(source: ModelSource, tree: LayerTree, step: Step) -> Trace:
    """A step with everything measured that people are likely to ask of it.

    Raises:
        TraceError: it cannot be followed.
    """
    from freezecore.runtime.trace import source_pricer

    return source_pricer(source, step.workload).complete(_likely(tree))


def _likely(tree: LayerTree) -> Iterator[Mask]:
    """Every preset, and one block alone at either end and in the middle; of a trace all else mostly follows."""
    yield Mask.as_author(tree)
    for preset in presets(tree):
        yield resolve(FreezeSpec.parse(preset.rules), tree)
    if blocks := tree.blocks:
        yield first_blocks(tree, len(blocks) // 2)
        for path in {blocks[0], blocks[len(blocks) // 2], blocks[-1]}:
            below = set(tree.under(path))
            yield Mask(tree, tuple(i in below for i in range(len(tree.parameters))))


def other_kernels(found: Pack) -> Pack:
    """The same with the steps of cards whose kernels differ; where attention asks for no card, one trace is all's."""
    own = [step for step in found.held if step.kernels == OWN_KERNELS]
    asked = [Step("cuda", precision, False, "9.0") for precision in ("fp16-autocast", "bf16-autocast", "fp32")]
    found = complete(found.source, [*own, *asked])
    if all(_same(found, step, replace(step, kernels=OWN_KERNELS)) for step in asked):
        for group in KERNELS:
            for step in own:
                other = replace(step, kernels=group[-1])
                for table in (found.traces, found.refused):
                    if step in table:
                        table[other] = table[step]
        return found
    return complete(found.source, [step for group in KERNELS for step in steps(group[-1])])


def _same(found: Pack, one: Step, other: Step) -> bool:
    """Whether both steps come to the same, whatever the order in which storages were let go of."""
    if one in found.refused or other in found.refused:
        return one in found.refused and other in found.refused
    first, second = (replace(found, traces={one: found.traces[step]}, refused={}) for step in (one, other))
    return first.to_bytes() == second.to_bytes()


def keep(found: Pack) -> int:
    """Write it, where it is too large without the least usual steps, those with adapters first; returns its bytes.

    Raises:
        ValueError: the usual steps alone are larger than a pack may be.
    """
    while len(content := found.to_bytes()) > pack.LARGEST_FILE:
        if found.adapted:
            _spare_adapters(found)
            continue
        spare = sorted(set(found.traces) - set(USUAL), key=_rarity)
        if not spare:
            raise ValueError(f"{found.source}: {len(content):,} bytes are more than {pack.LARGEST_FILE:,}")
        rarest = [step for step in spare if _rarity(step) == _rarity(spare[-1])]
        found.left_out |= set(rarest)
        found.traces = {step: found.traces[step] for step in found.traces if step not in found.left_out}
    FOLDER.mkdir(exist_ok=True)
    whole_file.write(file_of(found.source), content)
    return len(content)


def _spare_adapters(found: Pack) -> None:
    """Leave out the least usual step with adapters, and adapters altogether where none is left."""
    steps = {step for one in found.adapted.values() for step in one.traces}
    rarest = max(steps, key=lambda step: (USUAL.index(step) if step in USUAL else len(USUAL), str(step)), default=None)
    for one in found.adapted.values():
        one.traces = {step: one.traces[step] for step in one.traces if step != rarest}
        one.left_out |= {rarest} if rarest else set()
    if len(steps) < 2:
        found.adapted = {}


def _rarity(step: Step) -> tuple:
    """Steps that fewer people take come later."""
    return step.kernels not in ("", OWN_KERNELS), step.checkpointing, step.device == "cpu", step.precision == "bf16"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many")
    options.add_argument("word", nargs="*", help="only models with one of these in their name")
    asked = options.parse_args()
    until = time.monotonic() + 60 * asked.minutes
    models = [
        (source, in_gallery)
        for source, in_gallery in sources()
        if not asked.word or any(word in str(source) for word in asked.word)
    ]
    every = [*steps(""), *steps(OWN_KERNELS)]
    for wanted, gallery_alone, further in (
        (every, True, ""), (USUAL, True, "adapters"), (USUAL, False, ""), (every, False, ""), (every, True, "kernels"),
    ):  # fmt: skip
        for source, in_gallery in models:
            if time.monotonic() > until:
                return
            if in_gallery or not gallery_alone:
                _one(source, wanted, further)


def _has(found: Pack, wanted: list[Step], further: str) -> bool:
    """Whether nothing of this is missing in it."""
    had = found.held | found.left_out
    if further == "adapters":
        return bool(found.adapted) and all(
            (one.held | one.left_out).issuperset(wanted) for one in found.adapted.values()
        )
    others = {step.kernels for step in had} - {"", OWN_KERNELS, "9.0"}
    return had.issuperset(wanted) and bool(others or not further)


def _one(source: ModelSource, wanted: list[Step], further: str = "") -> None:
    """Pack what is missing of a model; `further` is `kernels` of all cards, or the page's own `adapters`."""
    before, begun = kept(source), time.monotonic()
    if before and before.revisions == NOW and _has(before, wanted, further):
        return
    try:
        found = complete(source, wanted)
        if further:
            found = other_kernels(found) if further == "kernels" else adapt(found, wanted)
        size = keep(found)
    except (FreezeError, ValueError) as error:
        print(f"{source}: {error}", flush=True)
        return
    print(f"{source}: {len(found.held)} steps, {size:,} bytes, {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
