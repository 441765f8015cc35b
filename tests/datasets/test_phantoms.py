"""Phantoms in every layout come back through the loaders with what was drawn or written."""

import hashlib
import subprocess
import sys

import pytest

from cxr_demo import phantoms
from cxr_demo.datasets import DATASETS, stock
from cxr_demo.datasets.base import locate
from cxr_demo.datasets.faults import FolderInUse
from cxr_demo.datasets.phantoms import write_layout
from cxr_demo.findings import FINDINGS, Label
from cxr_demo.labelers import rules
from cxr_demo.phantoms import strip
from cxr_demo.studies import open_study

COUNT = 12
PARTS = [
    ("chexpert", "valid"),
    ("chexpert", "train"),
    ("mimic", "automatic"),
    ("mimic", "by_hand"),
    ("brax", "automatic"),
    ("folder", "all"),
]


def samples_of(folder, name, part):
    place = folder / "folder" if name == "folder" else folder
    return DATASETS[name].samples(locate(DATASETS[name], place), part)


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_labels_are_of_the_phantom_in_the_pixels(all_layouts, name, part):
    found = samples_of(all_layouts, name, part)
    assert len(found) == (4 if part == "by_hand" else COUNT)
    for sample in found[:4]:
        (radiograph,) = open_study(sample.path)
        plan = phantoms.plan(strip.read(radiograph.pixels))
        if part in ("valid", "by_hand", "all"):
            drawn = phantoms.truth(plan)
            expected = {
                each: Label.POSITIVE if drawn[each] else Label.NEGATIVE for each in FINDINGS
            }
        else:
            said = rules.label(phantoms.write_report(plan))
            expected = {each: said[each].label for each in FINDINGS}
        assert dict(sample.labels) == expected
        assert sample.view is plan.exposure.view
        if name != "mimic":
            assert sample.sex == ("F" if plan.anatomy.female else "M")


def test_no_phantom_is_in_two_tables_or_was_trained_on(all_layouts):
    seeds = []
    for name, part in PARTS:
        if part != "by_hand":
            files = [each.path for each in samples_of(all_layouts, name, part)]
            seeds += [strip.read(open_study(each)[0].pixels) for each in files]
    assert len(set(seeds)) == len(seeds) == 5 * COUNT
    assert not any(seed in phantoms.TRAIN_SEEDS or seed in phantoms.TEST_SEEDS for seed in seeds)


@pytest.mark.parametrize("name", DATASETS)
def test_stock_of_phantoms(all_layouts, name, tmp_path):
    folder = all_layouts / "folder" if name == "folder" else all_layouts
    found = stock.take(DATASETS[name], folder)
    assert found.synthetic
    assert not found.missing_tables
    assert {each.part for each in found.parts} == set(DATASETS[name].PARTS)
    for part in found.parts:
        assert part.absent == 0
        assert part.patients < part.studies == part.images == sum(part.views.values())


def test_stock_counts_what_is_missing(tmp_path):
    write_layout("chexpert", tmp_path, 4, width=192)
    (tmp_path / "train.csv").unlink()
    gone = DATASETS["chexpert"].samples(tmp_path, "valid")[0].path
    gone.unlink()
    gone.parent.rmdir()
    gone.parent.parent.rmdir()
    found = stock.take(DATASETS["chexpert"], tmp_path)
    assert found.missing_tables == ("train.csv",)
    (valid,) = found.parts
    assert (valid.images, valid.absent) == (4, 1)
    lost = stock.absent(DATASETS["chexpert"].samples(tmp_path, "valid"))
    assert [each.path for each in lost] == [gone]


def test_brax_as_dicom(tmp_path):
    write_layout("brax-dicom", tmp_path, 1, width=256)
    (sample,) = DATASETS["brax"].samples(tmp_path, "automatic")
    assert sample.form == "dicom"
    (radiograph,) = open_study(sample.path)
    assert strip.is_phantom(radiograph.pixels)
    assert radiograph.declared_phantom


def test_the_command_writes_the_same_files_again(tmp_path):
    digests = []
    for name in ("a", "b"):
        command = [sys.executable, "-m", "cxr_demo.datasets.phantoms", "mimic", tmp_path / name]
        subprocess.run([*command, "--count", "2", "--width", "192"], check=True)
        files = sorted(each for each in (tmp_path / name).rglob("*") if each.is_file())
        digests.append([hashlib.sha256(each.read_bytes()).hexdigest() for each in files])
    assert digests[0] == digests[1]
    assert len(digests[0]) == 7  # two images, four tables, the mark


def test_real_data_is_never_written_over(tmp_path):
    (tmp_path / "train.csv").write_text("theirs")
    with pytest.raises(FolderInUse):
        write_layout("chexpert", tmp_path, 1)
    assert (tmp_path / "train.csv").read_text() == "theirs"
    with pytest.raises(ValueError, match="phantoms as one of"):
        write_layout("padchest", tmp_path, 1)
