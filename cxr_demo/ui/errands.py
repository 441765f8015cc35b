"""Commands that the app starts for its user, as children that end with it.

The app's own process never goes to the network. When a user presses Fetch, a child does, with the
user's own environment (proxy, certificates, token), and with nothing of this app's:

    python -m cxr_demo weights fetch MODEL --json --attached

Its lines of JSON say how far it is. Closing its standard input pauses it, and that happens by
itself when the app ends or is killed: what came is kept, and the next start goes on from there.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import cxr_demo
from cxr_demo.errors import CxrError
from cxr_demo.paths import private_dir
from cxr_demo.ui.state import Internal
from cxr_demo.weights import faults

_STOP_S = 4.0
"""Seconds after which a child that was asked to stop is ended: half a minute may pass without a
byte, and what came is kept in any case."""


class Kind(StrEnum):
    """What a child is for; the name of its command."""

    FETCH = "fetch"
    VERIFY = "verify"
    IMPORT = "import"
    PREPARE = "prepare"
    URLS = "urls"
    DELETE = "delete"


class State(StrEnum):
    """How an errand stands; PAUSED: it was stopped, and the same errand goes on from there."""

    RUNNING = "running"
    STOPPING = "stopping"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"


class Errand:
    """One child. `progress` is its newest line of progress, `plan` what it found out before the
    first byte, `lines` all others; `error` is why it failed."""

    def __init__(
        self, kind: Kind, model: str, arguments: tuple[str, ...], given: Mapping[str, str]
    ) -> None:
        self.kind = kind
        self.model = model
        self.progress: dict[str, Any] | None = None
        self.plan: dict[str, Any] | None = None
        self.lines: list[dict[str, Any]] = []
        self.error: CxrError | None = None
        self.state = State.RUNNING
        self._process = _start([str(kind), *arguments, "--json"], given)
        self._thread = threading.Thread(target=self._follow, name=f"errand-{kind}", daemon=True)
        self._thread.start()

    @property
    def going(self) -> bool:
        """True until the child has ended."""
        return self.state in (State.RUNNING, State.STOPPING)

    def stop(self) -> None:
        """Ask the child to stop; at once, and again without effect."""
        if self.state is not State.RUNNING:
            return
        self.state = State.STOPPING
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        timer = threading.Timer(_STOP_S, self._process.kill)
        timer.daemon = True
        timer.start()

    def wait(self, seconds: float) -> None:
        """Until it has ended, but no longer than `seconds`."""
        self._thread.join(seconds)

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                self._take(json.loads(line))
        self._end(self._process.wait())

    def _take(self, said: dict[str, Any]) -> None:
        if "phase" in said:
            self.progress = said
        elif "missing" in said:
            self.plan = said
        elif "error" in said:
            self.error = CxrError.from_dict(said["error"])
        else:
            self.lines.append(said)

    def _end(self, status: int) -> None:
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        stopped = self.error is not None and self.error.code == faults.Stopped.code
        whole = status == 0 or (self.kind is Kind.VERIFY and self.error is None and self.lines)
        if stopped or (self.state is State.STOPPING and not whole):
            self.error, self.state = None, State.PAUSED
        elif whole:
            self.state = State.DONE
        else:
            self.error = self.error or Internal(kind=f"weights {self.kind}, {status}")
            self.state = State.FAILED


class Errands:
    """All errands of this app, at most one for each model. `given` is the environment that the user
    started the app with."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._lock = threading.Lock()
        self._newest: dict[str, Errand] = {}

    def start(self, kind: Kind, model: str, *arguments: str) -> Errand:
        """Start one; if another of this model is going on, that one is returned and stays."""
        with self._lock:
            known = self._newest.get(model)
            if known is not None and known.going:
                return known
            errand = Errand(kind, model, arguments or (model,), self._given)
            self._newest[model] = errand
            return errand

    def of(self, model: str) -> Errand | None:
        """The newest errand of `model`."""
        return self._newest.get(model)

    def forget(self, model: str) -> None:
        """Take the outcome of the newest errand of `model` off the screen."""
        with self._lock:
            known = self._newest.get(model)
            if known is not None and not known.going:
                del self._newest[model]

    def close(self) -> None:
        """The app ends: stop them all, and wait for it."""
        going = [each for each in self._newest.values() if each.going]
        for each in going:
            each.stop()
        for each in going:
            each.wait(_STOP_S + 1)


def _start(arguments: list[str], given: Mapping[str, str]) -> subprocess.Popen[str]:
    attached = [] if arguments[0] in (Kind.URLS, Kind.DELETE) else ["--attached"]
    # A group of its own: Ctrl-C in the app's terminal is the app's, which then stops the child.
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        apart = {"creationflags": flags}
    with (private_dir() / "errand.err").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "cxr_demo", "weights", *arguments, *attached],
            cwd=Path(cxr_demo.__file__).resolve().parent.parent,
            env={**given, "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            **apart,
        )
