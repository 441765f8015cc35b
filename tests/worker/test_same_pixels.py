"""One radiograph, three ways to a model: its pixels are the same, bit for bit."""

import numpy as np
import pytest
from PIL import Image

from cxr_demo import cli, models, pipelines
from cxr_demo.models import card
from cxr_demo.paths import assets_dir
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.studies import open_study
from cxr_demo.studies.pool import DecodePool
from cxr_demo.worker import launch


@pytest.mark.slow
def test_screen_terminal_and_evaluation_give_a_model_the_same_pixels(start, tmp_path):
    file = assets_dir() / "samples" / "sample-1.dcm"
    with DecodePool(size=1) as pool:
        (opened,) = pool.open(file)
    screen = start(launch.COMMAND).see(opened, "embedded", Precision.BF16, PipelineKind.REPORT)

    out = tmp_path / "out.png"
    assert cli.main(["render", str(file), str(out), "--as", "embedded"]) == 0
    with Image.open(out) as picture:
        np.testing.assert_array_equal(np.asarray(picture), screen.image)

    # A stored reading of an evaluation is made by `pipelines.read`: what it hands to the network.
    model = models.load(card("embedded"), Precision.BF16)
    handed = []
    generate = model.generate

    def watched(seen, *others, **named):
        handed.append(seen)
        return generate(seen, *others, **named)

    model.generate = watched
    (direct,) = open_study(file)
    for _ in pipelines.read(model, direct, PipelineKind.REPORT, should_stop=lambda: bool(handed)):
        pass
    np.testing.assert_array_equal(handed[0].pixels, screen.image)
    assert handed[0].preprocessing == screen.preprocessing
