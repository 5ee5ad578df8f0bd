"""Twenty scripts of models, selections and trainers drawn by a seed, run for real: what moves, holds and stays."""

import random

import pytest

from freezecore.errors import FreezeError
from tests.freezecore.export.matrix import EXECUTED
from tests.freezecore.export.models import CONFIGS, MODELS, small
from tests.freezecore.export.running import Case, difference, run

pytestmark = pytest.mark.slow
COUNT = 20


def drawn(folder, seed: int) -> list[Case]:
    """Cases that can be exported: some parameters, modules or blocks by name, now and then in two phases."""
    draw, found = random.Random(seed), []
    while len(found) < COUNT:
        name, target = draw.choice(MODELS), draw.choice(EXECUTED)
        one = small(name, folder)
        if target == "timm" and name in CONFIGS:
            continue
        paths = [layer.path for layer in one.tree.layers if layer.parameters and layer.path]
        names = [f'"{path}"' for path in draw.sample(paths, draw.randint(1, 4))]
        rules = draw.choice(["freeze all; train {}", "freeze {}", "freeze all; train head {}"]).format(" ".join(names))
        rules += draw.choice(["", "", "; norms update", "; dropout on", f"; from epoch 1: train {names[0]}"])
        case = Case(f"drawn{len(found)}", target, one, rules)
        try:
            if all(any(mask.trains) for mask in case.masks):
                found.append(case)
        except FreezeError:
            continue
    return found


def test_twenty_drawn_scripts_freeze_train_and_hold_what_the_mask_says(tmp_path):
    cases = drawn(tmp_path, 17)
    outcomes = run(cases, tmp_path)
    wrong = {f"{case.target} {case.small.source} {case.rules}": difference(case, outcomes[case.id]) for case in cases}
    assert {key: told for key, told in wrong.items() if told} == {}
