"""Phantoms are drawn by a process of their own, which tells how far it is."""

from cxr_demo.evaluation import images
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
