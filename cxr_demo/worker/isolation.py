"""The worker speaks to this machine only: no look-ups, no downloads, no fetched code."""

import logging
import os
import sys
from typing import Any

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # GPU 0 of torch is GPU 0 of nvidia-smi, whose figures stand beside it.
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
}
_UNLESS_SET = {
    # Waiting threads sleep rather than spin: on two cores that something else uses as well (the
    # browser that shows the page), spinning made reading six to ten times slower.
    "OMP_WAIT_POLICY": "PASSIVE",
}
_ALLOCATOR = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")
"""torch's own settings of its allocator, by their newer and their older name."""
_GROWING = "expandable_segments:True"
"""Blocks that grow in place: without them CheXagent 2 lost a tenth of 4 GiB to gaps between blocks,
and did not fit where its tensors did."""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")


_log = logging.getLogger(__name__)


class NetworkBlocked(OSError):
    """Something in the worker tried to reach the network."""


def environment() -> dict[str, str]:
    """This process's environment, less proxies, plus what keeps the libraries offline."""
    kept = {key: value for key, value in os.environ.items() if key.lower() not in _PROXIES}
    return _unless_set() | kept | _OFFLINE


def seal() -> None:
    """Cut this process off from the network, for good: called before anything heavy is imported.

    `kernels` is made unimportable, since bitsandbytes would fetch executable code through it. The
    audit hook is the wall behind the settings: it raises NetworkBlocked for every look-up and
    every connection that is not a Unix socket, whichever library asks.
    """
    for key in list(os.environ):
        if key.lower() in _PROXIES:
            del os.environ[key]
    os.environ.update(_OFFLINE)
    for key, value in _unless_set().items():
        os.environ.setdefault(key, value)
    sys.modules["kernels"] = None  # type: ignore[assignment]
    sys.addaudithook(_refuse_network)


def _unless_set(system: str = sys.platform) -> dict[str, str]:
    """What this process's environment may say otherwise."""
    if system != "linux" or any(name in os.environ for name in _ALLOCATOR):
        return _UNLESS_SET  # the driver elsewhere cannot do it
    return _UNLESS_SET | {_ALLOCATOR[0]: _GROWING}


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    looks_up = event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
    reaches = event in ("socket.connect", "socket.sendto", "socket.sendmsg")
    # A Unix socket's address is a path.
    if looks_up or (reaches and not isinstance(arguments[1], str | bytes | None)):
        # Logged as well, because many libraries swallow the error and go on.
        _log.warning("network blocked: %s", event)
        raise NetworkBlocked(f"{event} is not allowed in the model's process")
