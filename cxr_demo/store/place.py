"""Where the evaluations of this user lie."""

from pathlib import Path

from cxr_demo.paths import private_dir


def store_path() -> Path:
    """The store in the private folder; the file need not exist yet."""
    return private_dir() / "evaluations.sqlite"


def ranks_dir() -> Path:
    """Where ranks keep files of their own until they are merged into the store."""
    folder = private_dir() / "ranks"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
