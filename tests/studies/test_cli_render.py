"""`python -m cxr_demo render`: the very bytes of the screen, or of a model."""

import json

import numpy as np
import pytest
from PIL import Image

from cxr_demo import cli
from cxr_demo.models import card
from cxr_demo.models.images import padded_square
from cxr_demo.models.preview import see_as
from cxr_demo.paths import assets_dir
from cxr_demo.records import VoiFunction, Window
from cxr_demo.studies import from_file, open_study, render
from tests.studies import build


@pytest.fixture
def study(tmp_path):
    tags = {"WindowCenter": "2000", "WindowWidth": "3000", "RescaleIntercept": "-100"}
    return build.write(tmp_path / "x.dcm", photometric="MONOCHROME1", tags=tags)


def rendered(study, *options):
    out = study.parent / "out.png"
    assert cli.main(["render", str(study), str(out), *options]) == 0
    with Image.open(out) as opened:
        return np.asarray(opened)


def test_what_the_screen_shows(study):
    (radiograph,) = open_study(study)
    np.testing.assert_array_equal(rendered(study), render(radiograph))
    deep = rendered(study, "--bits", "16")
    assert deep.dtype == np.uint16
    np.testing.assert_array_equal(deep, render(radiograph, bits=16))


def test_window_in_the_files_units(study):
    (radiograph,) = open_study(study)
    window = from_file(Window(1500, 800, VoiFunction.LINEAR), radiograph)
    np.testing.assert_array_equal(
        rendered(study, "--window", "1500/800"), render(radiograph, window)
    )
    theirs = build.dcmj2pnm(study, "+Wfl", "+Ww", "1500", "800")
    assert np.abs(rendered(study, "--window", "1500/800").astype(int) - theirs).max() <= 1


def test_without_the_files_lut(study):
    greys = rendered(study, "--ignore-file-lut")
    assert (greys.min(), greys.max()) == (0, 255)


@pytest.mark.parametrize("model", ["embedded", "medgemma-4b-it", "chexagent-2-3b", "chexagent-8b"])
def test_what_a_model_is_given(model, study):
    (radiograph,) = open_study(study)
    given = rendered(study, "--as", model)
    np.testing.assert_array_equal(given, see_as(card(model), radiograph).pixels)
    if model == "embedded":
        from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

        # As the adapter asks its processor, which reads the checkpoint's own file.
        own = Gemma3ImageProcessorPil.from_pretrained(assets_dir() / "embedded")
        expected = padded_square(radiograph, own.size["height"], own.resample)
        np.testing.assert_array_equal(given, expected.pixels)
        assert see_as(card(model), radiograph).preprocessing == expected.preprocessing
    else:
        side = {"medgemma-4b-it": 896, "chexagent-2-3b": 512, "chexagent-8b": 448}[model]
        assert given.shape == (side, side, 3)


def test_json_and_warnings(study, capsys):
    rendered(study, "--json", "--language", "pt")
    record = json.loads(capsys.readouterr().out)
    assert record["shown"] == "LINEAR 2000/3000"
    assert (record["columns"], record["rows"], record["view"]) == (280, 300, "PA")
    rendered(build.write(study, tags={"BurnedInAnnotation": None}), "--language", "pt")
    assert "texto gravado" in capsys.readouterr().err


def test_refusals(study, tmp_path, capsys):
    text = tmp_path / "t.dcm"
    text.write_text("no image at all, only words")
    assert cli.main(["render", str(text), str(tmp_path / "o.png"), "--language", "pt"]) == 1
    assert "Isto não é uma imagem" in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()
    assert cli.main(["render", str(study), str(tmp_path / "no" / "o.png")]) == 1
    assert cli.main(["render", str(study), str(tmp_path / "o.png"), "--image", "2"]) == 1
    assert cli.main(["render", str(study), str(tmp_path / "o.png"), "--as", "gpt"]) == 1
    both = ["render", str(study), str(tmp_path / "o.png"), "--as", "embedded", "--bits", "16"]
    assert cli.main(both) == 2
    for wrong in ("abc", "1/0", "1/2/3"):
        with pytest.raises(SystemExit):
            cli.main(["render", str(study), str(tmp_path / "o.png"), "--window", wrong])
