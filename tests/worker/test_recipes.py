"""An evaluation of a recipe through the worker: start, pause, resume, stop, and what comes between.
The model is a stand-in that takes 150 ms an image; files, children and store are the real thing.
"""

import json
from dataclasses import replace

import psutil
import pytest

from benchmarks.preliminary import preliminary
from cxr_demo import cli
from cxr_demo.datasets.phantoms import write_layout
from cxr_demo.evaluation.faults import DataFolderMissing, NothingToResume, RecipeUnknown
from cxr_demo.evaluation.progress import RunPhase
from cxr_demo.records import DoneEvent, PipelineKind, Precision
from cxr_demo.store.place import store_path
from cxr_demo.store.reading import StoreReader
from cxr_demo.worker import launch
from cxr_demo.worker.client import JobState
from cxr_demo.worker.faults import JobRunning
from tests.worker.fake_worker import STEP_S
from tests.worker.helpers import CHOICE, FAKE, image

COUNT = 12
RECIPE = preliminary(["embedded"], [Precision.BF16])
OPTIONS = {"timed": False, "slots": 2}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = write_layout("chexpert-valid", tmp_path_factory.mktemp("data"), COUNT, width=256)
    return {"chexpert": str(folder)}


def at(done, arm=0):
    return lambda status: bool(status.job and status.job.arms and status.job.arms[arm].done >= done)


def in_state(state):
    return lambda status: status.job is not None and status.job.state is state


def rows(group):
    with StoreReader(store_path()) as reader:
        return {arm.pipeline: (arm.done, arm.failed, arm.state) for arm in reader.arms(group)}


def test_it_pauses_lets_readings_through_resumes_and_finishes(start, data):
    worker = start()
    began = worker.start_evaluation(RECIPE, data, OPTIONS).result(30)
    assert (began.state, began.name, len(began.arms)) == (JobState.RUNNING, "preliminary", 2)
    with pytest.raises(JobRunning):
        worker.start_evaluation(RECIPE, data, OPTIONS | {"slots": 3}).result(5)
    joined = worker.start_evaluation(RECIPE, data, OPTIONS).result(5)  # the same command again
    assert joined.state is JobState.RUNNING
    job = worker.wait(at(3), 30).job
    assert job.phase is RunPhase.READING and 0 < job.rate <= 1 / STEP_S and job.remaining > 0
    *_, done = worker.read(image(), *CHOICE)  # the same model, between two replies
    assert isinstance(done, DoneEvent) and worker.status().job.state is JobState.RUNNING
    assert worker.status().job.swap_seconds > 0
    *_, done = worker.read(image(), "embedded", Precision.NF4, PipelineKind.REPORT)  # another one
    assert isinstance(done, DoneEvent)
    worker.pause_job().result(5)
    paused = worker.wait(in_state(JobState.PAUSED), 5).job
    assert 3 <= paused.arms[0].done < COUNT and paused.group
    worker.close()
    second = start()  # the first worker has ended or will; the word is in the store
    seen = second.wait(in_state(JobState.PAUSED), 20).job
    assert seen.group == paused.group and seen.arms[0].done >= paused.arms[0].done
    second.resume_job().result(10)
    second.wait(in_state(JobState.FINISHED), 30)
    assert rows(paused.group) == {
        "direct": (COUNT, 0, "finished"),
        "report": (COUNT, 0, "finished"),
    }


def test_it_goes_on_after_kill_9_and_stops_for_good(worker, data):
    worker.start_evaluation(RECIPE, data, OPTIONS).result(30)
    status = worker.wait(at(2), 30)
    psutil.Process(status.pid).kill()
    again = worker.wait(lambda now: now.pid not in (None, status.pid) and at(3)(now), 40)
    worker.stop_job().result(5)
    job = worker.wait(in_state(JobState.STOPPED), 5).job
    assert job.group == again.job.group and job.arms[0].state == "stopped"
    with pytest.raises(RecipeUnknown):
        worker.start_job("recipe", {"recipe": {}}).result(5)
    with pytest.raises(DataFolderMissing):
        worker.start_evaluation(RECIPE, {}, OPTIONS).result(5)


def test_a_trial_tells_what_each_arm_takes_and_waits(worker, data):
    with pytest.raises(NothingToResume):
        worker.resume_job().result(20)
    recipe = replace(RECIPE, trial_images=2)
    worker.start_evaluation(recipe, data, OPTIONS | {"trial": True}).result(30)
    job = worker.wait(in_state(JobState.PAUSED), 30).job
    assert job.trial and [arm.done for arm in job.arms] == [2, 2]
    assert all(COUNT * STEP_S < arm.estimate < 5 * COUNT * STEP_S for arm in job.arms)
    worker.stop_job().result(5)
    assert worker.wait(in_state(JobState.STOPPED), 5).job.group == job.group


def test_the_terminal_runs_it_shows_it_and_labels_again(monkeypatch, capsys, data):
    monkeypatch.setattr(launch, "COMMAND", FAKE)
    command = ["evaluate", "preliminary", "--models", "embedded", "--precisions", "bf16"]
    command += ["--data", data["chexpert"], "--untimed", "--slots", "2", "--json"]
    assert cli.main(command) == 0
    *_, direct, report = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (direct["done"], report["done"]) == (COUNT, COUNT)
    assert set(report["micro_f1"]) == {"uncertain_as_positive", "uncertain_as_negative"}
    assert cli.main(["evaluate", "status", "--language", "pt"]) == 0
    shown = capsys.readouterr().out
    assert "SINTÉTICO, NÃO SÃO PACIENTES" in shown and f"{COUNT} de {COUNT}" in shown
    assert (
        "concluída" in shown
        and "Avaliação preliminar: CheXpert" in shown
        and report["run"] in shown
    )  # by which `export` knows it
    assert cli.main(["evaluate", "relabel", "--json"]) == 0
    again = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["micro_f1"] for each in again] == [direct["micro_f1"], report["micro_f1"]]
    assert cli.main([*command[:-1], "--data", "/nowhere", "--language", "en"]) == 1
    assert "CheXpert" in capsys.readouterr().err


def test_an_evaluation_whose_data_are_gone_is_not_tried_for_ever(start, tmp_path):
    folder = write_layout("chexpert-valid", tmp_path / "chexpert", 8, width=256)
    worker = start()
    began = worker.start_evaluation(RECIPE, {"chexpert": str(folder)}, OPTIONS).result(30)
    assert began.state is JobState.RUNNING
    status = worker.wait(at(1), 30)
    folder.rename(tmp_path / "elsewhere")
    psutil.Process(status.pid).kill()
    worker.wait(lambda now: now.pid not in (None, status.pid), 30)
    assert worker.status().job is None
    with StoreReader(store_path()) as reader:
        (group,) = reader.groups()
    assert (group.state, group.error["code"]) == ("failed", "data_folder_missing")
