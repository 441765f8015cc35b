"""Deleting a model's weights, or a prepared copy of them, and nothing else."""

import shutil

from cxr_demo.records import Precision
from cxr_demo.weights import faults, prepared
from cxr_demo.weights.fetch import exclusive
from cxr_demo.weights.parts import part_of, size_of
from cxr_demo.weights.sources import package
from cxr_demo.weights.transfer import guarded


def remove_copy(model: str, precision: Precision) -> int:
    """Delete the prepared copy of `model` in `precision`, and what was begun of one; returns how
    many bytes that were.

    Raises NothingThere, AlreadyFetching, FolderRefused, UnknownModel."""
    wanted = package(model)
    folder = None if wanted.card is None else prepared.folder(wanted.card, precision)
    if folder is None or not (folder.is_dir() or part_of(folder).is_dir()):
        raise faults.NothingThere(model=model, folder=str(folder or wanted.folder))
    had = wanted.folder.is_dir()
    with exclusive(wanted), guarded(folder):
        gone = part_of(folder)
        size = size_of(folder) + size_of(gone)
        if gone.is_dir():
            shutil.rmtree(gone)
        if folder.is_dir():
            folder.replace(gone)  # at once no copy any more, whatever interrupts the rest
            shutil.rmtree(gone)
    if not had:  # the lock made it
        shutil.rmtree(wanted.folder)
    return size


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
        size = size_of(folder)
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
