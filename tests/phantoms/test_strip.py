"""The code strip: read back after everything that files and processors do, and never by chance."""

import io
import time
from pathlib import Path

import data_store
import numpy as np
import pydicom
import pytest
from PIL import Image

from cxr_demo.phantoms import TEST_SEEDS, draw, plan, strip


def eight_bit(pixels: np.ndarray, bits: int) -> np.ndarray:
    return (pixels >> np.uint16(bits - 8)).astype(np.uint8)


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(pixels: np.ndarray, size: tuple[int, int], how=Image.Resampling.BILINEAR):
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), how))


def squared(pixels: np.ndarray) -> np.ndarray:
    side = max(pixels.shape)
    out = np.zeros((side, side), pixels.dtype)
    top, left = (side - pixels.shape[0]) // 2, (side - pixels.shape[1]) // 2
    out[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return out


SMALL = {seed: draw(plan(seed), (448, 448)) for seed in TEST_SEEDS[:6]}


def test_all_test_phantoms_survive_jpeg_and_512_pixels():
    """The strip depends on the picture only by what the JPEG puts beside it, so all 1,000 strips
    are put under a few pictures."""
    pictures = [eight_bit(each, plan(seed).exposure.bits) for seed, each in SMALL.items()]
    for index, seed in enumerate(TEST_SEEDS):
        pixels = strip.embed(pictures[index % len(pictures)], seed)
        assert strip.read(resized(as_jpeg(pixels, 75), (512, 512))) == seed


@pytest.mark.parametrize("how", ["as drawn", "png8", "jpeg75", "windowed", "float"])
def test_small_phantoms_are_read(how):
    for seed, pixels in SMALL.items():
        grey = eight_bit(pixels, plan(seed).exposure.bits)
        top = pixels.max()
        changed = {
            "as drawn": pixels,
            "png8": grey,
            "jpeg75": as_jpeg(grey, 75),
            "windowed": np.clip((pixels.astype(float) - 0.2 * top) / (0.5 * top), 0, 1) * 255,
            "float": pixels.astype(np.float32) / top,
        }[how]
        assert strip.read(np.asarray(changed)) == seed


@pytest.mark.parametrize("seed", [1_000_007, 1_000_040])
def test_full_size_phantoms_survive_the_way_of_a_processor(seed):
    each = plan(seed)
    pixels = draw(each, each.native_size(2048))
    grey = as_jpeg(eight_bit(pixels, each.exposure.bits), 75)
    assert strip.read(pixels) == seed
    assert strip.read(grey) == seed
    nearest, cubic = Image.Resampling.NEAREST, Image.Resampling.BICUBIC
    for way in (
        resized(grey, (512, 512)),
        resized(grey, (512, 512), nearest),
        resized(grey, (512, 512), cubic),
        resized(grey, (896, 896)),
        resized(squared(grey), (512, 512)),
        resized(as_jpeg(resized(grey, (768, 640)), 75), (512, 512)),
    ):
        assert strip.read(way) == seed


def test_portrait_padded_to_a_square_is_read():
    seed = next(s for s in TEST_SEEDS if plan(s).anatomy.aspect > 1.15)
    each = plan(seed)
    grey = eight_bit(draw(each, each.native_size(1024)), each.exposure.bits)
    assert squared(grey).shape[1] > grey.shape[1]
    assert strip.read(resized(squared(grey), (512, 512))) == seed


def test_one_good_copy_is_enough():
    seed, pixels = next(iter(SMALL.items()))
    hurt = pixels.copy()
    hurt[429:441, 300:330] = pixels.max() // 2
    assert strip.read(hurt) == seed


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1])
def test_every_seed_fits(seed):
    assert strip.read(strip.embed(np.zeros((256, 256), np.uint8), seed)) == seed


def test_embedding_leaves_its_input_alone_and_refuses_what_is_too_small():
    pixels = np.full((200, 200), 9, np.uint16)
    strip.embed(pixels, 5)
    assert (pixels == 9).all()
    with pytest.raises(ValueError, match="192"):
        strip.embed(np.zeros((100, 300), np.uint8), 5)


# ---------------------------------------------------------------- nothing else passes


def test_random_images_do_not_pass():
    rng = np.random.default_rng(1)
    for _ in range(60):
        height, width = rng.integers(192, 700, 2)
        assert not strip.is_phantom(rng.integers(0, 65536, (height, width), dtype=np.uint16))
        bars = rng.integers(0, 2, (height // 8, 1), dtype=np.uint8) * 255
        assert not strip.is_phantom(np.tile(np.repeat(bars, 8, axis=0), (1, width)))
        blocks = rng.integers(0, 2, (height // 6, width // 6), dtype=np.uint8) * 255
        assert not strip.is_phantom(np.kron(blocks, np.ones((6, 6), np.uint8)))


@pytest.mark.parametrize("value", [0, 1, 255])
def test_constant_images_do_not_pass(value):
    assert not strip.is_phantom(np.full((512, 512), value, np.uint8))


def test_gradients_and_frames_do_not_pass():
    ramp = np.tile(np.arange(512, dtype=np.uint16), (512, 1))
    frame = np.zeros((512, 512), np.uint8)
    frame[40:470, 40:470] = 255
    for picture in (ramp, ramp.T, ramp[:, ::-1], frame):
        assert not strip.is_phantom(picture)


def test_the_bars_alone_or_a_changed_bit_do_not_pass():
    pixels = strip.embed(np.zeros((512, 512), np.uint8), 77)
    empty = pixels.copy()
    empty[490:504, 40:470] = 0
    assert not strip.is_phantom(empty)
    turned = pixels.copy()
    top, bottom = round(0.948 * 512) + 4, round(0.993 * 512) - 4
    cells = np.rint(np.linspace(round(0.06 * 512), round(0.94 * 512), 81)).astype(int)
    for first in (0, 40):  # the same bit of both copies, two rows apart
        turned[top:bottom, cells[first] : cells[first + 2]] = np.roll(
            pixels[top:bottom, cells[first] : cells[first + 2]], 5, axis=1
        )
    assert not strip.is_phantom(turned)


def test_a_phantom_upside_down_or_without_its_strip_does_not_pass():
    pixels = next(iter(SMALL.values()))
    assert not strip.is_phantom(pixels[: int(0.93 * 448)])
    assert not strip.is_phantom(pixels[::-1, ::-1])


def public_images() -> list[Path]:
    folder = Path(data_store.__file__).parent
    return sorted(each for each in folder.rglob("*") if each.is_file() and each.suffix != ".py")


def test_no_public_dicom_passes():
    seen = 0
    for file in public_images():
        try:
            pixels = pydicom.dcmread(file, force=True).pixel_array
        except Exception:  # noqa: BLE001 - files that are meant to be broken, or need a codec
            continue
        flat = pixels if pixels.ndim == 2 else pixels.reshape(-1, *pixels.shape[-2:])[0]
        seen += 1
        assert not strip.is_phantom(flat), file.name
        assert not strip.is_phantom(flat.max() - flat), file.name
    assert seen >= 20


def test_reading_is_quick():
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 65536, (3264, 2448), dtype=np.uint16)
    phantom = strip.embed(pixels, 9)
    assert strip.read(phantom) == 9
    for picture in (pixels, phantom):
        times = []
        for _ in range(5):
            start = time.process_time()
            strip.read(picture)
            times.append(time.process_time() - start)
        assert min(times) < 0.15
