"""Windows and tables against the standard's own formulas, written out here in modality units."""

import numpy as np
import pytest

from cxr_demo.records import VoiFunction, Window
from cxr_demo.studies import from_file, lut, render, to_file
from cxr_demo.studies.voi import full_window
from tests.studies import build


def standard(x, window):
    """PS3.3 C.11.2.1.2.1 and C.11.2.1.3.1, .2 over 0..1, branch by branch as printed there."""
    c, w = window.centre, window.width
    if window.function is VoiFunction.LINEAR:
        middle = ((x - (c - 0.5)) / max(w - 1, 1e-300)) + 0.5
        return np.where(
            x <= c - 0.5 - (w - 1) / 2, 0, np.where(x > c - 0.5 + (w - 1) / 2, 1, middle)
        )
    if window.function is VoiFunction.LINEAR_EXACT:
        return np.where(x <= c - w / 2, 0, np.where(x > c + w / 2, 1, (x - c) / w + 0.5))
    return 1 / (1 + np.exp(np.clip(-4 * (x - c) / w, -700, 700)))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("slope", [1.0, -1.0, 0.5, -0.037, 3.774114])
@pytest.mark.parametrize("width", [1, 2, 37.5, 4095])
def test_formula(function, photometric, slope, width, tmp_path):
    """Every stored value, at narrow and wide windows, 16 bits deep."""
    stored = np.arange(4096, dtype=np.int32)
    x = stored * slope - 7.25
    width = max(1.0, width * abs(slope)) if function == "LINEAR" else width * abs(slope)
    centre = 1800.0 * slope + 0.5 if width == 1 else 1800.3 * slope
    pixels = stored.reshape(64, 64).astype(np.uint16)
    shown = 4095 - pixels if photometric == "MONOCHROME1" else pixels
    path = build.write(
        tmp_path / "x.dcm",
        shown,
        photometric=photometric,
        tags={
            "RescaleSlope": f"{slope}",
            "RescaleIntercept": "-7.25",
            "WindowCenter": f"{centre}",
            "WindowWidth": f"{width:.6f}",
            "VOILUTFunction": function,
        },
    )
    radiograph = build.decode(path)
    kind = VoiFunction(function)
    window = next(each for each in radiograph.windows if each.label == "file")
    expected = standard(x, Window(centre, float(f"{width:.6f}"), kind))
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    greys = render(radiograph, window, bits=16).reshape(-1).astype(float) / 65535
    assert np.abs(greys - expected).max() <= 1 / 65535


def test_modality_values_are_kept_exactly(tmp_path):
    pixels = (build.picture().astype(np.int32) - 2048).astype(np.int16)
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        for slope in (1.0, -2.5):
            tags = {"RescaleSlope": str(slope), "RescaleIntercept": "-1024"}
            path = build.write(tmp_path / "x.dcm", pixels, photometric=photometric, tags=tags)
            radiograph = build.decode(path)
            values = radiograph.slope * radiograph.pixels + radiograph.intercept
            np.testing.assert_array_equal(values, slope * pixels.astype(float) - 1024)
            assert (radiograph.slope > 0) == (photometric == "MONOCHROME2")


def test_window_in_the_files_units_and_back(tmp_path):
    path = build.write(
        tmp_path / "x.dcm",
        photometric="MONOCHROME1",
        tags={"WindowCenter": "1500", "WindowWidth": "1800", "RescaleIntercept": "-1024"},
    )
    radiograph = build.decode(path)
    own = to_file(radiograph.windows[0], radiograph)
    assert (own.centre, own.width) == (1500, 1800)
    again = from_file(own, radiograph)
    assert (again.centre, again.width) == pytest.approx(
        (radiograph.windows[0].centre, radiograph.windows[0].width)
    )


def test_padding_is_left_out_of_the_full_range(tmp_path):
    """PS3.3 C.7.5.1.1.2; dcmtk counts padding in."""
    pixels = build.chest().astype(np.int16) + 100
    pixels[:40] = -2000
    pixels[40:50] = -1999
    path = build.write(
        tmp_path / "x.dcm",
        pixels,
        bits=16,
        tags={"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1999},
    )
    radiograph = build.decode(path)
    inside = pixels[50:]
    full = to_file(radiograph.windows[0], radiograph)
    low, high = full.centre - full.width / 2, full.centre + full.width / 2
    assert (low, high) == (inside.min(), inside.max())
    # What is not padding is spread over all greys, by LINEAR_EXACT's formula.
    greys = render(radiograph, bits=16)[50:]
    expected = (inside.astype(float) - low) / (high - low)
    assert np.abs(greys / 65535 - expected).max() <= 1 / 65535


def test_full_range_is_black_to_white():
    greys = lut(full_window(300, 3000))
    assert (greys[300], greys[3000], greys[0], greys[-1]) == (0, 255, 0, 255)
    assert greys[1650] in (127, 128)


def test_other_depths_are_refused():
    with pytest.raises(ValueError, match="8 or 16"):
        lut(full_window(0, 10), bits=12)


def test_packed_8_bit_table(tmp_path):
    """Entries of 8 bits two to a word, as old writers do."""
    curve = (np.arange(256) // 2 + 20).astype(np.uint8)
    item = build.lut_item(0, curve.astype(np.uint16), 8)
    item.LUTData = curve.tobytes()
    path = build.write(
        tmp_path / "x.dcm", build.picture(bits=8), bits=8, tags={"VOILUTSequence": [item]}
    )
    radiograph = build.decode(path)
    np.testing.assert_array_equal(render(radiograph), curve[radiograph.pixels])


def test_rendering_is_the_same_every_time(tmp_path):
    radiograph = build.decode(build.write(tmp_path / "x.dcm"))
    assert render(radiograph).tobytes() == render(radiograph).tobytes()
    assert render(radiograph).dtype == np.uint8
    assert render(radiograph, bits=16).dtype == np.uint16
    difference = render(radiograph, bits=16) / 257 - render(radiograph)
    assert np.abs(difference).max() <= 0.51
