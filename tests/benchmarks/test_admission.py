"""The recorded measurement of the guard is whole, and the program that makes it still works."""

from benchmarks import admission, report
from cxr_demo.phantoms import TEST_SEEDS

RECORD = report.RESULTS / "phantom_admission.json"


def test_every_test_phantom_was_admitted_in_three_kinds_of_file_and_nothing_else():
    found = report.read(RECORD)
    assert found["test_seeds"] == [TEST_SEEDS[0], TEST_SEEDS[-1] + 1]
    assert found["phantoms_admitted"] == dict.fromkeys(("dicom", "png", "jpeg"), 1000)
    for name in ("pydicom_data", "random"):
        assert found[name]["images"] > 0
        assert found[name]["admitted"] == 0


def test_it_can_be_measured_again(monkeypatch):
    monkeypatch.setattr(admission, "RANDOM", 30)
    found = admission.measure(limit=4, width=512)
    assert found["phantoms_admitted"] == {"dicom": 4, "png": 4, "jpeg": 4}
    assert found["random"] == {"images": 30, "admitted": 0}
    assert found["pydicom_data"]["admitted"] == 0 < found["pydicom_data"]["images"]
