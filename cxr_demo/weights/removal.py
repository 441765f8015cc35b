"""Deleting a model's weights, and nothing else."""

import shutil

from cxr_demo.weights import faults
from cxr_demo.weights.fetch import exclusive
from cxr_demo.weights.sources import package
from cxr_demo.weights.transfer import guarded


def remove(model: str) -> int:
    """Delete the folder of `model` and all that it holds; returns how many bytes of files that
    were. A link is taken away alone: what it points to was not put there by this program.

    Raises NothingThere if nothing is there; AlreadyFetching while another process writes into it;
    FolderRefused if the system does not let us; UnknownModel."""
    wanted = package(model)
    folder = wanted.folder
    if folder.is_symlink():
        with guarded(folder):
            folder.unlink()
        return 0
    if not folder.is_dir():
        raise faults.NothingThere(model=model, folder=str(folder))
    with exclusive(wanted), guarded(folder):
        size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
        for each in folder.iterdir():
            if each.name == ".lock":  # ours, and still held
                continue
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()
    with guarded(folder):
        shutil.rmtree(folder)
    return size
