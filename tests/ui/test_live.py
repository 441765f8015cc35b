"""The worker's line and the telemetry, with and without an NVIDIA GPU."""

from dataclasses import replace

from cxr_demo.errors import WorkerDied
from cxr_demo.records import GpuMemory, PipelineKind, Precision, Telemetry
from cxr_demo.ui.live import live_view
from cxr_demo.ui.state import Choice
from cxr_demo.units import GIB
from cxr_demo.worker.messages import JobState, JobStatus, WorkerState, WorkerStatus

GPUS = (
    GpuMemory(0, "Other", 8 * GIB, GIB, 7 * GIB, 0.1),
    GpuMemory(1, "NVIDIA H200", 16 * GIB, 4 * GIB, 12 * GIB, 0.95),
)


def test_the_gpu_of_the_worker_is_shown_and_not_another():
    telemetry = Telemetry(0.0, GPUS, device_index=1, device_peak=8 * GIB)
    status = WorkerStatus(
        WorkerState.READY, "medgemma-4b-it", Precision.NF4, device="cuda:1", telemetry=telemetry
    )
    shown = live_view(status, "pt")
    tiles = {key: (name, value, share) for key, name, value, share in shown["tiles"]}
    assert tiles["tele.vram"] == ("VRAM agora", "4,0 GiB", 0.25)
    assert tiles["tele.vram_peak"][1:] == ("8,0 GiB", 0.5)
    assert tiles["tele.vram_total"][1] == "16,0 GiB"
    assert tiles["tele.load"][1] == "95 %"
    assert "tele.rss" not in tiles
    assert shown["note"] == "NVIDIA H200"
    assert shown["words"] == "Pronto · MedGemma 4B, 4 bits"


def test_without_a_gpu_memory_has_the_name_of_the_process():
    status = WorkerStatus(WorkerState.READY, telemetry=Telemetry(0.0, rss=GIB, rss_peak=2 * GIB))
    shown = live_view(status, "en")
    assert "No NVIDIA GPU" in shown["note"]
    assert [tile[:3] for tile in shown["tiles"]] == [
        ["tele.rss", "Process memory", "1.0 GiB"],
        ["tele.rss_peak", "Process memory peak", "2.0 GiB"],
    ]


def test_what_cannot_be_had_is_a_dash_and_never_zero():
    gpus = (GpuMemory(0, "NVIDIA", None, None, None),)
    status = WorkerStatus(WorkerState.READY, telemetry=Telemetry(0.0, gpus, device_index=0))
    assert {tile[2] for tile in live_view(status, "en")["tiles"]} == {"–"}


def test_every_state_of_the_worker_has_words_in_both_languages():
    for state in WorkerState:
        words = {
            live_view(WorkerStatus(state, model="embedded"), each)["words"] for each in ("en", "pt")
        }
        assert len(words) == 2


def test_a_dead_worker_says_why():
    status = WorkerStatus(WorkerState.DEAD, error=WorkerDied().to_dict())
    assert "starting again" in live_view(status, "en")["words"]
    assert "terminou inesperadamente" in live_view(status, "pt")["error"]


def test_a_reading_with_another_model_is_told_what_it_waits_for():
    job = JobStatus(
        "r1",
        "recipe",
        "medgemma-4b-it",
        Precision.NF4,
        PipelineKind.REPORT,
        JobState.RUNNING,
        5,
        10,
        group="g1",
        swap_seconds=42.0,
    )
    status = WorkerStatus(WorkerState.EVALUATING, job=job)
    same, other = Choice("medgemma-4b-it", Precision.NF4), Choice("embedded", Precision.BF16)
    assert live_view(status, "en", same)["wait"] is None
    assert "42.0 s" in live_view(status, "en", other)["wait"]
    assert (
        "avaliação em andamento com MedGemma 4B (4 bits)" in live_view(status, "pt", other)["wait"]
    )
    gpus = (replace(GPUS[0], free=100 * GIB), GPUS[1])
    for model, used, telemetry, together in (
        ("medgemma-4b-it", Precision.NF4, Telemetry(0.0, gpus, device_index=0), True),
        ("medgemma-4b-it", Precision.NF4, Telemetry(0.0, GPUS, device_index=0), False),  # 7 GiB
        ("medgemma-4b-it", Precision.NF4, Telemetry(0.0, (), device_index=0), False),
        (None, None, Telemetry(0.0, gpus, device_index=0), False),  # it is being measured, say
    ):
        now = replace(status, model=model, precision=used, telemetry=telemetry)
        said = live_view(now, "en", Choice("chexagent-8b", Precision.BF16))["wait"]
        assert ("fits beside it" in said, "in its place" in said) == (together, not together)
    guest = replace(status, model="embedded", precision=Precision.BF16, guest=True)
    assert "cabe ao lado" in live_view(guest, "pt", other)["wait"]
    unknown = replace(status, job=replace(job, swap_seconds=None))
    assert "about" not in live_view(unknown, "en", other)["wait"]
    paused = replace(status, job=replace(job, state=JobState.PAUSED))
    assert live_view(paused, "en", other)["wait"] is None
    assert live_view(WorkerStatus(WorkerState.READY), "en", other)["wait"] is None
