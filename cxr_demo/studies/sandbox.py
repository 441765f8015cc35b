"""Limits that a decoding child puts on itself, per operating system."""

import sys
from pathlib import Path


def set_limits(memory: int) -> None:
    """From now on this process gets at most `memory` more bytes of address space, writes no file
    and leaves no core dump (which would hold a patient's pixels)."""
    if sys.platform == "win32":
        from cxr_demo.studies import sandbox_windows

        sandbox_windows.limit_memory(memory)
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    total = (address_space() or 0) + memory
    # macOS takes this limit and does not enforce it; time and pixels are limited there all the
    # same.
    resource.setrlimit(resource.RLIMIT_AS, (total, total))


def address_space() -> int | None:
    """Bytes of address space of this process; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        return None
    import resource

    return pages * resource.getpagesize()
