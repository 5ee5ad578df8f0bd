"""Every operator against its trace: `python -m tests.benchmarks.operators run|summary`.

The operators are those that models of the catalog and torch.nn's own modules call (those drawn in heldout_models.csv
and all of `heldout_models.NN`), in three precisions, on a CPU, each distinct call by its arguments' shapes; of one
operator, precision and model at most `MOST_CALLS`. Each runs alone on real tensors, forward and backward, and the most
that the allocator hands out is taken against what the trace says: results, what autograd saves, copies, and scratch
memory. Rows in operators.csv are kept: a run goes on where the last one ended.

    run      what the table lacks, for `--minutes`; with words, only models in whose names one of them stands
    summary  the operators that differ by more than `--over` percent and by more than 64 kB, the worst call of each
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from freezecore._trace import Operation, Trace, scratch_bytes
from freezecore.runtime.inputs.own import own_batch
from freezecore.runtime.tensors import tensors_in
from freezecore.runtime.trace.probing import key_of
from freezecore.runtime.trace.signature import Signature, TensorShape
from freezecore.runtime.trace.trace_model import tracer_of
from tests.benchmarks.heldout_models import NN, SEED, HeldOut, drawn
from tests.benchmarks.memory_truth import highest_bytes

ROWS = Path(__file__).with_name("operators.csv")
FIELDS = ("model", "precision", "operator", "pass", "needs", "arguments", "traced", "real", "problem")
PRECISIONS = ("fp32", "bf16-autocast", "bf16")
MOST_CALLS, MOST_BYTES = 3, 256 * 2**20
SMALL = 64 * 1024  # what a matrix product packs into blocks, whatever its size; told in the estimate's own sentence
DONE = "all"  # the operator of the row that ends a model's


def models() -> list[HeldOut]:
    """The drawn ones in an order drawn too, behind torch.nn's own modules."""
    own = [HeldOut("nn", name) for name in NN]
    others = [one for one in drawn() if one.kind != "nn"]
    return own + random.Random(f"{SEED} operators").sample(others, len(others))


def calls(model: HeldOut, precision: str) -> Iterator[tuple[Signature, Operation, Trace]]:
    """Distinct calls of its step at the smallest batch, the largest first, with what the trace says of each."""
    workload, batch = model.workload(precision=precision), model.batch()
    inputs = None if batch is None else own_batch(batch)[1]
    tracer = tracer_of(model.build(real=not model.of_library), workload, inputs, (2,))
    trace = tracer.trace(model.name, {})
    found = sorted(zip(tracer.pairs, trace.operations, strict=True), key=lambda one: -_bytes(one[0][0]))
    counts: dict[tuple, int] = {}
    for pair, operation in found:
        kind = pair[0].name, tuple(shape.dtype for shape in pair[0].shapes())
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] <= MOST_CALLS and _bytes(pair[0]) <= MOST_BYTES:
            yield pair[0], operation, trace


def _bytes(signature: Signature) -> int:
    return sum(shape.dtype.itemsize * _numel(shape) for shape in signature.shapes())


def _numel(shape: TensorShape) -> int:
    return torch.Size(shape.size).numel()


def real_leaf(shape: TensorShape, needs: int) -> Tensor:
    """A real tensor of this shape; zeros, which every operation takes as an index too."""
    leaf = torch.empty_strided(shape.size, shape.stride, dtype=shape.dtype).zero_()
    return leaf.requires_grad_() if needs else leaf


def measured(signature: Signature, needs: int) -> tuple[int, Callable[[int], int]]:
    """Most bytes that the call takes, and a function that says it of its backward step for gradients received."""
    leaves = [real_leaf(shape, needs >> i & 1) for i, shape in enumerate(signature.shapes())]
    mutable = signature.function._schema.is_mutable if hasattr(signature.function, "_schema") else False
    given = [leaf.clone() if mutable and leaf.requires_grad else leaf for leaf in leaves]
    args, kwargs = signature.rebuilt(given)
    kept: dict = {}
    forward = _most(lambda: kept.setdefault("result", signature.function(*args, **kwargs)))
    outputs = tensors_in(kept["result"])

    def backward(received: int) -> int:
        node = next(output.grad_fn for output in outputs if output.requires_grad)
        each = [o for o in outputs if o.requires_grad or len(node._input_metadata) == len(outputs)]
        grads = [torch.zeros_like(o) if received >> outputs.index(o) & 1 else None for o in each]
        return _most(lambda: node(*grads[: len(node._input_metadata)]))

    return forward, backward


def _most(run: Callable[[], object]) -> int:
    """Most bytes alive beyond those before, with the results still there."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        result = run()
    del result
    try:
        return max(0, highest_bytes(profile))
    except ValueError:  # nothing was allocated
        return 0


def rows_of(model: HeldOut, precision: str) -> Iterator[dict]:
    for signature, operation, trace in calls(model, precision):
        value = [amount.at(2) for amount in trace.amounts]
        told = {"operator": signature.name, "arguments": _told(signature)}
        for needs in sorted({max(operation.saved, default=0), min(operation.saved, default=0)}):
            row = told | {"needs": needs}
            try:
                forward, backward = measured(signature, needs)
                result = _results(signature)
            except Exception as error:  # an operation that wants other values than zeros
                yield row | {"problem": f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"}
                continue
            saved = operation.saved.get(needs)
            inside = value[operation.copies[0]] if operation.copies else 0
            inside = value[saved.inside] if saved and saved.inside is not None else inside
            traced = result + sum(value[amount] for amount in saved.new) if saved else result
            scratch = scratch_bytes(operation.scratch, value)
            yield row | {"pass": "forward", "traced": traced + max(inside, scratch), "real": forward}
            for (needed, received), step in operation.backward.items():
                if needed == needs and saved and saved.needing:
                    copies = value[operation.copies[1]] if operation.copies else 0
                    scratch = scratch_bytes(step.scratch, value)
                    try:
                        real = backward(received)
                    except Exception as error:  # likewise
                        yield row | {"pass": "backward", "problem": f"{type(error).__name__}: {str(error)[:100]}"}
                        break
                    yield row | {"pass": "backward", "traced": value[step.extra] + copies + scratch, "real": real}
                    break


def _results(signature: Signature) -> int:
    """Bytes of the storages that it makes, on tensors without memory."""
    leaves = [torch.empty_strided(s.size, s.stride, dtype=s.dtype, device="meta") for s in signature.shapes()]
    known = {key_of(leaf) for leaf in leaves}
    args, kwargs = signature.rebuilt(leaves)
    made = {key_of(t): t.untyped_storage().nbytes() for t in tensors_in(signature.function(*args, **kwargs))}
    return sum(nbytes for key, nbytes in made.items() if key not in known)


def _told(signature: Signature) -> str:
    def text(shape: TensorShape) -> str:
        dense = torch.empty(shape.size, device="meta").stride() == shape.stride
        return f"{str(shape.dtype).removeprefix('torch.')}{list(shape.size)}{'' if dense else ' strided'}"

    return " ".join(map(text, signature.shapes()))[:200]


def run(minutes: float, words: list[str]) -> None:
    torch.set_num_threads(1)
    done = {(row["model"], row["precision"]) for row in kept() if row["operator"] == DONE}
    until, new = time.monotonic() + 60 * minutes, not ROWS.exists()
    with ROWS.open("a", newline="") as out:
        writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
        if new:
            writer.writeheader()
        for model in models():
            name = f"{model.kind}:{model.name}"
            for precision in PRECISIONS:
                if (name, precision) in done or (words and not any(word in name for word in words)):
                    continue
                if time.monotonic() > until:
                    return
                common, problem = dict.fromkeys(FIELDS, "") | {"model": name, "precision": precision}, ""
                try:
                    found = list(rows_of(model, precision))
                except Exception as error:  # a model that cannot be followed
                    found, problem = [], f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
                writer.writerows(common | row for row in found)
                writer.writerow(common | {"operator": DONE, "problem": problem})
                out.flush()
                print(name, precision, len(found), problem, flush=True)


def kept() -> list[dict]:
    if not ROWS.exists():
        return []
    with ROWS.open(newline="") as lines:
        return list(csv.DictReader(lines))


def summary(over: float) -> None:
    """Operators that differ, by precision and pass: how many of their calls, and the worst."""
    every = kept()
    good = [row for row in every if row["real"]]
    names = {row["operator"] for row in good}
    told = len({(row["model"], row["precision"]) for row in every})
    print(
        f"{len(good)} calls of {len(names)} operators, from {told} steps of {len({r['model'] for r in every})} models"
    )
    groups: dict[tuple, list[dict]] = {}
    for row in good:
        groups.setdefault((row["operator"], row["pass"], row["precision"]), []).append(row)
    for (operator, way, precision), rows in sorted(groups.items()):
        wrong = [row for row in rows if differs(row, over)]
        if wrong:
            worst = max(wrong, key=lambda row: abs(int(row["real"]) - int(row["traced"])))
            print(f"  {operator} {way} {precision}: {len(wrong)} of {len(rows)}; {worst['traced']} traced,", end=" ")
            print(f"{worst['real']} real, needs {worst['needs']}: {worst['arguments']}")
    problems = sorted({(row["operator"], row["problem"]) for row in every if row["problem"]})
    for operator, problem in problems:
        print(f"    not run: {operator}: {problem}")


def differs(row: dict, over: float) -> bool:
    off = abs(int(row["real"]) - int(row["traced"]))
    return off > SMALL and off > over / 100 * max(int(row["real"]), int(row["traced"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "summary"))
    parser.add_argument("words", nargs="*", help="only models in whose names one of these stands")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--over", type=float, default=1.0, help="summary: operators off by more, in percent")
    options = parser.parse_args()
    return summary(options.over) if options.what == "summary" else run(options.minutes, options.words)


if __name__ == "__main__":
    sys.exit(main())
