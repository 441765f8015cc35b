"""The Benchmarks screen's parts, put together when the app starts."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cxr_demo.datasets import DATASETS
from cxr_demo.datasets.base import locate
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.evaluation.images import folders
from cxr_demo.evaluation.plan import Plan
from cxr_demo.records import Radiograph
from cxr_demo.results.book import Book, shared
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.store.records import Group, ManifestArrays
from cxr_demo.studies import render
from cxr_demo.ui.api import png
from cxr_demo.ui.bench.api import BenchApi
from cxr_demo.ui.bench.folders import Folders
from cxr_demo.ui.bench.run import NoRun
from cxr_demo.ui.bench.service import Bench, Evaluator
from cxr_demo.ui.fitness import Fitness
from cxr_demo.ui.uploads import Files


class Opener(Protocol):
    """What decodes files: `studies.pool.DecodePool`."""

    def open(self, source: Path) -> tuple[Radiograph, ...]:
        """The radiographs of one file. Raises StudyError leaves."""
        ...


def connect(worker: Evaluator, files: Files, opener: Opener, fitness: Fitness) -> BenchApi:
    """The screen's addresses over this user's store and worker."""
    path = store_path()
    book = shared()
    bench = Bench(worker, book, lambda: StoreReader(path), Folders(), fitness)
    places = Places(book)
    return BenchApi(bench, files, places.of, lambda file: png(shown(opener.open(file)[0])))


def shown(radiograph: Radiograph) -> NDArray[np.uint8]:
    """(H, W) as the reading room shows it at first."""
    return render(radiograph).astype(np.uint8, copy=False)


class Places:
    """Where the images of a run's examples lie. Safe for all threads: it reads where the book
    does."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._last: tuple[str, ManifestArrays] | None = None

    def of(self, run: str, position: int) -> Path:
        """The file of the image at `position`. Raises NoRun, also if its data set is not here, and
        leaves of DatasetError."""
        return self._book.read(lambda reader: self._look(reader, run, position))

    def _look(self, reader: StoreReader, run: str, position: int) -> Path:
        arm = reader.arm(run)
        group = reader.group(arm.group) if arm else None
        if group is None or not group.data:  # carried here from another machine
            raise NoRun
        images = self._images(reader, group)
        if not 0 <= position < len(images.keys):
            raise NoRun
        dataset, file = str(images.datasets[position]), str(images.files[position])
        places = folders(Plan(Recipe.from_dict(group.recipe), dict(group.data)))
        if dataset not in places:
            raise NoRun
        return locate(DATASETS[dataset], places[dataset]) / file

    def _images(self, reader: StoreReader, group: Group) -> ManifestArrays:
        """Kept for the other examples of the same run: a long one takes a moment to read."""
        if self._last is None or self._last[0] != group.manifest_sha256:
            self._last = (group.manifest_sha256, reader.manifest(group.id))
        return self._last[1]
