"""Out of memory says what was needed, what was free, and what would fit."""

import pytest

from cxr_demo import fit
from cxr_demo.errors import CxrError, OutOfMemory
from cxr_demo.evaluation.faults import NoLongerFits
from cxr_demo.fit import measured
from cxr_demo.records import GpuMemory, PipelineKind, Precision, Telemetry
from cxr_demo.telemetry import capability, nvml
from cxr_demo.units import GIB
from cxr_demo.worker import shortage
from cxr_demo.worker.messages import Load, Read, Unload
from tests.worker.fake_worker import OUT_OF_MEMORY
from tests.worker.helpers import image


@pytest.fixture(autouse=True)
def private(tmp_path, monkeypatch):
    monkeypatch.setenv("CXR_DEMO_HOME", str(tmp_path))
    monkeypatch.setattr(measured, "SHIPPED", tmp_path / "none.json")


@pytest.fixture
def card(monkeypatch):
    """A card of 8 GiB: the worker holds 3 of the 3.4 that are used."""

    def sized(free):
        gpu = GpuMemory(0, "NVIDIA Test", 8 * GIB, 8 * GIB - free, free, process_used=3 * GIB)
        monkeypatch.setattr(nvml, "describe_all", lambda: [gpu])
        monkeypatch.setattr(nvml, "first_visible", lambda: 0)
        monkeypatch.setattr(capability, "of", lambda index: (8, 6))
        return Telemetry(0.0, (gpu,), device_index=0, device_baseline=GIB // 2)

    return sized


def explained(request, before):
    return shortage.explained(OutOfMemory(model="x", free=GIB), request, before)


def test_needed_free_and_offer(card):
    told = explained(Load(1, "medgemma-4b-it", Precision.BF16), card(free=4 * GIB))
    assert told.params["free"] == 7 * GIB  # what our own worker held counts as free
    assert told.params["needed"] == fit.need("medgemma-4b-it", Precision.BF16).peak
    assert told.params["offer"] == {"model": "medgemma-4b-it", "precision": "nf4"}
    assert "MedGemma 4B needs 9.2 GiB of memory and 7.0 GiB are free" in told.message("en")
    assert "precisa de 9,2 GiB de memória e há 7,0 GiB livres" in told.message("pt")
    again = CxrError.from_dict(told.to_dict())
    assert again.message("pt") == told.message("pt") and "continue em 4 bits" in again.message("pt")


def test_room_is_asked_for_with_what_the_worker_holds_counted_as_free(card):
    model, need = "medgemma-4b-it", fit.need("medgemma-4b-it", Precision.BF16).peak
    now = card(free=4 * GIB)  # 7 with ours: too little for what the estimate says
    with pytest.raises(NoLongerFits) as told:
        shortage.require_room(model, Precision.BF16, None, now)
    assert told.value.params == {"model": "MedGemma 4B", "needed": need, "free": 7 * GIB}
    shortage.require_room(model, Precision.BF16, 6 * GIB, now)  # its batch took no more before
    with pytest.raises(NoLongerFits):
        shortage.require_room(model, Precision.BF16, 20 * GIB, now)  # nor would one reading fit
    shortage.require_room(model, Precision.NF4, None, now)
    shortage.require_room("embedded", Precision.BF16, None, card(free=0))


def test_no_offer_where_4_bits_do_not_fit_either(card):
    told = explained(Load(1, "chexagent-8b", Precision.BF16), card(free=GIB))
    assert told.params["offer"] is None
    assert "choose a smaller model" in told.message("en")
    assert "modelo menor" in told.message("pt")


def test_an_estimate_that_was_too_small_is_not_given_as_the_reason(card):
    told = explained(Load(1, "chexagent-2-3b", Precision.NF4), card(free=4 * GIB))
    assert "needed" not in told.params and told.params["offer"] is None
    assert "more GPU memory than is free (7.0 GiB)" in told.message("en")


@pytest.mark.parametrize(
    "asked",
    [
        Load(1, "embedded", Precision.BF16),
        Load(1),
        Unload(1),
        Read(1, image(), "embedded", Precision.NF4, PipelineKind.REPORT),
    ],
)
def test_what_cannot_be_told_stays_as_it_was(card, asked):
    told = explained(asked, card(free=GIB))
    assert told.params == {"model": "x", "free": GIB}


def test_a_reading_through_a_real_worker_ends_with_the_offer(worker):
    asked = "chexagent-2-3b", Precision.BF16, PipelineKind.REPORT
    *_, last = worker.read(image(OUT_OF_MEMORY), *asked)
    assert last.error["code"] == "out_of_memory" and last.report == "word " * 5
    assert last.error["params"]["offer"] == {"model": "chexagent-2-3b", "precision": "nf4"}
    assert isinstance(last.error["params"]["free"], int)


def test_a_batch_counts_what_the_worker_holds_as_free(card, monkeypatch):
    asked = "medgemma-4b-it", Precision.NF4, 512, 1000
    now = card(free=4 * GIB)
    assert shortage.batch(*asked, now) == fit.batch(*asked[:2], 7 * GIB, *asked[2:]) > 1
    assert shortage.batch("embedded", *asked[1:], now) is None
    assert shortage.batch(*asked, Telemetry(0.0)) is None
