"""CheXbert (Smit et al., 2020), the study's labeler, on transformers' BERT.

The user brings `chexbert.pth` and the tokenizer files of bert-base-uncased; its licence forbids
passing them on. BERT's last [CLS] goes into 13 heads of four classes and one of two. All computing
is in float32 without TF32, so that a label does not depend on the device.
"""

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel, BertTokenizer

from cxr_demo.errors import OutOfMemory
from cxr_demo.findings import FINDINGS, Finding, Label
from cxr_demo.labelers.faults import (
    CheXbertMissing,
    CheXbertNoDevice,
    CheXbertUnreadable,
    CheXbertWrongTensors,
    CheXbertWrongTokenizer,
)
from cxr_demo.labelers.sentences import items_apart, sentences, without_markup
from cxr_demo.records import FindingLabel, FindingSet, Span

CHECKPOINT = "chexbert.pth"
MAX_TOKENS = 512

HEADS: tuple[Finding, ...] = (
    Finding.ENLARGED_CARDIOMEDIASTINUM,
    Finding.CARDIOMEGALY,
    Finding.LUNG_OPACITY,
    Finding.LUNG_LESION,
    Finding.EDEMA,
    Finding.CONSOLIDATION,
    Finding.PNEUMONIA,
    Finding.ATELECTASIS,
    Finding.PNEUMOTHORAX,
    Finding.PLEURAL_EFFUSION,
    Finding.PLEURAL_OTHER,
    Finding.FRACTURE,
    Finding.SUPPORT_DEVICES,
    Finding.NO_FINDING,
)
"""CheXbert's own order, which is nobody else's: labels leave this module by name."""

_CLASSES = (Label.NOT_MENTIONED, Label.POSITIVE, Label.NEGATIVE, Label.UNCERTAIN)
_NO_PATHOLOGY = (Finding.SUPPORT_DEVICES, Finding.NO_FINDING)
_NO_CHECKPOINT = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
)
"""What torch raises for a file that is damaged, unsafe to unpickle, or something else."""
_TOKENS_PER_BATCH = {"cuda": 65_536, "cpu": 4_096}  # padding included

Progress = Callable[[int, int], None]
Labels = dict[Finding, Label]


class Network(nn.Module):
    """BERT and 14 heads; the names of its tensors are those of the checkpoint."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.bert = BertModel(config)
        self.linear_heads = nn.ModuleList(
            nn.Linear(config.hidden_size, 2 if head is Finding.NO_FINDING else len(_CLASSES))
            for head in HEADS
        )

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Classes, (N, 14) int64 in the order of `HEADS`, of (N, T) token ids and their mask."""
        first = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
        return torch.stack([head(first).argmax(-1) for head in self.linear_heads], dim=1)


class CheXbert:
    """The labeler, loaded from `folder` (`chexbert.pth`, tokenizer files beside it) to `device`:
    "auto", "cpu", "cuda", "cuda:1" and so on.

    `config` differs from bert-base-uncased's in tests only. Raises the errors of `labelers.faults`.
    """

    def __init__(
        self, folder: Path, device: str = "auto", config: BertConfig | None = None
    ) -> None:
        self.device = _device(device)
        config = config or BertConfig()
        self._tokenizer = _load_tokenizer(folder, config)
        self._network = _load_network(folder, config).to(self.device).eval()

    def move(self, device: str) -> None:
        """To another device, such as "cuda:0" or "cpu"; what it held on a GPU is free again. Raises
        OutOfMemory, and then it is where it was."""
        try:
            self._network.to(device)
        except torch.OutOfMemoryError:
            self._network.to(self.device)
            raise OutOfMemory(model="CheXbert", free=None) from None
        finally:
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()
        self.device = torch.device(device)

    def label(self, reports: Sequence[str], progress: Progress | None = None) -> list[FindingSet]:
        """One set per report, `labeler` "chexbert": the label of the whole report, and as spans the
        sentences that have the same label on their own (none if no sentence has)."""
        return [whole for whole, _ in self.label_both(reports, progress)]

    def label_both(
        self, reports: Sequence[str], progress: Progress | None = None
    ) -> list[tuple[FindingSet, FindingSet]]:
        """Per report the set of the whole, and that of its sentences taken together. Where the two
        differ, the whole leads and the difference is worth showing (`agreement.disagreements`).

        `progress` is called with how many distinct texts are done, and how many there are.
        """
        texts = [without_markup(report) for report in reports]
        spans = [list(sentences(items_apart(text))) for text in texts]
        pieces = [
            [_collapsed(text[span.start : span.end]) for span in within]
            for text, within in zip(texts, spans, strict=True)
        ]
        wholes = [_collapsed(text) for text in texts]
        known = self.classify([*wholes, *(one for piece in pieces for one in piece)], progress)
        return [
            _sets(known[whole], [known[one] for one in piece], within)
            for whole, piece, within in zip(wholes, pieces, spans, strict=True)
        ]

    @torch.inference_mode()
    def _classes(self, rows: list[list[int]]) -> list[list[int]]:
        try:
            with _full_float32():
                return self._network(*self._padded(rows)).tolist()
        except torch.OutOfMemoryError:
            if len(rows) == 1:
                raise OutOfMemory(model="CheXbert", free=None) from None
        # a report model may hold most of the GPU: go on in halves, once the error let go of it
        torch.cuda.empty_cache()
        half = len(rows) // 2
        return self._classes(rows[:half]) + self._classes(rows[half:])

    def classify(self, texts: Sequence[str], progress: Progress | None = None) -> dict[str, Labels]:
        """Labels of every distinct text. Texts of similar length share a batch."""
        distinct = list(dict.fromkeys(texts))
        if not distinct:  # the tokenizer takes no empty batch
            return {}
        encoded = self._tokenizer(distinct, truncation=True, max_length=MAX_TOKENS)["input_ids"]
        order = sorted(range(len(distinct)), key=lambda index: len(encoded[index]))
        found: dict[str, Labels] = {}
        for batch in _batches(
            order, encoded, _TOKENS_PER_BATCH.get(self.device.type, _TOKENS_PER_BATCH["cpu"])
        ):
            classes = self._classes([encoded[index] for index in batch])
            for index, row in zip(batch, classes, strict=True):
                found[distinct[index]] = {
                    finding: _CLASSES[value] for finding, value in zip(HEADS, row, strict=True)
                }
            if progress is not None:
                progress(len(found), len(distinct))
        return found

    def _padded(self, rows: list[list[int]]) -> tuple[Tensor, Tensor]:
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        return ids.to(self.device), mask.to(self.device)


@contextmanager
def _full_float32() -> Iterator[None]:
    """Without TF32, whatever the rest of the process has chosen for its own models."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _batches(order: list[int], encoded: list[list[int]], budget: int) -> list[list[int]]:
    """`order`, shortest first, cut so that no padded batch holds more than `budget` tokens."""
    batches: list[list[int]] = []
    for index in order:
        if not batches or (len(batches[-1]) + 1) * len(encoded[index]) > budget:
            batches.append([])
        batches[-1].append(index)
    return batches


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _sets(whole: Labels, parts: list[Labels], spans: list[Span]) -> tuple[FindingSet, FindingSet]:
    return _set(whole, parts, spans), _set(_together(parts), parts, spans)


def _set(labels: Labels, parts: list[Labels], spans: list[Span]) -> FindingSet:
    def evidence(finding: Finding) -> tuple[Span, ...]:
        if labels[finding] is Label.NOT_MENTIONED:
            return ()
        pairs = zip(parts, spans, strict=True)
        return tuple(span for part, span in pairs if part[finding] is labels[finding])

    return FindingSet(
        "chexbert", tuple(FindingLabel(each, labels[each], evidence(each)) for each in FINDINGS)
    )


def _together(parts: list[Labels]) -> Labels:
    """One label per finding from those of the sentences: positive before uncertain before negative.
    No Finding holds if a sentence has it and none has a pathology; devices are none."""
    found: Labels = {}
    for finding in FINDINGS:
        said = {part[finding] for part in parts}
        ranked = (Label.POSITIVE, Label.UNCERTAIN, Label.NEGATIVE)
        found[finding] = next((label for label in ranked if label in said), Label.NOT_MENTIONED)
    pathologies = [each for each in FINDINGS if each not in _NO_PATHOLOGY]
    if any(found[each] in (Label.POSITIVE, Label.UNCERTAIN) for each in pathologies):
        found[Finding.NO_FINDING] = Label.NOT_MENTIONED
    return found


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        raise CheXbertNoDevice(device=name) from error
    return device


def _load_tokenizer(folder: Path, config: BertConfig) -> BertTokenizer:
    if not (folder / "vocab.txt").is_file() and not (folder / "tokenizer.json").is_file():
        raise CheXbertMissing(missing="vocab.txt", folder=str(folder))
    try:
        tokenizer = BertTokenizer.from_pretrained(str(folder), local_files_only=True)
        same_case = tokenizer("Heart")["input_ids"] == tokenizer("heart")["input_ids"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheXbertWrongTokenizer() from error
    marks = (tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id)
    if not same_case or len(tokenizer) != config.vocab_size or marks != (0, 101, 102):
        raise CheXbertWrongTokenizer()
    return tokenizer


def _load_network(folder: Path, config: BertConfig) -> Network:
    path = folder / CHECKPOINT
    if not path.is_file():
        raise CheXbertMissing(missing=CHECKPOINT, folder=str(folder))
    tensors = _read_tensors(path)
    network = Network(config)
    wanted = network.state_dict()
    wrong = [name for name in wanted if not _fits(tensors.get(name), wanted[name])]
    wrong += [name for name in tensors if name not in wanted]
    if wrong:
        raise CheXbertWrongTensors(count=len(wrong), first=wrong[0])
    network.load_state_dict(tensors, strict=True)
    return network


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """The checkpoint's tensors by name, without `module.`; only tensors and plain data are
    unpickled."""
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
        tensors = held["model_state_dict"]
        return {str(name).removeprefix("module."): value for name, value in tensors.items()}
    except _NO_CHECKPOINT as error:
        raise CheXbertUnreadable() from error


def _fits(held: object, wanted: Tensor) -> bool:
    return isinstance(held, Tensor) and held.shape == wanted.shape and held.is_floating_point()
