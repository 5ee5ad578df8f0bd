from app.service import run_events

RUN = [
    {"event": "phase", "phase": "data"},
    {"event": "eval", "when": "before", "done": 32, "total": 64, "accuracy": 0.5},
    {"event": "eval", "when": "before", "done": 64, "total": 64, "accuracy": 0.25},
    {"event": "step", "step": 1, "loss": 2.0},
    {"event": "step", "step": 2, "loss": 1.0},
    {"event": "eval", "when": "train", "done": 10, "total": 10, "accuracy": 1.0},
    {"event": "eval", "when": "after", "done": 64, "total": 64, "accuracy": 0.75},
]


def test_only_whole_evaluations_on_held_out_data_are_drawn():
    assert run_events.accuracies(RUN) == [{"step": 0, "accuracy": 0.25}, {"step": 2, "accuracy": 0.75}]
    assert [step["loss"] for step in run_events.losses(RUN)] == [2.0, 1.0]


def test_the_phase_is_the_last_thing_the_run_spoke_of():
    assert [run_events.phase(RUN[:n]) for n in (0, 1, 2, 4, 7)] == [
        "starting",
        "data",
        "eval_before",
        "step",
        "eval_after",
    ]
    assert run_events.share(RUN[:2]) == 0.5
    assert run_events.share(RUN[:4]) is None


def test_computing_the_frozen_part_has_a_share_too():
    seen = [*RUN[:4], {"event": "phase", "phase": "capture", "done": 120, "total": 300}]
    assert (run_events.phase(seen), run_events.share(seen)) == ("capture", 0.4)
