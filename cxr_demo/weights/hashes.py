"""SHA-256 of checkpoints, remembered as long as a file's size, time and inode stay the same."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from cxr_demo.paths import private_dir

_MEMORY = "hashes.json"
_BLOCK = 4 * 1024 * 1024

Step = Callable[[int], None]
"""Called with the number of bytes that were just hashed, copied or received; may raise to stop."""


def digest(shards: Sequence[Path]) -> str:
    """Hash of a checkpoint: of one file its SHA-256; of several the SHA-256 of the lines that
    `sha256sum` prints for them in name order ("<hash>  <name>"). Streams; needs little memory."""
    return _combined({each: file_sha256(each) for each in shards})


def known_digest(shards: Sequence[Path]) -> str | None:
    """`digest` from what is remembered; None if a file would have to be read."""
    known = {path: found for path, found in remembered(shards).items() if found is not None}
    return _combined(known) if len(known) == len(shards) else None


def _combined(hashed: dict[Path, str]) -> str:
    if len(hashed) == 1:
        return next(iter(hashed.values()))
    lines = "".join(f"{hashed[each]}  {each.name}\n" for each in sorted(hashed))
    return hashlib.sha256(lines.encode()).hexdigest()


def file_sha256(path: Path, step: Step | None = None, fresh: bool = False) -> str:
    """SHA-256 of one file, from memory if the file did not change since it was computed; `fresh`
    reads it in any case."""
    key = _identity(path)
    known = None if fresh else _load().get(key)
    if known is not None:
        return known
    computed = _compute(path, step)
    _remember(key, computed)
    return computed


def remembered(paths: Sequence[Path]) -> dict[Path, str | None]:
    """The SHA-256 that was last computed of each of `paths`, None for one that changed since or was
    never read. Reads none of them."""
    known = _load()
    return {each: known.get(_identity(each)) for each in paths}


def git_sha1(path: Path) -> str:
    """Git's own hash of one file, by which the hub names small files."""
    content = path.read_bytes()
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def _compute(path: Path, step: Step | None) -> str:
    with path.open("rb") as file:
        if step is None:
            return hashlib.file_digest(file, "sha256").hexdigest()
        running = hashlib.sha256()
        while block := file.read(_BLOCK):
            running.update(block)
            step(len(block))
        return running.hexdigest()


def _identity(path: Path) -> str:
    # No names or folders: this file outlives the checkpoint and says nothing about the user.
    found = path.stat()
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"


def _load() -> dict[str, str]:
    try:
        known = json.loads((private_dir() / _MEMORY).read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(key: str, computed: str) -> None:
    # Read again and replace whole: another process may have written meanwhile. A lost entry costs
    # one more hashing, never a wrong answer.
    target = private_dir() / _MEMORY
    draft = target.with_suffix(f".{os.getpid()}.part")
    draft.write_text(json.dumps(_load() | {key: computed}))
    draft.replace(target)
