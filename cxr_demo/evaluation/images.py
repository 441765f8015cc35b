"""The images of an evaluation: a manifest from tables, or phantoms that are drawn first."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from cxr_demo.datasets import DATASETS, phantoms
from cxr_demo.datasets.base import Sample, is_synthetic, locate
from cxr_demo.datasets.manifest import Manifest, assemble
from cxr_demo.evaluation.faults import PhantomsNotDrawn
from cxr_demo.evaluation.plan import Plan
from cxr_demo.findings import FINDINGS
from cxr_demo.metrics.f1 import CODES
from cxr_demo.paths import private_dir
from cxr_demo.phantoms.files import Kind
from cxr_demo.store.records import SampleRow

WAIT_S = 0.1
"""Seconds between two looks at what another thread or process does."""

COUNT_S = 1.0
"""Seconds between two counts of the phantoms that are drawn."""

_IMAGES = {each.suffix for each in Kind}


def folders(plan: Plan) -> dict[str, Path]:
    """Where each data set of the plan lies, or will lie once its phantoms are drawn."""
    if plan.phantoms is None:
        return {name: Path(place) for name, place in plan.data.items()}
    return {
        each.dataset: _drawn(phantoms.layout_of(each.dataset, each.part), plan.phantoms)
        for each in plan.recipe.draw.sources
    }


def draw_phantoms(plan: Plan) -> Iterator[float]:
    """Draw what is missing, in processes of their own; yields how much is there, in 0..1, while it
    waits. Folders appear whole or not at all. Raises PhantomsNotDrawn if it cannot be done."""
    sources = plan.recipe.draw.sources if plan.phantoms is not None else ()
    for number, each in enumerate(sources):
        layout = phantoms.layout_of(each.dataset, each.part)
        place = _drawn(layout, plan.phantoms or 0)
        if place.exists():
            continue
        draft = place.with_name(f"{place.name}.{os.getpid()}.part")
        command = [sys.executable, "-m", "cxr_demo.datasets.phantoms", layout, str(draft)]
        process = subprocess.Popen([*command, "--count", str(plan.phantoms)], cwd=_root())
        try:
            for images in _images_of(process, draft):
                yield (number + min(images / (plan.phantoms or 1), 1.0)) / len(sources)
        finally:
            process.kill()
            process.wait()
            if process.returncode != 0:
                shutil.rmtree(draft, ignore_errors=True)
        if process.returncode != 0:
            raise PhantomsNotDrawn()
        if not place.exists():
            draft.rename(place)


def assemble_aside(plan: Plan) -> Iterator[Manifest | None]:
    """The manifest, made in a thread; yields None while it waits, the manifest at last. Raises
    leaves of DatasetError."""
    found: list[Manifest] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            made = assemble(plan.recipe.draw, folders(plan))
            assert made.sha256  # so that its text is made here, too
            found.append(made)
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=work, name="manifest", daemon=True)
    thread.start()
    while thread.is_alive():
        yield None
        thread.join(WAIT_S)
    if errors:
        raise errors[0]
    yield found[0]


def all_synthetic(plan: Plan) -> bool:
    """Whether every data set of the plan says that it was drawn."""
    places = folders(plan)
    return all(
        is_synthetic(locate(DATASETS[each.dataset], places[each.dataset]))
        for each in plan.recipe.draw.sources
    )


def sample_rows(manifest: Manifest) -> list[SampleRow]:
    """The manifest's images as the store keeps them."""
    folds = manifest.folds or [None] * len(manifest.samples)
    return [
        _row(position, sample, fold)
        for position, (sample, fold) in enumerate(zip(manifest.samples, folds, strict=True))
    ]


def _row(position: int, sample: Sample, fold: int | None) -> SampleRow:
    labels = sample.labels or {}
    return SampleRow(
        position=position,
        key=sample.key,
        dataset=sample.dataset,
        file=sample.file,
        form=sample.form,
        patient=sample.patient,
        study=sample.study,
        split=sample.split,
        view=str(sample.view),
        sex=sample.sex,
        age=sample.age,
        fold=fold,
        targets=tuple(CODES[labels[each]] for each in FINDINGS),
    )


def _drawn(layout: str, count: int) -> Path:
    parent = private_dir() / "phantoms"
    parent.mkdir(mode=0o700, exist_ok=True)
    return parent / f"{layout}-{count}"


def _root() -> Path:
    return Path(__file__).resolve().parents[2]


def _images_of(process: "subprocess.Popen[bytes]", folder: Path) -> Iterator[int]:
    """How many images it has written, until it ends."""
    images, next_look = 0, time.monotonic()
    while process.poll() is None:
        if time.monotonic() >= next_look:
            images = sum(each.suffix in _IMAGES for each in folder.rglob("*"))
            next_look = time.monotonic() + COUNT_S
        yield images
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(WAIT_S)
