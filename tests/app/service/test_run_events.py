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
    points = run_events.scores(RUN)
    assert [(point["step"], point["value"]) for point in points] == [(0, 0.25), (2, 0.75)]
    assert all(point["low"] < point["value"] < point["high"] for point in points)
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


def test_a_score_along_the_way_is_a_point_and_no_phase():
    along = {"event": "eval", "when": "along", "step": 1, "done": 40, "total": 40, "accuracy": 0.5}
    seen = [*RUN[:4], along, *RUN[4:]]
    assert [point["step"] for point in run_events.scores(seen)] == [0, 1, 2]
    assert (run_events.phase(seen[:5]), run_events.share(seen[:5])) == ("step", None)


def test_scores_of_values_are_their_metric_without_an_interval():
    ends = [{"event": "eval", "when": when, "done": 9, "total": 9, "metric": "rmse", "score": score}
            for when, score in (("before", 2.0), ("after", 1.5))]  # fmt: skip
    assert [(point["value"], point["low"]) for point in run_events.scores(ends)] == [(2.0, None), (1.5, None)]
    assert (run_events.metric(ends), run_events.metric(RUN)) == ("rmse", "accuracy")


def test_computing_the_frozen_part_has_a_share_too():
    seen = [*RUN[:4], {"event": "phase", "phase": "capture", "done": 120, "total": 300}]
    assert (run_events.phase(seen), run_events.share(seen)) == ("capture", 0.4)
