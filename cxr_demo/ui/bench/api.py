"""The Benchmarks screen's addresses under /cxr/bench; the guard has let the asker in already."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from cxr_demo import plots
from cxr_demo.errors import CxrError
from cxr_demo.results.faults import RunFileRefused
from cxr_demo.ui.bench import exports, run
from cxr_demo.ui.bench.results import Choice, policy_of, results_view
from cxr_demo.ui.bench.service import Bench
from cxr_demo.ui.strings import text
from cxr_demo.ui.uploads import Files
from cxr_demo.units import GIB

MOST_BYTES = GIB
"""Of a run that is taken in; a large one has some megabytes."""

NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class BenchApi:
    """The handlers. `place` tells where the image of a run at a position lies (raises CxrError),
    `picture` makes a PNG of it."""

    bench: Bench
    files: Files
    place: Callable[[str, int], Path]
    picture: Callable[[Path], bytes]

    def routes(self) -> list[BaseRoute]:
        """Everything under /cxr/bench."""
        return [
            Route("/cxr/bench/state", self.state),
            Route("/cxr/bench/results", self.results),
            Route("/cxr/bench/run", self.run),
            Route("/cxr/bench/image/{run}/{position:int}", self.image),
            Route("/cxr/bench/export.{kind}", self.export),
            Route("/cxr/bench/carry", self.carry, methods=["GET", "POST"]),
            Route("/cxr/bench/plotly.js", self.script),
            Route("/cxr/bench/{action}", self.act, methods=["POST"]),
        ]

    def state(self, request: Request) -> Response:
        """Form and progress, if they differ from the version that the page has."""
        return _json(self.bench.state(_language(request), request.query_params.get("known", "")))

    def results(self, request: Request) -> Response:
        """What `Choice` asks for."""
        choice = _choice(request)
        return _json(
            results_view(self.bench.book, choice, self.bench.machine(), _language(request))
        )

    def run(self, request: Request) -> Response:
        """One run with its examples."""
        given = request.query_params
        try:
            view = run.run_view(
                self.bench.book,
                given.get("run", ""),
                given.get("labeler", ""),
                policy_of(given.get("policy", "")),
                _language(request),
                lambda position: self._has_image(given.get("run", ""), position),
                dark=given.get("theme") != "light",
            )
        except CxrError as error:
            raise HTTPException(404) from error
        return _json(view)

    def _has_image(self, run: str, position: int) -> bool:
        try:
            return self.place(run, position).is_file()
        except CxrError:
            return False

    def image(self, request: Request) -> Response:
        """An example's radiograph as its first window shows it: on this machine's screen only."""
        given = request.path_params
        try:
            content = self.picture(self.place(given["run"], given["position"]))
        except CxrError as error:
            raise HTTPException(404) from error
        return Response(content, media_type="image/png", headers=NO_STORE)

    def export(self, request: Request) -> Response:
        """A file of aggregates."""
        kind = request.path_params["kind"]
        if kind not in KINDS:
            raise HTTPException(404)
        choice, language = _choice(request), _language(request)
        try:
            name, body = exports.saved(
                self.bench.book, choice, kind, self.bench.machine().gpu, language
            )
        except CxrError as error:
            raise HTTPException(404) from error
        return _file(name, body, KINDS[kind])

    async def carry(self, request: Request) -> Response:
        """Take a run away as a file, or take such a file in."""
        language = _language(request)
        if request.method == "GET":
            wanted = request.query_params.get("run", "")
            full = bool(request.query_params.get("full"))
            try:
                name, body = await run_in_threadpool(exports.carried, wanted, full, language)
            except CxrError as error:
                return _json({"error": error.message(language)}, 409)
            return _file(name, body, "application/zip")
        path = self.files.new()
        try:
            with path.open("wb") as file:
                async for chunk in request.stream():
                    if file.tell() + len(chunk) > MOST_BYTES:
                        raise RunFileRefused(detail=f"> {MOST_BYTES >> 20} MiB")
                    await run_in_threadpool(file.write, chunk)
            name = await run_in_threadpool(exports.taken_in, path, language)
        except CxrError as error:
            return _json({"words": error.message(language)})
        finally:
            self.files.discard(path)
        return _json({"words": text("bench.carry.taken", language, name=name)})

    def script(self, request: Request) -> Response:
        """plotly.js, from the installed package; it stays in the browser's cache."""
        headers = {"Cache-Control": "private, max-age=86400"}
        return FileResponse(plots.javascript(), media_type="text/javascript", headers=headers)

    async def act(self, request: Request) -> Response:
        """Do one of `ACTIONS`; what came of it stands in the next state."""
        action = request.path_params["action"]
        if action not in ACTIONS:
            raise HTTPException(404)
        given = await request.json()
        try:
            answer = await run_in_threadpool(ACTIONS[action], self.bench, given)
        except CxrError as error:
            answer = {"error": error.message(str(given.get("lang")))}
        return _json(answer or {})


def _start(trial: bool) -> Callable[[Bench, dict[str, Any]], Any]:
    def start(bench: Bench, given: dict[str, Any]) -> Any:
        bench.take_wish(given["wish"])
        return bench.start(trial, bool(given.get("agreed")), str(given.get("lang")))

    return start


ACTIONS: dict[str, Callable[[Bench, dict[str, Any]], Any]] = {
    "wish": lambda bench, given: bench.take_wish(given["wish"]),
    "check": lambda bench, given: bench.check(str(given["dataset"]), str(given["folder"])),
    "estimate": _start(trial=True),
    "start": _start(trial=False),
    "quick": lambda bench, given: bench.quick(),
    "pause": lambda bench, given: bench.pause(),
    "resume": lambda bench, given: bench.resume(str(given["group"])),
    "stop": lambda bench, given: bench.stop(),
}
"""What the page's scripts may ask for."""

KINDS = {"csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8"}


def _language(request: Request) -> str:
    return "en" if request.query_params.get("lang") == "en" else "pt"


def _choice(request: Request) -> Choice:
    given = request.query_params
    return Choice(
        place=given.get("place", ""),
        board=given.get("board", ""),
        labeler=given.get("labeler", ""),
        policy=given.get("policy", ""),
        show=given.get("show", ""),
        dark=given.get("theme") != "light",
    )


def _file(name: str, body: bytes, kind: str) -> Response:
    """A download: never shown in this app's own window, whatever it holds."""
    headers = {**NO_STORE, "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(body, media_type=kind, headers=headers)


def _json(content: Any, status: int = 200) -> JSONResponse:
    return JSONResponse(content, status, headers=NO_STORE)
