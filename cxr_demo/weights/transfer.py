"""One file's bytes into its `.part`: by ranges, so that a pause, a cut or a kill costs nothing.

Beside `NAME.part` lies `NAME.part.etag`, the storage host's name for what is being received: the
host is asked to go on only if it still has that (If-Range), and else the file begins anew.
"""

import errno
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from cxr_demo.errors import CxrError, both
from cxr_demo.weights import faults
from cxr_demo.weights.hashes import Step
from cxr_demo.weights.hub import Hub, RemoteFile, by_status, host_of
from cxr_demo.weights.parts import discard, etag_of, part_of, received

_BUFFER = 256 * 1024  # what a kill can lose; a cut loses nothing
_FULL = (errno.ENOSPC, errno.EDQUOT)
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_CUT = (httpx2.TransportError, faults.HubBusy, faults.Offline)
"""What may pass by itself. Each attempt asks for a new address, since signed ones expire."""


def transfer(hub: Hub, file: RemoteFile, path: Path, step: Step) -> None:
    """Bring the `.part` of `path` to the size of `file`. `step` is given the bytes that came, less
    than 0 where some had to be given up; it may raise to stop. Raises leaves of WeightsError."""
    failures = 0
    while (before := received(path)) != file.size or not part_of(path).exists():
        try:
            _pull(hub, file, path, step)
        except _CUT as error:
            failures = 0 if received(path) > before else failures + 1
            if failures > hub.patience.retries:
                raise _final(hub, error) from error
            _wait(hub.patience.pause * 2**failures, step)


def _pull(hub: Hub, file: RemoteFile, path: Path, step: Step) -> None:
    part, etag = part_of(path), etag_of(path)
    start = received(path)
    if start > file.size:
        step(-start)
        discard(path)
        start = 0
    url = hub.address(file)
    validator = etag.read_text() if start and etag.is_file() else None
    try:
        with hub.get(url, start, validator) as response:
            goes_on = _goes_on(response, start, file.size, host_of(url))
            if not goes_on:
                step(-start)
            with guarded(path.parent), part.open("ab" if goes_on else "wb", _BUFFER) as out:
                etag.write_text(_strong(response.headers.get("ETag")))
                _receive(response, out.write, file.size - (start if goes_on else 0), step)
                out.flush()
                os.fsync(out.fileno())
    except httpx2.TransportError as error:
        # a cut is worth another attempt; a host that never gave a byte is not, nor a wrong proxy
        if isinstance(error, httpx2.ProxyError) or not received(path):
            raise hub.refusal(error, file.repo, host_of(url), file.name) from error
        raise


def _goes_on(response: httpx2.Response, start: int, size: int, host: str) -> bool:
    """True if the body begins at byte `start`, False if the file comes from its beginning."""
    if response.status_code == 206:
        found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if found is None or int(found[1]) != start or found[2] not in ("*", str(size)):
            words = both("another range than was asked for", "outro intervalo que o pedido")
            raise faults.WeightsError(host=host, detail=words)
        return True
    if response.status_code != 200:
        raise by_status(response.status_code, host)
    length = response.headers.get("Content-Length")
    if length is not None and int(length) != size:
        # a filter's page, or another file: nothing of it may enter the .part
        raise faults.Intercepted(host=host)
    return False


def _receive(
    response: httpx2.Response, write: Callable[[bytes], int], room: int, step: Step
) -> None:
    for block in response.iter_raw():
        kept = block[:room]
        write(kept)
        room -= len(kept)
        step(len(kept))
        if not room:
            return


@contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Turns the system's refusals to write into `folder` into DiskFull and FolderRefused."""
    try:
        yield
    except httpx2.HTTPError:  # huggingface_hub's are OSErrors as well
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise faults.DiskFull(folder=str(folder), needed=None, free=0) from error
        detail = error.strerror or type(error).__name__
        raise faults.FolderRefused(folder=str(folder), detail=detail) from error


def _strong(etag: str | None) -> str:
    # If-Range takes strong validators only (RFC 9110, 13.1.5)
    return etag if etag and not etag.startswith("W/") else ""


def _final(hub: Hub, error: Exception) -> CxrError:
    if isinstance(error, CxrError):
        return error
    return faults.ConnectionLost(host=hub.host)


def _wait(seconds: float, step: Step) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        step(0)  # lets a stop through
        time.sleep(min(0.2, seconds))
