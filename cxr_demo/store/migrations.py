"""The store's schema as numbered steps. Append only: a file made by any version can be opened."""

import sqlite3

STEPS: tuple[str, ...] = (
    # 1: runs (what was asked) and predictions (what came out, one row per image)
    """
    CREATE TABLE run (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        recipe TEXT NOT NULL,
        total INTEGER NOT NULL,
        state TEXT NOT NULL,
        created TEXT NOT NULL,
        trying TEXT,
        tries INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE prediction (
        run TEXT NOT NULL REFERENCES run (id),
        key TEXT NOT NULL,
        report TEXT,
        labels TEXT,
        unparsed INTEGER NOT NULL DEFAULT 0,
        stop TEXT,
        error TEXT,
        tokens INTEGER,
        ttft REAL,
        seconds REAL,
        vram_device_peak INTEGER,
        provenance TEXT,
        created TEXT NOT NULL,
        PRIMARY KEY (run, key)
    ) WITHOUT ROWID;
    """,
    # 2: raw answers to the yes/no questions, from which a calibration is made
    "ALTER TABLE prediction ADD COLUMN answers TEXT;",
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema, one transaction per step. Raises ValueError for a file
    that a newer version of this app has written."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        raise ValueError(f"store version {version}, this app knows {len(STEPS)}")
    for number, step in enumerate(STEPS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")
