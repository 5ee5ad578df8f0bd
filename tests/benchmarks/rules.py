"""How long rules take on a model of 5,000 parameters: `python tests/benchmarks/rules.py`.

Prints processor time in milliseconds (best of seven): resolving without and with what is remembered, finding the
shortest rules for the same ticks on a tree that was just opened, and finding them again. Takes about ten seconds.
"""

import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from freezecore._resolve import resolve
from freezecore.mask import Mask
from freezecore.rules.grammar import parse_spec
from freezecore.rules.matching import selected
from freezecore.rules.shortest import shortest_rules
from tests.freezecore.samples import deep

RULES = (
    "freeze all; train head",
    "freeze embeddings; freeze blocks:0-155",
    "freeze all; train norms",
    "freeze all; train biases",
    "freeze contains:attention",
    r"freeze regex:^bert\.encoder\.layer\.[0-9]\.",
    "freeze type:LayerNorm",
    "freeze *.query.weight",
    "freeze *.attention; train norms",
    "freeze bert.encoder.layer.[0-9].**.bias",
    "freeze bert.encoder.layer.5.attention.self.query.weight",
)


def best_ms(work: Callable[[], object], times: int = 7) -> float:
    """Milliseconds of processor time, the best of several runs."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return 1_000 * min(taken)


def first_ms(mask: Mask, opened: bytes) -> float:
    """Milliseconds of processor time for the first rules of a tree, the best of five fresh ones."""
    taken = []
    for _ in range(5):
        fresh = Mask(pickle.loads(opened), mask.trains)
        start = time.process_time()
        shortest_rules(fresh)
        taken.append(time.process_time() - start)
    return 1_000 * min(taken)


def main() -> None:
    tree = deep()
    opened = pickle.dumps(tree)
    print(f"{len(tree.parameters):,} parameters; milliseconds")
    print(f"{'rules':58} {'resolve':>8} {'again':>8} {'first':>8} {'shortest':>8}")
    for text in RULES:
        spec = parse_spec(text)

        def afresh(spec=spec):
            selected.cache_clear()
            resolve(spec, tree)

        mask = Mask(tree, resolve(spec, tree).trains)
        shortest_rules(mask)
        figures = [best_ms(afresh), best_ms(lambda spec=spec: resolve(spec, tree)), first_ms(mask, opened)]
        figures.append(best_ms(lambda mask=mask: shortest_rules(mask)))
        print(f"{text:58} " + " ".join(f"{figure:8.2f}" for figure in figures))
    scattered = Mask(tree, tuple(i * i % 7 < 3 for i in range(len(tree.parameters))))
    again = best_ms(lambda: shortest_rules(scattered))
    print(f"{'5,000 scattered ticks':58} {'':8} {'':8} {first_ms(scattered, opened):8.2f} {again:8.2f}")


if __name__ == "__main__":
    main()
