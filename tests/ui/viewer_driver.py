"""What tests of the viewer do with its page: say what to show, look at it, drag."""

import base64

import numpy as np

from cxr_demo.records import Window

USUAL = Window(2048, 4096)


def header(pixels, *, id="one", windows=(USUAL,), slope=1, intercept=0, spacing=None):
    """What the application sends beside the pixels."""
    rows, columns = pixels.shape
    return {
        "id": id,
        "width": columns,
        "height": rows,
        "windows": [as_header(window) for window in windows],
        "slope": slope,
        "intercept": intercept,
        "spacing": spacing,
        "meta": {"modality": "DX", "view": "PA", "bits": 12},
    }


def as_header(window):
    table = None if window.table is None else window.table.tolist()
    return {
        "centre": window.centre,
        "width": window.width,
        "function": str(window.function),
        "label": window.label,
        "first": window.first,
        "table": table,
    }


def settle(page):
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def state(page):
    settle(page)
    return page.evaluate("v.state()")


def snapshot(page):
    """(H, W) greys of the whole canvas."""
    height, width, text = page.evaluate(
        """async () => { const { width, height, greys } = v.snapshot();
        const base64 = await new Promise((done) => {
            const reader = new FileReader();
            reader.onload = () => done(reader.result.split(',')[1]);
            reader.readAsDataURL(new Blob([greys])); });
        return [height, width, base64]; }"""
    )
    greys = np.frombuffer(base64.b64decode(text), np.uint8)
    return greys.reshape(height, width).astype(int)


def image_part(page, pixels):
    """The canvas where it shows the image at 1:1."""
    at = page.evaluate("Cxr.maths.origin(v.view, v.size)")
    rows, columns = pixels.shape
    return snapshot(page)[at["y"] : at["y"] + rows, at["x"] : at["x"] + columns]


def drag(page, start, end, button="left", steps=4):
    page.mouse.move(*start)
    page.mouse.down(button=button)
    page.mouse.move(*end, steps=steps)
    page.mouse.up(button=button)
