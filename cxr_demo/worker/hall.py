"""The worker's clients: each has a thread that listens to it and one that speaks to it."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from cxr_demo.worker.endpoint import AuthenticationError, Channel, Door
from cxr_demo.worker.messages import WorkerStatus
from cxr_demo.worker.wire import WireError

_LONGEST_OUTBOX = 20_000
_log = logging.getLogger(__name__)


class Client:
    """One attached app or command line."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._outbox: queue.Queue[Any] = queue.Queue(_LONGEST_OUTBOX)
        threading.Thread(target=self._speak, name="client-out", daemon=True).start()

    def send(self, message: Any) -> None:
        """Send soon; never waits, so that a client that hangs cannot hold up the device."""
        try:
            self._outbox.put_nowait(message)
        except queue.Full:
            self.channel.hang_up()

    def waits(self) -> bool:
        """True while something that was sent is still on its way."""
        return self._outbox.unfinished_tasks > 0

    def leave(self) -> None:
        """End the speaking thread and free the connection."""
        self.channel.hang_up()
        self.send(None)

    def _speak(self) -> None:
        try:
            while (message := self._outbox.get()) is not None:
                self.channel.send(message)
                self._outbox.task_done()
        except OSError:
            self.channel.hang_up()


class Hall:
    """Lets clients in and keeps count of them."""

    def __init__(
        self,
        door: Door,
        greeting: Callable[[], Iterable[Any]],
        on_request: Callable[[Client, Any], None],
        on_leave: Callable[[Client], None],
    ) -> None:
        self._door = door
        self._greeting = greeting
        self._on_request = on_request
        self._on_leave = on_leave
        self._lock = threading.Lock()
        self._clients: set[Client] = set()
        self._left = time.monotonic()
        threading.Thread(target=self._let_in, name="door", daemon=True).start()

    def broadcast(self, status: WorkerStatus) -> None:
        """Send to every client."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.send(status)

    def empty_for(self) -> float:
        """Seconds since the last client left; 0 while there is one."""
        with self._lock:
            return 0.0 if self._clients else time.monotonic() - self._left

    def deliver(self, seconds: float) -> None:
        """Wait until everything that was sent is out, at most `seconds`: before the end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._lock:
                if not any(client.waits() for client in self._clients):
                    return
            time.sleep(0.01)

    def _let_in(self) -> None:
        while not self._door.closed:
            try:
                connection = self._door.accept()
            except OSError:
                time.sleep(0.1)  # a caller that gave up half way, or the door was closed
                continue
            threading.Thread(
                target=self._attend, args=(connection,), name="client-in", daemon=True
            ).start()

    def _attend(self, connection: Any) -> None:
        try:
            channel = self._door.authenticate(connection)
        except (AuthenticationError, EOFError, OSError, TimeoutError) as error:
            _log.warning("caller refused: %s", type(error).__name__)
            connection.close()
            return
        client = Client(channel)
        for message in self._greeting():
            client.send(message)
        with self._lock:
            self._clients.add(client)
        try:
            while True:
                self._on_request(client, channel.receive())
        except (EOFError, OSError, WireError) as error:
            _log.info("client left: %s", type(error).__name__)
        finally:
            client.leave()
            with self._lock:
                self._clients.discard(client)
                self._left = time.monotonic()
            self._on_leave(client)
            channel.close()
