"""From a recipe over a data set with targets to the file that lets the reading room show
probabilities."""

import shutil

import pytest

from cxr_demo import calibration, phantoms
from cxr_demo.datasets.base import MARK
from cxr_demo.evaluation import asking, scaling
from cxr_demo.evaluation.answers import Answers
from cxr_demo.findings import FINDINGS
from cxr_demo.phantoms import strip
from cxr_demo.records import Precision
from tests.evaluation.bench import COUNT, ENGINE, finish, host, plan


def answer(radiograph):
    """As drawn, and sure of it."""
    truth = phantoms.truth(phantoms.plan(strip.read(radiograph.pixels)))
    yes = {each: 0.9 if truth[each] else 0.1 for each in FINDINGS}
    return Answers("yesno-1", "{finding}?", {"yes": [], "no": []}, yes, yes, 0.1)


@pytest.mark.parametrize("drawn", [True, False])
def test_a_run_over_a_data_set_ends_in_a_calibration(chexpert, tmp_path, monkeypatch, drawn):
    folder = tmp_path / "chexpert"
    shutil.copytree(chexpert, folder)
    if not drawn:
        (folder / MARK).unlink()  # then it is taken for what the user says it is
    monkeypatch.setattr(scaling, "LEAST", 2)
    device, asked = host(), []
    monkeypatch.setattr(device, "ask", lambda given: asked.append(given) or answer(given))
    run, store = finish(plan({"chexpert": folder}, probabilities=True), device=device)
    with store:
        (arm,) = store.arms(run.group)
        assert len(asked) == COUNT and store.answered(arm.id) == set(range(COUNT))
        key = calibration.Key(
            "embedded", ENGINE._model.weights_sha256, Precision.BF16, "yesno-1", "{finding}?"
        )
        found = calibration.find(key)
        assert (found.images, found.synthetic, found.run) == (COUNT, drawn, arm.id)
        targets = store.manifest(run.group).targets
        assert found.scales
        for finding, scale in found.scales.items():
            assert scale.present == (targets[:, FINDINGS.index(finding)] == 1).sum() >= 2
        again = list(asking.ask(store, run.arms[0], device, lambda: False))
        assert not again and len(asked) == COUNT
