"""Memory and time of an arm, measured in a process of its own (`worker.measure`): this side of it.

request (one JSON line) ->   process: load, one image and prompt -> {"memory"}, then {"timed"} ...
"""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cxr_demo.datasets.recipe import Arm
from cxr_demo.errors import CxrError
from cxr_demo.evaluation.faults import MeasurementFailed
from cxr_demo.evaluation.feeder import Place

WAIT_S = 0.2
STAND_IN_IMAGES = 3
"""Images that a checkpoint with random weights reads: its replies differ in nothing."""


class Measurement:
    """One process at work. `messages` yields what it says, and None while it says nothing; it ends
    with the process. Raises MeasurementFailed, or the error that the process told."""

    def __init__(
        self, command: Sequence[str], arm: Arm, places: Sequence[Place], labelers: str
    ) -> None:
        self._arm = arm
        self._said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parents[2],
            text=True,
        )
        request = {
            "model": arm.model,
            "precision": str(arm.precision),
            "pipeline": str(arm.pipeline),
            "prompt": arm.prompt,
            "labelers": labelers,
            "images": [[each.position, str(each.path)] for each in places],
        }
        self._send(request)
        threading.Thread(target=self._listen, name="measuring", daemon=True).start()

    def messages(self) -> Iterator[dict[str, Any] | None]:
        """See the class."""
        while True:
            try:
                message = self._said.get(timeout=WAIT_S)
            except queue.Empty:
                yield None
                continue
            if message is None:
                break
            if "error" in message:
                self.close()
                raise CxrError.from_dict(message["error"])
            yield message
        status = self._process.wait()
        if status != 0:
            raise MeasurementFailed(model=self._arm.model, status=status)

    def close(self) -> None:
        """End the process; what it said before stays true."""
        self._process.kill()
        self._process.wait()

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.close()
        except BrokenPipeError:
            return  # it is gone; its status tells

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                self._said.put(json.loads(line))
            except ValueError:
                continue  # some library printed something
        self._said.put(None)
