"""Which versions of other packages are installed: part of every report, result and proof."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


def installed(*packages: str) -> dict[str, str]:
    """Versions by name, in the order asked; a package that is not installed is left out."""
    found = {name: _version(name) for name in packages}
    return {name: known for name, known in found.items() if known is not None}


# Kept, since an evaluation asks for every image and nothing is installed while a process runs.
@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
