"""Three kills, each of another process; `make soak` does twenty at random."""

import pytest

from tests.evaluation.soak import soak


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kill_9_of_worker_app_and_rank_loses_and_changes_nothing():
    found = soak(("worker", "app", "rank"), "10", seed=3, most=6)
    assert found["killed"] == {"worker": 1, "app": 1, "rank": 1}
