"""Find: what is asked for, which trials run under a clock, and what the search recommends."""

import pytest

from freezecore.errors import ProbeError
from freezecore.probe import ProbeRequest, ProbeResult
from freezecore.search.find import Arm, FindRequest, FindResult, chosen
from freezecore.search.halving import CHECKS, Search, ranked, trial
from freezecore.search.measured import Candidate
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec


class World:
    """Arms whose accuracy and price are known, and a clock that only their runs move."""

    def __init__(self, fixed_s: float = 1.0) -> None:
        self.now, self.fixed_s, self.ran = 0.0, fixed_s, []

    def measure(self, arm: Arm, steps: int, seed: int) -> ProbeResult:
        step_s = arm.work / 100
        self.now += self.fixed_s + steps * step_s
        self.ran.append((arm, steps, seed))
        height = float(arm.candidate.rules) - 0.1 * abs(arm.factor - 1)
        accuracy = height * (1 - 0.5 / (1 + steps))
        return ProbeResult("done", "cpu", steps=steps, step_s=step_s, test_size=600, accuracy_after=accuracy)

    def search(self, arms, budget_s: float, **fields) -> Search:
        return Search(arms, self.measure, budget_s=budget_s, steps=90, clock=lambda: self.now, **fields)


def arm(height: float, factor: float = 1.0, work: float = 1.0) -> Arm:
    return Arm(Candidate(f"{height}", (f"height {height}",)), factor, work, work, peak_bytes=int(100 * work))


ARMS = [arm(height, factor) for height in (0.5, 0.6, 0.7, 0.8, 0.9) for factor in (1.0, 0.3, 3.0)]


def test_with_time_enough_the_best_wins_with_several_seeds():
    world = World()
    search = world.search(ARMS, 1000)
    search.run()
    best = search.choices()[0]
    assert (best.rules, best.steps, best.seeds) == ("0.9", 90, 5)
    assert {steps for _, steps, _ in world.ran} == {10, 30, 90}
    assert len({a for a, steps, _ in world.ran if steps == 10}) == len(ARMS)


@pytest.mark.parametrize("budget_s", [5, 20, 60, 200])
def test_a_search_keeps_to_its_time_and_always_has_an_answer(budget_s):
    world = World()
    search = world.search(ARMS, budget_s)
    search.run()
    longest = 1 + 90 / 100
    assert world.now <= budget_s + longest
    assert search.choices()


def test_a_dear_arm_does_not_starve_the_cheap_ones():
    world = World()
    arms = [arm(0.6), arm(0.95, work=500.0), *ARMS]
    search = world.search(arms, 60)
    search.run()
    assert search.choices()[0].rules == "0.9"
    assert not [a for a, _, _ in world.ran if a.work > 1]


def test_prices_follow_the_work_that_was_measured():
    world = World(fixed_s=2.0)
    search = world.search([arm(0.5)], 10, evaluation=30)
    assert search.price(arm(0.5), 10) == 0  # nothing is known: the first one is tried
    search._try(arm(0.5), 0, 0)
    assert search.price(arm(0.5, factor=3.0), 100) == pytest.approx(2.0 + 1.0)  # as it took, for more steps
    assert search.price(arm(0.7, work=50.0), 100) == pytest.approx(50 * (100 + 30 + CHECKS) / 100)


def test_a_first_run_that_takes_all_of_its_share_keeps_nobody_from_being_tried():
    world = World()
    slow = iter([30.0])

    def measure(arm: Arm, steps: int, seed: int) -> ProbeResult:
        world.now += next(slow, 0.0)  # the first run captures the prefix that all others use
        return world.measure(arm, steps, seed)

    search = Search(ARMS, measure, budget_s=100, steps=90, clock=lambda: world.now)
    search.run()
    assert {a.candidate.rules for a, _, _ in world.ran} == {"0.5", "0.6", "0.7", "0.8", "0.9"}
    assert search.choices()[0].rules == "0.9"


class Bloomers(World):
    """Arms whose accuracy after few steps says nothing of what they reach; `rules` are `early,late`."""

    def measure(self, arm: Arm, steps: int, seed: int) -> ProbeResult:
        self.now += 1
        self.ran.append((arm, steps, seed))
        early, late = map(float, arm.candidate.rules.split(","))
        accuracy = late if steps == 90 else early
        return ProbeResult("done", "cpu", steps=steps, step_s=0.01, test_size=600, accuracy_after=accuracy)


def bloomer(early: float, late: float) -> Arm:
    return Arm(Candidate(f"{early},{late}", ()))


def test_a_late_bloomer_is_not_dropped_for_a_difference_within_the_noise():
    world = Bloomers()
    early = [bloomer(0.8 + i / 1000, 0.82) for i in range(12)]
    late, hopeless = bloomer(0.795, 0.9), bloomer(0.5, 0.99)
    search = world.search([*early, late, hopeless], 200)
    search.run()
    assert search.choices()[0].rules == late.candidate.rules
    assert [steps for arm, steps, _ in world.ran if arm == hopeless] == [10]


def test_one_lucky_seed_does_not_win_against_the_mean_of_several():
    seeds = {"steady": (0.9, 0.92, 0.88, 0.91, 0.89), "lucky": (0.905,)}
    found = []
    for name, scores in seeds.items():
        for seed, score in enumerate(scores):
            result = ProbeResult("done", "cpu", steps=90, step_s=0.1, test_size=600, accuracy_after=score)
            one = Arm(Candidate(name, ()))
            found.append((one, trial(one, 2, 90, seed, result, 1.0)))
    assert [choice.rules for choice in chosen(found)] == ["steady", "lucky"]


def test_whoever_watches_hears_each_run_begin_and_end_and_the_best_so_far():
    world, heard = World(), []
    search = world.search(ARMS, 60, emit=heard.append)
    search.run()
    trying, trials = heard[::2], heard[1::2]
    assert {event["event"] for event in trying} == {"trying"}
    assert {event["event"] for event in trials} == {"trial"}
    for before, after in zip(trying, trials, strict=True):
        assert all(before[name] == after[name] for name in ("rules", "factor", "rung", "steps", "seed"))
    assert [event["done"] for event in trials] == list(range(1, len(trials) + 1))
    assert trials[-1]["best"]["rules"] == search.choices()[0].rules
    assert trials[-1]["spent_s"] == pytest.approx(world.now)
    assert "per_sample" not in trials[-1] | trials[-1]["best"]


def test_stop_ends_a_search_with_what_it_has():
    world = World()
    search = world.search(ARMS, 1000, should_stop=lambda: len(world.ran) >= 4)
    assert len(search.run()) == 4
    assert len(search.choices()) > 0


def test_runs_that_failed_never_win():
    failed = ProbeResult("out-of-memory", "cpu", accuracy_after=None, message="No memory.")
    pairs = [(arm(0.9), trial(arm(0.9), 0, 10, 0, failed, 1.0))]
    assert ranked(pairs) == []
    assert chosen(pairs) == ()


def test_a_choice_rests_on_its_longest_runs_at_its_best_rate():
    def tried(height: float, factor: float, steps: int, seed: int, accuracy: float):
        result = ProbeResult("done", "cpu", step_s=0.1, test_size=400, accuracy_after=accuracy)
        return arm(height, factor), trial(arm(height, factor), 0, steps, seed, result, 1.0)

    found = chosen(
        [tried(1, 1.0, 10, 0, 0.99), tried(1, 3.0, 90, 0, 0.8), tried(1, 3.0, 90, 1, 0.6), tried(2, 1.0, 90, 0, 0.75)]
    )
    assert [(c.rules, c.accuracy_after, c.seeds) for c in found] == [("2", 0.75, 1), ("1", pytest.approx(0.7), 2)]
    assert found[1].noise > found[0].noise  # its two seeds lie far apart


def test_requests_and_results_travel_as_json():
    request = FindRequest(ProbeRequest(ModelSource("timm", "tiny"), FreezeSpec()), 3.0, 16 * 10**9)
    assert FindRequest.from_json(request.to_json()) == request
    with pytest.raises(ProbeError, match="0 minutes are out of range."):
        FindRequest(request.base, 0)
    empty = FindResult("failed", message="Nothing fits.").to_json()
    assert (empty["event"], empty["rules"], empty["runner_up"], empty["tried"]) == ("result", None, None, 0)
    world = World()
    search = world.search(ARMS, 100)
    search.run()
    told = FindResult("done", *search.choices()[:2]).to_json()
    assert (told["rules"], told["runner_up"]["rules"]) == ("0.9", "0.8")


class Learner(World):
    """A world whose arms are at chance until they have run for some steps; their samples are hits and misses."""

    def __init__(self, first_s: int, classes: int = 2) -> None:
        super().__init__()
        self.first_s, self.chance = first_s, 1 / classes

    def measure(self, arm: Arm, steps: int, seed: int) -> ProbeResult:
        self.now += 1
        self.ran.append((arm, steps, seed))
        share = self.chance if steps < self.first_s else float(arm.candidate.rules)
        hits = tuple(float((i * 7919 + 3) % 400 < share * 400) for i in range(400))
        return ProbeResult(
            "done", "cpu", steps=steps, step_s=0.01, test_size=400, accuracy_after=sum(hits) / 400, metric="accuracy",
            per_sample=hits, baseline=self.chance,
        )  # fmt: skip


def test_rungs_that_are_too_short_to_learn_anything_are_made_longer():
    world = Learner(first_s=30)
    search = world.search([arm(h) for h in (0.6, 0.7, 0.8, 0.9)], 1000)
    search.run()
    assert search.choices()[0].rules == "0.9"
    assert [steps for _, steps, _ in world.ran][:4] == [10, 10, 10, 20]


def test_what_is_told_rests_on_samples_that_nothing_was_chosen_by():
    world = Learner(first_s=0)
    search = world.search([arm(h) for h in (0.6, 0.9)], 100)
    search.run()
    best = search.choices()[0]
    hits = world.measure(arm(0.9), 90, 0).per_sample
    assert best.per_sample == hits[1::2]
    assert best.accuracy_after == best.score == sum(hits[1::2]) / 200
    assert best.chosen_by == sum(hits[::2]) / 200


def test_a_selection_that_did_better_in_fewer_steps_is_not_beaten_by_a_longer_run():
    def tried(height: float, steps: int, accuracy: float):
        result = ProbeResult("done", "cpu", step_s=0.1, test_size=400, accuracy_after=accuracy)
        return arm(height), trial(arm(height), 0, steps, 0, result, 1.0)

    found = chosen([tried(1, 10, 0.529), tried(2, 90, 0.468)])
    assert [choice.rules for choice in found] == ["1", "2"]
