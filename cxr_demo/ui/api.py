"""The page's own addresses under /cxr: its view, the radiograph's pixels, and what it may ask for.

Gradio's queue carries no pixels and no reports: a page polls the view of its session, which is
named by an unguessable id, and gets the raw 16-bit pixels as they are (Gradio would cut them to 8).
"""

import asyncio
import base64
import io
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from cxr_demo.errors import CxrError
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.models.cards import CARDS
from cxr_demo.records import Precision
from cxr_demo.ui import present, strings
from cxr_demo.ui.live import live_view
from cxr_demo.ui.session import Session
from cxr_demo.ui.state import Choice, Services
from cxr_demo.ui.uploads import Files
from cxr_demo.worker.messages import WorkerStatus

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
MAX_UPLOAD = 100 * 1024**2
HOLD_S = 0.5
IDLE_S = 15 * 60
"""Seconds without a sign of life after which a page counts as gone."""


class Sessions:
    """All open pages, by their ids; pages that fell silent are closed."""

    def __init__(self, services: Services, choice: Choice) -> None:
        self._services = services
        self._choice = choice
        self._open: dict[str, Session] = {}
        self._pages: dict[str, str] = {}
        self._lock = threading.Lock()

    def new(self, language: str, page: str = "") -> Session:
        """A session for a page that has just been opened; `page` is Gradio's own id of it."""
        self._sweep()
        session = Session(self._services, language, self._choice)
        with self._lock:
            self._open[session.id] = session
            self._pages[page] = session.id
        return session

    def leave(self, page: str) -> None:
        """Gradio says that this page was closed."""
        with self._lock:
            id = self._pages.pop(page, None)
        if id is not None:
            self.close(id)

    def get(self, id: str) -> Session | None:
        """The session with this id, marked as alive."""
        session = self._open.get(id)
        if session is not None:
            session.seen_at = time.monotonic()
        return session

    def close(self, id: str) -> None:
        """Close one session."""
        with self._lock:
            session = self._open.pop(id, None)
        if session is not None:
            session.close()

    def close_all(self) -> None:
        """Close every session: the app ends."""
        for id in list(self._open):
            self.close(id)

    def _sweep(self) -> None:
        limit = time.monotonic() - IDLE_S
        for id, session in list(self._open.items()):
            if session.seen_at < limit:
                self.close(id)


@dataclass(frozen=True)
class Api:
    """The handlers. `samples` are (id, titles by language); `status` gives the worker's newest
    status, `thumbnail` a sample's PNG."""

    sessions: Sessions
    files: Files
    samples: dict[str, dict[str, str]]
    status: Callable[[], WorkerStatus]
    thumbnail: Callable[[str], bytes]

    def routes(self) -> list[BaseRoute]:
        """Everything under /cxr."""
        return [
            Mount("/cxr/static", StaticFiles(directory=STATIC)),
            Route("/cxr/strings", self.strings),
            Route("/cxr/sample/{sample}", self.sample),
            Route("/cxr/{session}/view", self.view),
            Route("/cxr/{session}/pixels/{image}", self.pixels),
            Route("/cxr/{session}/seen", self.seen),
            Route("/cxr/{session}/upload", self.upload, methods=["POST"]),
            Route("/cxr/{session}/{action}", self.act, methods=["POST"]),
        ]

    async def strings(self, request: Request) -> Response:
        """The page's words, the samples' titles and the keys, in both languages."""
        samples = [{"id": id, "titles": titles} for id, titles in self.samples.items()]
        keys = [{"keys": keys, "en": en, "pt": pt} for keys, (en, pt) in strings.KEYS]
        return _json({"strings": strings.page_table(), "samples": samples, "keys": keys})

    async def view(self, request: Request) -> Response:
        """Worker and telemetry, and the whole view if it is newer than `since`. With `hold`, the
        answer waits for the next change, but not longer than `HOLD_S`."""
        session = self._session(request)
        since = int(request.query_params.get("since", 0))
        if "hold" in request.query_params:
            end = time.monotonic() + HOLD_S
            while session.revision <= since and time.monotonic() < end:
                await asyncio.sleep(0.01)
        live = live_view(self.status(), session.language, session.choice)
        with session.lock:
            view = present.view(session) if session.revision > since else None
        return _json({"live": live, "view": view})

    async def pixels(self, request: Request) -> Response:
        """(H, W) uint16, little endian, rows from the top."""
        image = self._session(request).image(request.path_params["image"])
        if image is None:
            raise HTTPException(404)
        body = image.radiograph.pixels.astype("<u2", copy=False).tobytes()
        # Loopback is faster than any compressor; naming an encoding keeps Gradio's away.
        headers = {"Content-Encoding": "identity", "Cache-Control": "no-store"}
        return Response(body, media_type="application/octet-stream", headers=headers)

    def sample(self, request: Request) -> Response:
        """A sample's thumbnail."""
        sample = request.path_params["sample"]
        if sample not in self.samples:
            raise HTTPException(404)
        headers = {"Cache-Control": "private, max-age=3600"}
        return Response(self.thumbnail(sample), media_type="image/png", headers=headers)

    def seen(self, request: Request) -> Response:
        """Exactly what the model is given, as a PNG without loss, with the prompt."""
        session = self._session(request)
        try:
            seen = session.see()
        except CxrError as error:
            return _json({"error": error.message(session.language)})
        except TimeoutError:
            return _json({"error": CxrError(detail="timeout").message(session.language)})
        height, width, _ = seen.image.shape
        return _json(
            {
                "png": "data:image/png;base64," + base64.b64encode(png(seen.image)).decode(),
                "width": width,
                "height": height,
                "preprocessing": seen.preprocessing,
                "prompt": seen.text,
                "prompt_id": seen.prompt.id,
            }
        )

    async def upload(self, request: Request) -> Response:
        """Take in a file of any name and kind; answers the token that `open` understands."""
        session = self._session(request)
        path = self.files.new()
        size = 0
        with path.open("wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_UPLOAD:
                    break
                await run_in_threadpool(file.write, chunk)
        if size > MAX_UPLOAD:
            self.files.discard(path)
            return _json({"error": "too_large"}, 413)
        return _json({"file": session.hold(path)})

    async def act(self, request: Request) -> Response:
        """Do one of `ACTIONS` and answer at once what the view's revision is now."""
        session = self._session(request)
        action = request.path_params["action"]
        if action not in ACTIONS:
            raise HTTPException(404)
        given = await request.json() if await request.body() else {}
        await run_in_threadpool(ACTIONS[action], session, given)
        return _json({"revision": session.revision})

    def _session(self, request: Request) -> Session:
        session = self.sessions.get(request.path_params["session"])
        if session is None:
            raise HTTPException(410)
        return session


def _open(session: Session, given: dict[str, Any]) -> None:
    session.open_held([str(each) for each in given["files"]])


def _choose(session: Session, given: dict[str, Any]) -> None:
    model, precision = str(given["model"]), Precision(given["precision"])
    if model not in CARDS or precision not in CARDS[model].precisions:
        raise HTTPException(400)
    session.set_choice(replace(session.choice, model=model, precision=precision))


def _prompt(session: Session, given: dict[str, Any]) -> None:
    session.set_choice(replace(session.choice, prompt=str(given["id"])))


def _accept(session: Session, given: dict[str, Any]) -> None:
    session.accept_offer()


ACTIONS: dict[str, Callable[[Session, dict[str, Any]], None]] = {
    "open": _open,
    "choose": _choose,
    "prompt": _prompt,
    "sample": lambda session, given: session.open_sample(str(given["sample"])),
    "step": lambda session, given: session.step(1 if given["by"] > 0 else -1),
    "lut": lambda session, given: session.ignore_lut(bool(given["ignore"])),
    "select": lambda session, given: session.select(str(given["run"])),
    "offer": _accept,
    "close": lambda session, given: session.close_study(),
    "policy": lambda session, given: session.set_policy(UncertaintyPolicy(given["policy"])),
    "dismiss": lambda session, given: session.dismiss(),
}
"""What the page's scripts may ask for; Generate, Stop and the task are Gradio's events."""


def png(pixels: NDArray[np.uint8]) -> bytes:
    """(H, W) or (H, W, 3) uint8 as the bytes of a PNG, without loss."""
    buffer = io.BytesIO()
    Picture.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _json(content: Any, status: int = 200) -> JSONResponse:
    return JSONResponse(content, status, headers={"Cache-Control": "no-store"})
