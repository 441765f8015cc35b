"""One SQLite file: durable commits, many readers beside one writer, private to this user."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cxr_demo.store.faults import StoreRefused
from cxr_demo.store.migrations import migrate

PATIENCE_S = 20
"""Seconds that a commit waits for another process's."""


def connect(path: Path) -> sqlite3.Connection:
    """Open `path`, made if missing and brought to the newest schema. Every commit is on the disk
    when it returns. Raises ValueError for a file of a newer version of this app."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection)
    path.chmod(0o600)
    return connection


class Opened:
    """What every way to the file has. An instance belongs to one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = connect(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, on the disk at the end. Raises StoreRefused."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise StoreRefused(detail=str(error)) from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


def now() -> str:
    """ISO time to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def moment() -> str:
    """ISO time to the microsecond: two changes do not look like one."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
