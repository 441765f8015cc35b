"""Phantoms are drawn by a process of their own, which tells how far it is."""

import os

import pytest

from cxr_demo.evaluation import images
from cxr_demo.evaluation.faults import PhantomsNotDrawn
from tests.evaluation.bench import plan

COUNT = 8


def test_drawing_tells_how_much_is_there_and_is_done_once(monkeypatch):
    monkeypatch.setattr(images, "COUNT_S", 0.0)
    asked = plan({"phantoms": COUNT})
    told = list(images.draw_phantoms(asked))
    assert told == sorted(told) and told[0] == 0.0 and 0.0 < told[-1] <= 1.0
    (place,) = images.folders(asked).values()
    assert len(list(place.rglob("*.jpg"))) == COUNT
    assert list(images.draw_phantoms(asked)) == []


def test_what_cannot_be_drawn_is_told_and_leaves_nothing(capfd):
    asked = plan({"phantoms": COUNT})
    (place,) = images.folders(asked).values()
    draft = place.with_name(f"{place.name}.{os.getpid()}.part")
    draft.mkdir(parents=True)
    (draft / "of somebody else").touch()
    with pytest.raises(PhantomsNotDrawn):
        list(images.draw_phantoms(asked))
    assert not place.exists() and not draft.exists()
    assert capfd.readouterr().err  # the process's own words
