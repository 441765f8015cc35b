"""What a folder lacks to be a complete copy of a model; no network, no huggingface_hub."""

from pathlib import Path

from cxr_demo import weights
from cxr_demo.weights.sources import Package


def missing_files(wanted: Package, folder: Path) -> tuple[str, ...]:
    """Names of what `folder` lacks to be a complete copy of `wanted`."""
    if wanted.card is not None:
        found = weights.status(wanted.card, folder)
        return found.what if isinstance(found, weights.Missing) else ()
    names = [name for source in wanted.sources for name in source.files or ()]
    return tuple(name for name in names if not (folder / name).is_file())
