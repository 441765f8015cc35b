"""Where the user's data sets lie, and what is there of them: tables and listings, before any GPU.

Checks run in a thread of their own, one at a time; the screen asks for what is known so far.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cxr_demo.datasets import DATASETS, stock
from cxr_demo.datasets.base import Inventory
from cxr_demo.errors import CxrError
from cxr_demo.paths import private_dir

log = logging.getLogger(__name__)


class NoFolder(CxrError):
    """The path that was typed is no folder that this account can open."""

    code = "bench_no_folder"
    en = "This path is no folder on this machine: type the full path of the data set's folder."
    pt = "Este caminho não é uma pasta desta máquina: digite o caminho completo da pasta."


class CheckFailed(CxrError):
    """A fault of this program, or of the disk; `kind` is the exception's type."""

    code = "bench_check_failed"
    en = "The folder could not be checked ({kind}): look at its permissions, and check it again."
    pt = "Não foi possível conferir a pasta ({kind}): veja as permissões e confira de novo."


@dataclass(frozen=True)
class Checked:
    """What is known of one data set's folder: nothing yet (`busy`), `found`, or `error`. `seconds`
    is how long the check took."""

    folder: str
    busy: bool = False
    found: Inventory | None = None
    error: CxrError | None = None
    seconds: float | None = None


class Folders:
    """The folders by data set, kept in the private folder as soon as they hold the data set. Safe
    for all threads."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or private_dir() / "data_folders.json"
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="data-check")
        self._checked: dict[str, Checked] = {}
        self._kept = self._read()

    def paths(self) -> dict[str, Path]:
        """Remembered folders by data set's name."""
        with self._lock:
            return {name: Path(folder) for name, folder in self._kept.items()}

    def known(self, dataset: str) -> Checked | None:
        """What the last check of this run of the app found; None before one."""
        with self._lock:
            return self._checked.get(dataset)

    def check(self, dataset: str, folder: str, then: Callable[[], None] = lambda: None) -> None:
        """Look at `folder` in the background; `then` is called when it is known. Raises KeyError
        for an unknown data set."""
        kind = DATASETS[dataset]
        wanted = folder.strip()

        def look() -> None:
            began = time.monotonic()
            try:
                found = stock.take(kind, _folder(wanted))
                result = Checked(wanted, found=found, seconds=time.monotonic() - began)
            except CxrError as error:
                result = Checked(wanted, error=error)
            except Exception as error:  # noqa: BLE001
                # Its words may name files of patients; its type does not.
                log.error("checking a data set failed: %s", type(error).__name__)
                result = Checked(wanted, error=CheckFailed(kind=type(error).__name__))
            self._take(dataset, result)
            then()

        with self._lock:
            self._checked[dataset] = Checked(wanted, busy=True)
        self._pool.submit(look)

    def forget(self, dataset: str) -> None:
        """Empty the field of this data set."""
        with self._lock:
            self._checked.pop(dataset, None)
            if self._kept.pop(dataset, None) is not None:
                self._write()

    def close(self) -> None:
        """No more checks."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _take(self, dataset: str, result: Checked) -> None:
        with self._lock:
            now = self._checked.get(dataset)
            if now is None or now.folder != result.folder:
                return  # another folder was asked for meanwhile
            self._checked[dataset] = result
            if result.found is not None and self._kept.get(dataset) != result.folder:
                self._kept[dataset] = result.folder
                self._write()

    def _read(self) -> dict[str, str]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        known = kept.items() if isinstance(kept, dict) else ()
        return {name: str(folder) for name, folder in known if name in DATASETS}

    def _write(self) -> None:
        self._path.touch(mode=0o600)
        self._path.write_text(json.dumps(self._kept, indent=1), encoding="utf-8")


def _folder(typed: str) -> Path:
    folder = Path(typed).expanduser()
    if not typed or not folder.is_dir():
        raise NoFolder
    return folder
