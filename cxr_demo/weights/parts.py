"""The names of files that are still coming, and what came of them. No network."""

from pathlib import Path


def part_of(path: Path) -> Path:
    """Where the bytes of `path` gather until they are whole and verified."""
    return path.with_name(f"{path.name}.part")


def etag_of(path: Path) -> Path:
    """Where the storage host's name for what is being received lies."""
    return path.with_name(f"{path.name}.part.etag")


def received(path: Path) -> int:
    """Bytes of `path` that came so far and were not finished."""
    part = part_of(path)
    return part.stat().st_size if part.is_file() else 0


def discard(path: Path) -> None:
    """Forget what came of `path` so far."""
    part_of(path).unlink(missing_ok=True)
    etag_of(path).unlink(missing_ok=True)


def size_of(folder: Path) -> int:
    """Bytes of all files in `folder` and below; 0 if it is not there."""
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
