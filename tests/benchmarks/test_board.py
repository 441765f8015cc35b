"""The benchmark of boards, small: it fills, opens in a fresh process, and tells every figure."""

from benchmarks import board


def test_a_small_evaluation_is_filled_and_measured(tmp_path):
    path = tmp_path / "evaluations.sqlite"
    board.fill(path, 120)
    found = board._fresh(path, tmp_path / "kept")
    steps = {each for each in found if each != "load"}
    assert steps == {
        "points_tables_figures",
        "other_policy",
        "intervals_of_both_policies",
        "again_with_intervals",
        "1000_polls",
    }
    assert all(found[each]["clock"] > 0 for each in steps)
    assert found["1000_polls"]["core"] < 1
