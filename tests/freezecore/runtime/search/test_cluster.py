"""A sweep on a real Ray cluster of two nodes on this machine; needs the optional `ray` (`pip install ray`)."""

from pathlib import Path

import pytest

from freezecore.api import run_sweep
from freezecore.errors import ProbeError
from freezecore.source import ModelSource

ray = pytest.importorskip("ray", reason="ray is optional: pip install ray")
pytestmark = pytest.mark.slow
SOURCE = ModelSource.parse(f"config:{Path(__file__).parents[1] / 'tiny_vit.json'}", weights="random")
SIZES = {"data": "digits", "steps": 3, "batch_size": 8, "train_size": 24, "test_size": 40}


@pytest.fixture(scope="module")
def address():
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    yield cluster.address
    cluster.shutdown()


def test_a_sweep_on_two_nodes_gives_what_one_machine_gives(address):
    events = []
    spread = run_sweep(SOURCE, over=("depth",), seeds=2, ray=address, emit=events.append, **SIZES)
    alone = run_sweep(SOURCE, over=("depth",), seeds=2, **SIZES)
    assert {"event": "phase", "phase": "cluster", "runners": 2} in events
    assert spread.state == "done"
    assert [entry.scores for entry in spread.runs] == [entry.scores for entry in alone.runs]
    assert len([event for event in events if event["event"] == "run"]) == 2 * len(spread.runs)


def test_stop_ends_a_spread_sweep_with_the_runs_that_had_ended(address):
    events = []
    found = run_sweep(
        SOURCE,
        over=("depth",),
        ray=address,
        emit=events.append,
        should_stop=lambda: any(event["event"] == "run" for event in events),
        **SIZES,
    )
    assert found.state == "stopped"
    assert any(entry.scores for entry in found.runs)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "nonsense:port"])
def test_no_cluster_at_an_address_is_a_sentence(address):
    with pytest.raises(ProbeError, match=f"No Ray cluster answers at '{address}'."):
        run_sweep(SOURCE, over=("depth",), ray=address, **SIZES)
