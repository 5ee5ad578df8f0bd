import pytest

from app.service.lesson_texts import answered
from app.service.lessons import BY_KEY, CHOICES, LESSONS, Lesson
from app.service.verdicts import NOISY
from app.text import LANGUAGES, Words, sentences


def results(lesson: Lesson, **fields: dict) -> list[dict]:
    """The lesson's results: `fields` by run's name, over a run that ended well."""
    return [{"state": "done", **fields[run.name]} for run in lesson.runs]


def accuracies(**values: float) -> dict[str, dict]:
    return {
        name: {
            "accuracy_after": value,
            "interval": [value - 0.02, value + 0.02],
            "train_accuracy_after": 1.0,
            "step_s": value,
        }
        for name, value in values.items()
    }


RACE = {f"{what}_{rate}": 0.5 for what in ("head", "all") for rate in ("high", "middle", "low")}
RACE_NOISE = {"head": 0.95, "all": 0.90, "random": 0.1}
TWENTY = {"held": 0.74, "last": 0.79, "head": 0.81}


@pytest.mark.parametrize(
    ("key", "fields", "answer"),
    [
        ("enough", accuracies(head=0.95, all=0.93, random=0.1), "same"),
        ("enough", accuracies(head=0.95, all=0.80, random=0.1), "head"),
        ("enough", accuracies(head=0.80, all=0.95, random=0.1), "all"),
        ("race", accuracies(**{**RACE, "head_high": 0.9, "all_low": 0.6, "all_middle": 0.6}), "depends"),
        ("race", accuracies(**{**RACE, "head_high": 0.9, "head_low": 0.6, "head_middle": 0.6}), "head"),
        ("twenty", accuracies(all=0.55, **TWENTY), "all"),
        ("twenty", accuracies(all=0.85, **{**TWENTY, "last": 0.74}), "last"),
        ("position", accuracies(stem=0.17, head=0.08, last=0.16), "head"),
        ("bert", accuracies(all=0.8, embeddings=0.71, five=0.4), "tenth"),
        ("bert", accuracies(all=0.8, embeddings=0.42, five=0.4), "half"),
    ],
)
def test_what_was_measured_says_which_guess_was_right(key, fields, answer):
    assert BY_KEY[key].verdict(results(BY_KEY[key], **fields)).answer == answer


def times(**seconds: tuple[float, float, float]) -> dict[str, dict]:
    return {name: {"step_s": middle, "step_interval": (low, high)} for name, (low, middle, high) in seconds.items()}


@pytest.mark.parametrize(
    ("key", "fields", "left"),
    [
        (
            "enough",
            {name: {"accuracy_after": a, "interval": [a - 0.08, a + 0.08]} for name, a in RACE_NOISE.items()},
            ("same", "head", "all"),
        ),
        ("race", accuracies(**RACE), ("depends", "head", "all")),
        ("race", accuracies(**{**RACE, "head_high": 0.9}), ("depends", "head")),
        ("twenty", accuracies(all=0.78, **{**TWENTY, "last": 0.785}), ("all", "last")),
        (
            "position",
            times(stem=(0.15, 0.172, 0.19), head=(0.07, 0.078, 0.16), last=(0.165, 0.175, 0.2)),
            ("head", "stem"),
        ),
        ("bert", times(all=(0.7, 0.8, 0.9), embeddings=(0.7, 0.71, 0.8), five=(0.3, 0.4, 0.5)), ("tenth", "third")),
        ("bert", times(all=(0.79, 0.8, 0.81), embeddings=(0.84, 0.85, 0.86), five=(0.3, 0.4, 0.5)), ()),
    ],
)
def test_a_difference_within_its_interval_is_too_noisy_to_say(key, fields, left):
    found = BY_KEY[key].verdict(results(BY_KEY[key], **fields))
    assert (found.answer, found.left) == (NOISY, left)


def test_the_fastest_step_is_told_where_the_two_slow_ones_are_alike():
    lesson = BY_KEY["position"]
    alike = times(stem=(0.15, 0.172, 0.19), head=(0.07, 0.078, 0.08), last=(0.16, 0.175, 0.2))
    found = lesson.verdict(results(lesson, **alike))
    assert (found.answer, found.left) == ("head", ())
    assert [(one.one, one.other) for one in found.comparisons] == [("head", "stem"), ("head", "last")]


def test_the_same_held_out_pictures_are_compared_pair_by_pair():
    def run(hits: int) -> dict:
        return {"accuracy_after": hits / 400, "interval": [0, 1], "per_sample": [1.0] * hits + [0.0] * (400 - hits)}

    lesson = BY_KEY["enough"]
    near = lesson.verdict(results(lesson, head=run(380), all=run(376), random=run(40)))
    far = lesson.verdict(results(lesson, head=run(380), all=run(350), random=run(40)))
    assert (near.answer, far.answer) == ("same", "head")
    (decided,) = far.comparisons
    assert decided.value == pytest.approx(0.075) and 0.04 < decided.low < decided.value < decided.high < 0.11


@pytest.mark.parametrize(("still", "answer"), [(147, "none"), (140, "few"), (0, "many")])
def test_buffers_that_moved_are_counted(still, answer):
    held, moved = {"proof": {"buffers": 147}}, {"proof": {"buffers": still}}
    lesson = BY_KEY["moves"]
    found = lesson.verdict(results(lesson, hold=held, update=moved, small_hold=held, small_update=moved))
    assert found.answer == answer


def test_no_guess_is_right_while_a_run_is_missing():
    lesson = BY_KEY["position"]
    whole = results(lesson, **accuracies(stem=0.17, head=0.08, last=0.16))
    assert [lesson.verdict(whole[:2]), lesson.verdict([*whole[:2], None])] == [None, None]
    assert lesson.verdict([*whole[:2], {**whole[2], "state": "stopped"}]) is None


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.key)
def test_every_run_can_be_asked_for_and_is_named_in_both_languages(lesson):
    for run in lesson.runs:
        assert lesson.request(run).steps <= 60
        for lang in LANGUAGES:
            assert f"lesson.{lesson.key}.run.{run.name}" in sentences(lang)
    for lang in LANGUAGES:
        assert {f"lesson.{lesson.key}.guess.{guess}" for guess in lesson.guesses} <= set(sentences(lang))
        for when, right in zip(("before", "after"), lesson.checks, strict=True):
            assert right in CHOICES
            texts = {sentences(lang)[f"lesson.{lesson.key}.{when}.{name}"] for name in ("question", *CHOICES)}
            assert len(texts) == 4


def test_a_right_answer_beside_a_cross_is_said_to_be_the_right_one():
    words, lesson = Words("en"), BY_KEY["enough"]
    (is_right, _, before), (after_is_right, _, after) = answered(lesson, {"before": "a", "after": "b"}, words)
    assert (is_right, after_is_right) == (False, True)
    assert before == f"The right answer: {words('lesson.enough.before.b')}" and after == words("lesson.enough.after.b")
    assert answered(lesson, {"after": "b"}, words) == [(True, words("learn.after"), after)]
