"""The harness benchmark measures what it says, and its record is kept."""

from benchmarks import harness, report


def test_it_reads_every_image_and_counts_durable_rows(tmp_path):
    found = harness.overhead(24, tmp_path)
    assert found["seconds"] >= 24 * harness.SECONDS and found["overhead"] > -0.05
    assert harness.rows_per_second(50, tmp_path)["rows_per_second"] > 20


def test_the_record_keeps_the_targets():
    found = report.read(report.RESULTS / "harness.json")
    assert found["harness"]["overhead"] < 0.05
    assert found["store"]["rows_per_second"] > 100
