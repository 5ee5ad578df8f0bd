"""How long rules take on a model of 5,000 parameters: `python tests/benchmarks/rules.py`.

Prints processor time in milliseconds (best of seven): resolving without and with what is remembered, and finding the
shortest rules for the same ticks.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from freezecore.mask import Mask
from freezecore.resolve import resolve
from freezecore.rules.grammar import parse_spec
from freezecore.rules.names import names_of
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


def main() -> None:
    tree = deep()
    print(f"{len(tree.parameters):,} parameters; milliseconds")
    print(f"{'rules':58} {'resolve':>8} {'again':>8} {'shortest':>8}")
    for text in RULES:
        spec = parse_spec(text)

        def afresh(spec=spec):
            names_of(tree).kept.pop("selected", None)
            resolve(spec, tree)

        mask = Mask(tree, resolve(spec, tree).trains)
        shortest_rules(mask)
        figures = (afresh, lambda spec=spec: resolve(spec, tree), lambda mask=mask: shortest_rules(mask))
        print(f"{text:58} " + " ".join(f"{best_ms(work):8.2f}" for work in figures))
    scattered = Mask(tree, tuple(i * i % 7 < 3 for i in range(len(tree.parameters))))
    print(f"{'5,000 scattered ticks':58} {'':8} {'':8} {best_ms(lambda: shortest_rules(scattered)):8.2f}")


if __name__ == "__main__":
    main()
