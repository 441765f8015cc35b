"""A small web site with the viewer alone on a page, and pixels at the pace a test asks for."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray

import cxr_demo.ui

STATIC = Path(cxr_demo.ui.__file__).parent / "static"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>viewer</title>
<link rel="icon" href="data:,"><style>
  html, body {{ margin: 0; height: 100%; background: #0b0e13; }}
  #pane {{ box-sizing: border-box; width: {width}; height: 100vh; padding: 10px;
           background: #11151c; border: 1px solid #222a35; }}
  #writing, #other {{ position: fixed; right: 0; bottom: 0; width: 9px; opacity: 0; }}
{css}</style><script>{js}</script></head><body><div id="pane"></div>
<input id="writing" aria-label="writing"><button id="other">other</button></body></html>"""


def page(width: str) -> str:
    """The page, its scripts joined in sorted order in the head, as the application does it."""
    scripts = [each.read_text("utf-8") for each in sorted(STATIC.glob("viewer*.js"))]
    css = (STATIC / "viewer.css").read_text("utf-8")
    return PAGE.format(css=css, js="\n".join(scripts), width=width)


def chest(height: int, width: int, bits: int = 12, seed: int = 0) -> NDArray[np.uint16]:
    """(H, W) a chest-like picture over most of `bits`: dark lungs, bright middle, ribs, noise."""
    y, x = np.mgrid[0 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    lungs = sum(
        np.exp(-((((x - side) / 0.28) ** 2 + ((y - 0.45) / 0.3) ** 2) ** 2))
        for side in (-0.45, 0.45)
    )
    ribs = 0.05 * np.sin(60 * (y + 0.15 * x**2)) * lungs
    grey = 0.62 + 0.25 * np.exp(-((x / 0.12) ** 2)) - 0.42 * lungs + ribs - 0.3 * np.abs(x) ** 8
    grey += np.random.default_rng(seed).normal(0, 0.01, grey.shape).astype(np.float32)
    return (np.clip(grey, 0, 1) * (2**bits - 1)).astype(np.uint16)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """`/?width=..` is the page; `/pixels/NAME?seconds=..` raw pixels, sent in ten parts."""
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        if address.path == "/":
            return self.answer("text/html", page(query.get("width", ["100vw"])[0]).encode())
        body = self.server.pictures.get(address.path.removeprefix("/pixels/"))  # type: ignore[attr-defined]
        if body is None:
            return self.send_error(404)
        return self.answer("application/octet-stream", body, float(query.get("seconds", ["0"])[0]))

    def answer(self, kind: str, body: bytes, seconds: float = 0) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        step = -(-len(body) // 10)
        for start in range(0, len(body), step):
            time.sleep(seconds / 10)
            try:
                self.wfile.write(body[start : start + step])
            except (BrokenPipeError, ConnectionResetError):  # the viewer gave this load up
                return

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def serving(pictures: dict[str, bytes]) -> Iterator[str]:
    """Serves the page and `pictures` (raw little-endian uint16) on a free port; its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.pictures = pictures  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
