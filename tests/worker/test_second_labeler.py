"""CheXbert beside the rules: leading where it is, told by name where it cannot lead."""

import dataclasses
import os

import pytest
import torch

from cxr_demo.errors import CxrError, WeightsRefused
from cxr_demo.evaluation import labelling
from cxr_demo.labelers.chexbert import CheXbert, Network
from cxr_demo.reading_notices import sentence
from cxr_demo.records import PipelineKind
from cxr_demo.weights import record
from cxr_demo.weights.record import FileRecord, Record
from cxr_demo.worker import second_labeler
from cxr_demo.worker.second_labeler import SecondLabeler, folder
from tests.labelers.test_chexbert import TINY, write_checkpoint, write_tokenizer
from tests.ui.build import REPORT, reading


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The very loader, for a network that takes no 440 MB."""
    torch.set_num_threads(1)
    loads = []

    def load(place):
        loads.append(place)
        return CheXbert(place, "cpu", config=TINY)

    monkeypatch.setattr(second_labeler, "_load", load)
    return loads


def put_files():
    folder().mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder())
    write_checkpoint(folder(), Network(TINY).state_dict())


def test_without_its_folder_nothing_happens(small):
    plain = reading()
    assert SecondLabeler().add_to(plain) is plain
    assert small == []


def test_it_leads_the_rules_follow_and_its_sentences_are_kept(small):
    put_files()
    labeler = SecondLabeler()
    for _ in range(2):
        found = labeler.add_to(reading())
    names = [each.labeler for each in found.findings]
    assert names == ["chexbert", "rules", "chexbert_sentences"]
    (expected,) = CheXbert(folder(), "cpu", config=TINY).label_both([REPORT])
    assert found.findings[0] == expected[0]
    assert found.findings[2].labels == expected[1].labels
    assert found.findings[1] == reading().findings[0]
    assert found.timings.labelling > 0
    assert small == [folder()]  # loaded once


def test_a_direct_answer_is_no_report(small):
    put_files()
    plain = reading()
    made = dataclasses.replace(plain.provenance, pipeline=PipelineKind.DIRECT)
    plain = dataclasses.replace(plain, provenance=made)
    assert SecondLabeler().add_to(plain) is plain


def test_wrong_files_are_told_by_name_and_tried_again_when_they_change(small):
    folder().mkdir(parents=True)
    labeler = SecondLabeler()
    found = labeler.add_to(reading())
    assert found.findings == reading().findings
    assert "vocab.txt" in sentence(found.notices[0], "en")
    put_files()
    torch.save({"model_state_dict": {"other": torch.zeros(3)}}, folder() / "chexbert.pth")
    for _ in range(2):
        found = labeler.add_to(reading())
    assert "outra rede" in sentence(found.notices[0], "pt")
    assert len(small) == 2  # the same wrong files are not read for every report
    put_files()
    os.utime(folder() / "chexbert.pth", (1, 1))
    assert labeler.add_to(reading()).findings[0].labeler == "chexbert"


def test_files_that_were_altered_after_they_came_are_not_read(small):
    put_files()
    place = folder() / "chexbert.pth"
    kept = Record("chexbert", files={place.name: FileRecord(place.stat().st_size, "0" * 64)})
    record.write(folder(), kept)
    found = SecondLabeler().add_to(reading())
    assert found.findings == reading().findings and small == []
    told = CxrError.from_dict(found.notices[0].params["error"]).message("en")
    assert "chexbert.pth was changed" in told
    with pytest.raises(WeightsRefused):
        labelling.load_chexbert("cpu")


def test_a_fault_inside_costs_its_labels_and_not_the_reading(monkeypatch):
    put_files()

    def broken(place):
        raise RuntimeError("/home/ana/maria")

    monkeypatch.setattr(second_labeler, "_load", broken)
    found = SecondLabeler().add_to(reading())
    assert found.findings == reading().findings
    told = CxrError.from_dict(found.notices[0].params["error"]).message("en")
    assert "CheXbert" in told and "maria" not in told
