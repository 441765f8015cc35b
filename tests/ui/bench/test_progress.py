"""Progress as it is shown: the worker's word goes before the store's."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from benchmarks.aggregated import aggregated
from benchmarks.preliminary import preliminary
from cxr_demo.datasets.draw import Mix, Views
from cxr_demo.evaluation.progress import ArmStatus, RunPhase
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.store.records import ArmRun, Group
from cxr_demo.ui.bench import progress
from cxr_demo.units import UNKNOWN
from cxr_demo.worker.messages import JobState, JobStatus

BF16, NF4 = Precision.BF16, Precision.NF4
REPORT = PipelineKind.REPORT


def recipe(made):
    return json.loads(json.dumps(made.to_dict()))


GROUP = Group(
    id="g1",
    name="preliminary",
    recipe=recipe(preliminary()),
    manifest_sha256="ab" * 32,
    composition="chexpert valid, all images, all views",
    images=200,
    synthetic=False,
    created="2026-11-26T03:11:02+00:00",
)
DONE = ArmStatus("r1", "medgemma-4b-it", BF16, REPORT, "finished", 200, 200, 3, 1)
AT_WORK = ArmStatus(
    "r2", "medgemma-4b-it", NF4, REPORT, "running", 50, 200, 0, 2, estimate=400.0, remaining=300.0
)
RUN = ArmRun(
    "r1",
    "g1",
    "medgemma-4b-it",
    "bf16",
    "report",
    200,
    120,
    2,
    "running",
    True,
    {"batch": {"images_per_second": 3.25}},
    GROUP.created,
    GROUP.created,
)
WAITING = ArmStatus("r3", "chexagent-2-3b", BF16, REPORT, "waiting", 0, 200, estimate=1000.0)


def job(*arms, state=JobState.RUNNING, **more):
    return JobStatus(
        "r2",
        "recipe",
        "medgemma-4b-it",
        NF4,
        REPORT,
        state,
        50,
        200,
        group="g1",
        name="preliminary",
        arms=arms,
        **more,
    )


def shown(status, language="en", group=GROUP, arms=()):
    return progress.current_view(group, arms, status, "g1", language)


def facts(view):
    return {key: value for key, _, value in view["facts"]}


def test_all_arms_add_up():
    view = shown(job(DONE, AT_WORK, WAITING, rate=0.5, phase=RunPhase.READING))
    assert facts(view)["images"] == "250 / 600"
    assert facts(view)["failed"] == "3"
    assert facts(view)["unparsed"] == "3"
    assert facts(view)["rate"] == "0.50 images/s"
    assert facts(view)["left"] == "22 min"  # 300 s and 1,000 s
    assert view["share"] == pytest.approx(250 / 600)
    assert [each["act"] for each in view["actions"]] == ["pause", "stop"]
    assert [each["state_words"] for each in view["arms"]] == ["finished", "running", "waiting"]


def test_the_time_left_says_if_an_arm_has_none_yet():
    view = shown(job(AT_WORK, replace(WAITING, estimate=None)))
    assert facts(view)["left"] == "≥ 5 min"
    assert facts(shown(job(replace(WAITING, estimate=None))))["left"] == UNKNOWN
    assert facts(shown(job(AT_WORK)))["left"] == "5 min"


def test_after_the_trial_it_asks_for_the_start():
    trial = [replace(each, state="waiting", remaining=None) for each in (AT_WORK, WAITING)]
    view = shown(job(*trial, state=JobState.PAUSED, trial=True))
    assert view["state_words"] == "timed, not started"
    assert [each["words"] for each in view["actions"]] == ["Start all arms", "Stop"]
    assert any("estimates" in each for each in view["notes"])
    paused = shown(job(replace(AT_WORK, estimate=None), state=JobState.PAUSED))
    assert paused["state_words"] == "paused"
    assert [each["words"] for each in paused["actions"]] == ["Resume", "Stop"]


def test_the_store_speaks_while_the_worker_says_nothing():
    older = replace(RUN, current=False)
    view = shown(None, "pt", replace(GROUP, state="stopped"), [RUN, older])
    assert view["state"] == "stopped"
    (row,) = view["arms"]
    assert row["cells"][:3] == ["120 / 200", "3,2", UNKNOWN]
    assert [each["words"] for each in view["actions"]] == ["Retomar"]


def test_before_its_images_are_known_it_says_what_it_does():
    phase = RunPhase.DRAWING
    drawing = progress.before_view(replace(job(phase=phase), group=None), "en")
    assert drawing["state_words"] == "drawing the phantoms"
    half = progress.before_view(replace(job(phase=phase, fraction=0.5), group=None), "en")
    assert (half["state_words"], half["share"]) == ("drawing the phantoms · 50 %", 0.5)
    assert [each["act"] for each in drawing["actions"]] == ["stop"]
    error = {"code": "dataset_pool_too_small", "params": {"dataset": "BRAX", "there": 1}}
    failed = replace(job(state=JobState.FAILED, error=error), group=None)
    assert "BRAX" in progress.before_view(failed, "pt")["error"]


def test_arms_are_named_by_what_they_do_now():
    read = replace(AT_WORK, run="r1", done=200)
    stopped = replace(AT_WORK, run="r3", state="stopped")
    arms = (read, AT_WORK, stopped, replace(WAITING, run=None))
    running, paused = shown(job(*arms)), shown(job(*arms, state=JobState.PAUSED))
    assert [each["state"] for each in running["arms"]] == ["read", "running", "waiting", "waiting"]
    assert [each["state"] for each in paused["arms"]] == ["read", "paused", "paused", "waiting"]
    ended = shown(job(AT_WORK, state=JobState.STOPPED))
    assert running["arms"][1]["cells"][2] != UNKNOWN == ended["arms"][0]["cells"][2]


def test_what_spoils_a_run_is_said():
    here = datetime(2026, 11, 26, 3, 15, 9).astimezone()
    at = here.astimezone(UTC).isoformat()
    notes = [
        {"code": "foreign_process", "at": at, "count": 1, "bytes": 2**30},
        {"code": "batch_halved", "at": at, "slots": 8},
        {"code": "batch_halved", "at": at, "slots": 8},
    ]
    arm = replace(RUN, facts={"notes": notes})
    english, portuguese = (shown(job(AT_WORK), each, arms=[arm])["notes"] for each in ("en", "pt"))
    assert len(english) == 2
    assert "2026-11-26 03:15 (1.0 GiB)" in english[0]
    assert "26/11/2026 03:15 (1,0 GiB)" in portuguese[0]
    assert "to 8" in english[1]


def test_errors_have_their_sentences():
    error = {"code": "worker_died", "params": {}}
    view = shown(job(replace(AT_WORK, error=error), state=JobState.FAILED, error=error))
    assert view["error"]
    assert view["arms"][0]["error"] == view["error"]


def test_the_title_names_the_images():
    made = recipe(aggregated(mix=Mix.THIRDS, views=Views.FRONTAL))
    group = replace(GROUP, name="aggregated", recipe=made, images=30229)
    title = progress.group_title(group, "pt")
    assert title.startswith(
        "Agregada · BRAX automático + CheXpert train + MIMIC-CXR-JPG automático"
    )
    assert title.endswith("30.229 imagens sorteadas, terços, só frontais")
    odd = replace(GROUP, recipe={"unknown": 1})
    assert progress.group_title(odd, "en").endswith("chexpert valid, all images, all views")


def test_earlier_ones_go_on_only_while_nothing_runs():
    stopped = replace(GROUP, state="stopped")
    assert progress.earlier_view(stopped, "g1", True, "en")["actions"]
    assert not progress.earlier_view(stopped, "g1", False, "en")["actions"]
    left = progress.earlier_view(replace(GROUP, state="running"), "g1", True, "en")
    assert left["state_words"] == "interrupted"
    assert not progress.earlier_view(replace(GROUP, state="finished"), "g1", True, "en")["actions"]
