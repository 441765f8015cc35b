"""Starts everything: the worker, the decoding children, the server; and ends it all again.

Gradio's dangerous defaults are switched off here, in one place, before it is imported: analytics,
sharing, its upload folder in the system's temp, its page for runs, its API pages.
"""

import logging
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from logging.handlers import RotatingFileHandler
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any

from cxr_demo.errors import CxrError
from cxr_demo.paths import private_dir, temporary_dir
from cxr_demo.phantoms import samples
from cxr_demo.studies.pool import DecodePool
from cxr_demo.studies.private_files import PrivateFiles
from cxr_demo.ui.security import Access, Guard
from cxr_demo.ui.strings import LANGUAGES
from cxr_demo.ui.uploads import pack
from cxr_demo.worker.client import WorkerClient

if TYPE_CHECKING:
    import gradio as gr

log = logging.getLogger(__name__)

PORT = 7860
TRIES = 50
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class NoPort(CxrError):
    """No port could be had."""

    code = "no_port"
    en = (
        "Ports {first} to {last} of {host} cannot be used ({detail}): name another one with --port."
    )
    pt = "As portas {first} a {last} de {host} não podem ser usadas ({detail}): indique --port."


@dataclass(frozen=True)
class Settings:
    """What the command line says. `language` is "pt", "en" or None for the browser's own."""

    host: str = "127.0.0.1"
    port: int = PORT
    browser: bool = True
    language: str | None = None


def run(settings: Settings) -> int:
    """Serve until a signal comes; returns the exit status."""
    given = dict(os.environ)  # for the children that go online, when the user says so
    _quiet_environment()
    _log_to_file()
    worker = WorkerClient.start()  # first: it loads while Gradio is still being imported
    try:
        port = free_port(settings.host, settings.port)
        with PrivateFiles() as files, DecodePool() as pool:
            return _serve(settings, port, worker, files, pool, given)
    except CxrError as error:
        print(error.message(settings.language or "en"), file=sys.stderr)  # noqa: T201
        return 1
    finally:
        worker.close()


def _serve(
    settings: Settings,
    port: int,
    worker: WorkerClient,
    files: PrivateFiles,
    pool: DecodePool,
    given: dict[str, str],
) -> int:
    from cxr_demo.ui import catalogue, page
    from cxr_demo.ui.api import Api, Sessions
    from cxr_demo.ui.bench import wiring
    from cxr_demo.ui.errands import Errands
    from cxr_demo.ui.fit_api import FitApi
    from cxr_demo.ui.fitness import Fitness
    from cxr_demo.ui.state import Services

    paths = {each.id: each.path for each in samples.samples()}
    titles = {
        each.id: {language: each.title(language) for language in LANGUAGES}
        for each in samples.samples()
    }
    choice = catalogue.default_choice()
    sessions = Sessions(Services(pool, worker, paths, partial(pack, files), files.discard), choice)
    api = Api(sessions, files, titles, worker.status, samples.thumbnail)
    errands = Errands(given)
    fitness = Fitness(lambda: worker.status().telemetry, worker)
    fit_api = FitApi(sessions, errands, fitness)
    bench_api = wiring.connect(worker, files, pool, fitness)
    access = Access(secrets.token_urlsafe(24), port, settings.host)
    ended = _signals()
    blocks = page.build(sessions, choice, settings.language)
    try:
        routes = [*bench_api.routes(), *fit_api.routes(), *api.routes()]
        launch(blocks, settings.host, port, access, routes)
        _announce(settings, access)
        ended.get()
    finally:
        sessions.close_all()
        errands.close()
        bench_api.bench.close()
        if hasattr(blocks, "server"):
            # Open pages hold connections that never end; cutting them is no error to report.
            logging.getLogger("uvicorn.error").disabled = True
            blocks.server.force_exit = True
        blocks.close(verbose=False)
    return 0


def launch(
    blocks: "gr.Blocks", host: str, port: int, access: Access, routes: list[Any], **more: Any
) -> None:
    """Gradio's server with everything off that this app does not use; returns when it serves."""
    from starlette.middleware import Middleware

    from cxr_demo.ui import page, theme

    blocks.launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        num_workers=0,
        max_file_size="100mb",
        allowed_paths=[],
        strict_cors=True,
        show_error=False,
        theme=theme.dark_theme(),
        head=page.HEAD,
        js=page.AT_START,
        app_kwargs={
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
            "routes": routes,
            "middleware": [Middleware(Guard, access=access)],
        },
        **more,
    )


def free_port(host: str, wanted: int) -> int:
    """`wanted`, or the next port that nobody listens on. Raises NoPort after `TRIES`."""
    detail = ""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(wanted, min(wanted + TRIES, 65536)):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                if os.name == "posix":  # elsewhere this option would share a port that is in use
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
            return port
        except OSError as error:
            detail = error.strerror or "?"
    raise NoPort(first=wanted, last=min(wanted + TRIES, 65536) - 1, host=host, detail=detail)


def _quiet_environment() -> None:
    """Settings in the environment would go before this app's own; proxies must not see loopback."""
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(temporary_dir() / "gradio")
    os.environ["HF_HUB_OFFLINE"] = "1"
    for name in ("NO_PROXY", "no_proxy"):
        known = os.environ.get(name, "")
        os.environ[name] = ",".join(filter(None, [known, "127.0.0.1", "localhost", "::1"]))


def _log_to_file() -> None:
    """What went wrong, without names of files or patients, in the private folder."""
    path = private_dir() / "app.log"
    handler = RotatingFileHandler(path, maxBytes=1 << 20, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger("cxr_demo").addHandler(handler)


def _signals() -> "SimpleQueue[int]":
    """Gets every signal to end. No Event: its lock may be held by the very thread that the handler
    interrupts (`timeout`, or Ctrl-C twice, send two at once), which would then wait for itself."""
    ended: SimpleQueue[int] = SimpleQueue()

    def end(number: int, frame: FrameType | None) -> None:
        ended.put(number)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    return ended


def _announce(settings: Settings, access: Access) -> None:
    name = "127.0.0.1" if settings.host in LOOPBACK | {"0.0.0.0", "::"} else settings.host
    address = f"http://{name}:{access.port}/?key={access.token}"
    if access.port != settings.port:
        _say(f"Port {settings.port} is taken; using {access.port}.")
    if settings.host not in LOOPBACK:
        _say(
            "Warning: other machines can reach this app and the radiographs opened in it. Anyone "
            "with the address below, key included, can use it; the connection is not encrypted."
        )
    _say(f"CXR Demo, research use only, not a medical device. Open: {address}")
    if settings.host in {"0.0.0.0", "::"}:
        _say(f"From other machines: {address.replace(name, socket.gethostname(), 1)}")
    if settings.browser:
        _in_background(lambda: webbrowser.open(address))


def _in_background(task: Callable[[], object]) -> None:
    threading.Thread(target=task, daemon=True).start()


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201
