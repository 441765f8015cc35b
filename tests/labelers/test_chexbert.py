"""CheXbert's loader and labels, on random checkpoints in the very format of the published one."""

import pickle

import pytest
import torch
from transformers import BertConfig

from cxr_demo.errors import CxrError, OutOfMemory
from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.labelers import chexbert
from cxr_demo.labelers.chexbert import CheXbert, Network

WORDS = "no the is heart large small normal effusion pneumothorax lungs clear left . , ; * [ ] : -"
TINY = BertConfig(
    vocab_size=103 + len(WORDS.split()),
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folder(tmp_path):
    write_tokenizer(tmp_path)
    write_checkpoint(tmp_path, Network(TINY).state_dict())
    return tmp_path


def write_tokenizer(folder):
    """A vocabulary with [PAD], [UNK], [CLS], [SEP], [MASK] where bert-base-uncased has them."""
    unused = [f"[unused{index}]" for index in range(99)]
    marks = ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    lines = ["[PAD]", *unused, *marks, *WORDS.split()]
    (folder / "vocab.txt").write_text("\n".join(lines[: TINY.vocab_size]) + "\n")


def write_checkpoint(folder, tensors):
    named = {f"module.{name}": value for name, value in tensors.items()}
    torch.save({"epoch": 3, "model_state_dict": named}, folder / "chexbert.pth")


def test_the_full_network_has_the_published_tensors():
    with torch.device("meta"):
        network = Network(BertConfig())
    tensors = network.state_dict()
    assert len(tensors) == 227
    assert sum(value.numel() for value in tensors.values()) == 109_523_766
    assert tensors["linear_heads.0.weight"].shape == (4, 768)
    assert tensors["linear_heads.13.weight"].shape == (2, 768)


def test_labels_come_by_name_in_the_apps_order(folder):
    """Heads that are forced to one class each show which finding reads which head."""
    tensors = Network(TINY).state_dict()
    for index in range(14):
        tensors[f"linear_heads.{index}.weight"].zero_()
        bias = torch.zeros_like(tensors[f"linear_heads.{index}.bias"])
        bias[index % 4 if index < 13 else 1] = 1
        tensors[f"linear_heads.{index}.bias"] = bias
    write_checkpoint(folder, tensors)
    found = CheXbert(folder, device="cpu", config=TINY).label(["The heart is large."])[0]
    assert found.labeler == "chexbert"
    assert tuple(each.finding for each in found.labels) == FINDINGS
    assert found[Finding.ENLARGED_CARDIOMEDIASTINUM].label is Label.NOT_MENTIONED  # head 0
    assert found[Finding.CARDIOMEGALY].label is Label.POSITIVE  # head 1
    assert found[Finding.LUNG_OPACITY].label is Label.NEGATIVE  # head 2
    assert found[Finding.LUNG_LESION].label is Label.UNCERTAIN  # head 3
    assert found[Finding.SUPPORT_DEVICES].label is Label.NOT_MENTIONED  # head 12
    assert found[Finding.NO_FINDING].label is Label.POSITIVE  # head 13


def test_a_label_depends_on_neither_batch_nor_neighbours(folder):
    labeler = CheXbert(folder, device="cpu", config=TINY)
    texts = ["no effusion", "the heart is large . lungs clear", "left effusion , small", "."]
    alone = {text: labeler.classify([text])[text] for text in texts}
    assert labeler.classify(texts) == alone


def test_evidence_are_the_sentences_with_the_same_label(folder):
    labeler = CheXbert(folder, device="cpu", config=TINY)
    text = "**Heart** is large.\n- [Pleura: left] no effusion.\n- lungs clear"
    whole, together = labeler.label_both([text])[0]
    parts = labeler.classify(["Heart is large.", "no effusion.", "lungs clear"])
    for found in (whole, together):
        for each in found.labels:
            marked = {text[span.start : span.end] for span in each.spans}
            same = {part for part, said in parts.items() if said[each.finding] is each.label}
            expected = same if each.label is not Label.NOT_MENTIONED else set()
            assert {" ".join(one.replace("*", "").split()) for one in marked} == expected


def test_it_reads_a_report_in_steps_without_headings_and_view(folder, monkeypatch):
    read, classify = [], CheXbert.classify

    def noted(self, texts, progress=None):
        read.extend(texts)
        return classify(self, texts, progress)

    monkeypatch.setattr(CheXbert, "classify", noted)
    labeler = CheXbert(folder, device="cpu", config=TINY)
    text = "[View]\nno effusion.\n\n[Cardiac]\nHeart is large.\n\n[Impression]\nlungs clear"
    (found,) = labeler.label([text])
    assert read == ["Heart is large. lungs clear", "Heart is large.", "lungs clear"]
    spans = {text[span.start : span.end] for each in found.labels for span in each.spans}
    assert spans <= set(read)


def test_sentences_are_taken_together_by_precedence():
    def part(**said):
        return {each: said.get(each.name, Label.NOT_MENTIONED) for each in FINDINGS}

    found = chexbert._together(
        [
            part(EDEMA=Label.NEGATIVE, NO_FINDING=Label.POSITIVE),
            part(EDEMA=Label.UNCERTAIN, FRACTURE=Label.NEGATIVE),
        ]
    )
    assert found[Finding.EDEMA] is Label.UNCERTAIN
    assert found[Finding.FRACTURE] is Label.NEGATIVE
    assert found[Finding.NO_FINDING] is Label.NOT_MENTIONED
    devices = part(NO_FINDING=Label.POSITIVE, SUPPORT_DEVICES=Label.POSITIVE)
    assert chexbert._together([devices])[Finding.NO_FINDING] is Label.POSITIVE


def test_long_reports_keep_their_first_512_tokens(folder):
    labeler = CheXbert(folder, device="cpu", config=TINY)
    long = "effusion " * 600
    cut = "effusion " * 510
    assert labeler.classify([long])[long] == labeler.classify([cut])[cut]


def test_progress_counts_distinct_texts(folder):
    seen = []
    CheXbert(folder, device="cpu", config=TINY).classify(
        ["no effusion", "no effusion", "lungs clear"],
        lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (2, 2)


def test_empty_input_and_empty_report(folder):
    labeler = CheXbert(folder, device="cpu", config=TINY)
    assert labeler.label([]) == []
    assert len(labeler.label([""])) == 1


@pytest.mark.parametrize("device", ["cuda:99", "toaster"])
def test_a_device_that_is_not_there_is_refused(folder, device):
    with pytest.raises(chexbert.CheXbertNoDevice, match=device):
        CheXbert(folder, device, config=TINY)


def test_a_full_gpu_makes_batches_smaller_before_it_gives_up(folder, monkeypatch):
    labeler = CheXbert(folder, "cpu", config=TINY)
    texts = ["no effusion", "lungs clear", "the heart is large", "small left effusion"]
    expected = labeler.classify(texts)
    padded, room = labeler._padded, 1

    def crowded(rows):
        if len(rows) > room:
            raise torch.OutOfMemoryError("full")
        return padded(rows)

    monkeypatch.setattr(labeler, "_padded", crowded)
    assert labeler.classify(texts) == expected
    room = 0
    with pytest.raises(OutOfMemory):
        labeler.classify(texts)


@pytest.mark.parametrize("missing", ["chexbert.pth", "vocab.txt"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(chexbert.CheXbertMissing, match=missing):
        CheXbert(folder, device="cpu", config=TINY)


class _Evil:
    def __reduce__(self):
        return (print, ("unpickled",))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>not found</html>",
        pickle.dumps({"model_state_dict": _Evil()}, protocol=2),
        pickle.dumps([1, 2, 3], protocol=2),
    ],
)
def test_what_is_no_checkpoint_is_refused_and_never_run(folder, content, capsys):
    (folder / "chexbert.pth").write_bytes(content)
    with pytest.raises(chexbert.CheXbertUnreadable):
        CheXbert(folder, device="cpu", config=TINY)
    assert "unpickled" not in capsys.readouterr().out


def test_a_bare_state_dict_is_refused(folder):
    torch.save(Network(TINY).state_dict(), folder / "chexbert.pth")
    with pytest.raises(chexbert.CheXbertUnreadable):
        CheXbert(folder, device="cpu", config=TINY)


@pytest.mark.parametrize("change", ["absent", "foreign", "shape", "integers"])
def test_other_tensors_are_refused_by_name(folder, change):
    tensors = dict(Network(TINY).state_dict())
    name = "linear_heads.5.bias"
    if change == "absent":
        del tensors[name]
    elif change == "foreign":
        name = "classifier.weight"
        tensors[name] = torch.zeros(3)
    elif change == "shape":
        tensors[name] = torch.zeros(5)
    else:
        tensors[name] = torch.zeros(4, dtype=torch.int64)
    write_checkpoint(folder, tensors)
    with pytest.raises(chexbert.CheXbertWrongTensors, match=name):
        CheXbert(folder, device="cpu", config=TINY)


def test_another_vocabulary_is_refused(folder):
    with (folder / "vocab.txt").open("a") as stream:
        stream.write("extra\n")
    with pytest.raises(chexbert.CheXbertWrongTokenizer):
        CheXbert(folder, device="cpu", config=TINY)


@pytest.mark.parametrize(
    "error",
    [
        chexbert.CheXbertMissing(missing="vocab.txt", folder="models/chexbert"),
        chexbert.CheXbertUnreadable(),
        chexbert.CheXbertWrongTensors(count=2, first="linear_heads.0.bias"),
        chexbert.CheXbertWrongTokenizer(),
        chexbert.CheXbertNoDevice(device="cuda"),
    ],
)
def test_refusals_speak_both_languages_and_travel(error):
    assert error.message("en") != error.message("pt")
    assert "?" not in error.message("pt") + error.message("en")
    assert CxrError.from_dict(error.to_dict()).message("pt") == error.message("pt")
