"""The user's private folder: the only place where this program writes by itself.

`CXR_DEMO_HOME` names another one (tests, several users of one account). Everything in it belongs to
the user alone (mode 0700) and can be deleted while the app is closed.
"""

import os
import sys
from pathlib import Path


def private_dir() -> Path:
    """The private folder, made if missing, readable by this user only."""
    return _private(_root())


def models_dir() -> Path:
    """Where weights of real models lie, one folder per model; `CXR_DEMO_MODELS` names another."""
    named = os.environ.get("CXR_DEMO_MODELS")
    return Path(named).expanduser() if named else private_dir() / "models"


def temporary_dir() -> Path:
    """Private folder for uploads in flight; emptied at start and at the end."""
    return _private(private_dir() / "tmp")


def assets_dir() -> Path:
    """The repository's `assets` folder, with the embedded model and the sample studies."""
    return Path(__file__).resolve().parent.parent / "assets"


def _root() -> Path:
    named = os.environ.get("CXR_DEMO_HOME")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "cxr-demo"
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "cxr-demo"


def _private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if sys.platform != "win32" and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder
