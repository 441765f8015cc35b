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
    # 3: evaluations of recipes: their images, arms, results, texts, labels and timings
    """
    CREATE TABLE evaluation (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        recipe TEXT NOT NULL,
        manifest_sha256 TEXT NOT NULL,
        composition TEXT NOT NULL,
        images INTEGER NOT NULL,
        synthetic INTEGER NOT NULL,
        data TEXT NOT NULL,
        options TEXT NOT NULL,
        state TEXT NOT NULL,
        error TEXT,
        created TEXT NOT NULL,
        updated TEXT NOT NULL
    );
    CREATE TABLE sample (
        manifest TEXT NOT NULL,
        position INTEGER NOT NULL,
        key TEXT NOT NULL,
        dataset TEXT NOT NULL,
        file TEXT NOT NULL,
        form TEXT NOT NULL,
        patient TEXT NOT NULL,
        study TEXT NOT NULL,
        split TEXT,
        view TEXT NOT NULL,
        sex TEXT,
        age REAL,
        fold INTEGER,
        targets TEXT NOT NULL,
        PRIMARY KEY (manifest, position)
    ) WITHOUT ROWID;
    CREATE TABLE arm (
        id TEXT PRIMARY KEY,
        evaluation TEXT NOT NULL REFERENCES evaluation (id),
        model TEXT NOT NULL,
        precision TEXT NOT NULL,
        pipeline TEXT NOT NULL,
        total INTEGER NOT NULL,
        state TEXT NOT NULL,
        facts TEXT NOT NULL,
        tried INTEGER NOT NULL DEFAULT -1,
        tries INTEGER NOT NULL DEFAULT 0,
        created TEXT NOT NULL,
        updated TEXT NOT NULL
    );
    CREATE TABLE result (
        arm TEXT NOT NULL REFERENCES arm (id),
        position INTEGER NOT NULL,
        row_key TEXT,
        image_sha256 TEXT,
        stop TEXT,
        error TEXT,
        tokens INTEGER,
        prompt_tokens INTEGER,
        seconds REAL,
        slots INTEGER,
        notes TEXT,
        created TEXT NOT NULL,
        PRIMARY KEY (arm, position)
    ) WITHOUT ROWID;
    CREATE TABLE text (
        arm TEXT NOT NULL REFERENCES arm (id),
        position INTEGER NOT NULL,
        report TEXT NOT NULL,
        answers TEXT,
        PRIMARY KEY (arm, position)
    ) WITHOUT ROWID;
    CREATE TABLE label (
        arm TEXT NOT NULL REFERENCES arm (id),
        labeler TEXT NOT NULL,
        position INTEGER NOT NULL,
        codes TEXT NOT NULL,
        unparsed INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (arm, labeler, position)
    ) WITHOUT ROWID;
    CREATE TABLE timing (
        arm TEXT NOT NULL REFERENCES arm (id),
        position INTEGER NOT NULL,
        preprocessing REAL NOT NULL,
        generation REAL NOT NULL,
        labelling REAL NOT NULL,
        tokens INTEGER NOT NULL,
        PRIMARY KEY (arm, position)
    ) WITHOUT ROWID;
    """,
    # 4: outputs of images that were read once more after a resume, beside the rows
    """
    CREATE TABLE again (
        arm TEXT NOT NULL REFERENCES arm (id),
        resume TEXT NOT NULL,
        position INTEGER NOT NULL,
        report TEXT NOT NULL,
        stop TEXT,
        created TEXT NOT NULL,
        PRIMARY KEY (arm, resume, position)
    ) WITHOUT ROWID;
    CREATE TABLE again_label (
        arm TEXT NOT NULL REFERENCES arm (id),
        resume TEXT NOT NULL,
        labeler TEXT NOT NULL,
        position INTEGER NOT NULL,
        codes TEXT NOT NULL,
        unparsed INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (arm, resume, labeler, position)
    ) WITHOUT ROWID;
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema, one transaction per step. Raises ValueError for a file
    that a newer version of this app has written."""
    if _version(connection) > len(STEPS):
        raise ValueError(f"store version {_version(connection)}, this app knows {len(STEPS)}")
    while (done := _version(connection)) < len(STEPS):
        step = f"BEGIN IMMEDIATE; {STEPS[done]} PRAGMA user_version = {done + 1}; COMMIT;"
        try:
            connection.executescript(step)
        except sqlite3.OperationalError:
            if connection.in_transaction:
                connection.rollback()
            if _version(connection) == done:  # else another process has just taken this step
                raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
