"""A command that the app has started stops when its standard input closes.

That is how the app pauses it, on every system alike; and when the app ends or is killed, the system
closes that pipe by itself, so that no fetch goes on behind a user's back.
"""

import os
import sys
import threading
from collections.abc import Callable


def hold(stop: Callable[[], object], leash: int | None = None) -> None:
    """Call `stop`, in a thread of its own, once `leash` (a file descriptor; None: standard input)
    is at its end."""
    held = sys.stdin.fileno() if leash is None else leash

    def watch() -> None:
        # Not through sys.stdin: the interpreter could not end while a thread holds its lock.
        while os.read(held, 4096):
            pass
        stop()

    threading.Thread(target=watch, name="leash", daemon=True).start()
