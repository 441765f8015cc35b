"""The record of the one click, and that it times what the screen's button starts."""

from benchmarks import one_click, report
from cxr_demo.ui.bench.wish import PHANTOMS


def test_the_record_keeps_the_goal():
    found = report.read(report.RESULTS / "one_click.json")
    assert found["wall_seconds"] < found["goal_seconds"] == one_click.GOAL_S
    assert found["phantoms"] == PHANTOMS == one_click.PHANTOMS
    assert len(found["images_per_second"]) == 4
    assert min(found["images_per_second"].values()) > 0
