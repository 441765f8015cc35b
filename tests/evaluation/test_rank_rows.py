"""Rows of ranks on their way into the store: read once, judged together, labelled meanwhile."""

import shutil

import pytest

from cxr_demo.errors import LeaseHeld
from cxr_demo.evaluation import along, grouping, rank_files, ranks
from cxr_demo.evaluation.recipe_run import RecipeRun, resumed
from cxr_demo.records import PipelineKind
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.worker.faults import JobRunning
from cxr_demo.worker.jobs import Jobs
from cxr_demo.worker.messages import JobState
from tests.evaluation.bench import COUNT, ENGINE, drive, host, plan, recipe

REPORT = recipe((PipelineKind.REPORT,))


def begin(asked, size):
    """A launch of `size` ranks that this process plays itself, and the runs of those."""
    store = EvaluationStore(store_path())
    *_, (_, _, group) = grouping.prepare(asked, store)
    ranks._try_failed_again(asked, store, group)
    launch = ranks.Launch(asked, store, group, size, lambda told: None)
    runs = []
    for number, file in enumerate(launch.files):
        lane = rank_files.lane(group, launch.name, number, size)
        own = EvaluationStore(file)
        own.take_group(store_path(), group)
        found = resumed(own.group(group))
        runs.append(RecipeRun(found, own, group, lane=lane, whole=False))
    return launch, store, runs


def read(run, steps=None):
    device = host()
    device._path = run._store.path
    drive(run, device, steps=steps)


def end(launch, store, runs):
    for run in runs:
        run.end("running")
        run._store.close()
    rank_files.merge(store, launch._group)


def launched(asked, size=2):
    launch, store, runs = begin(asked, size)
    for run in runs:
        read(run)
    end(launch, store, runs)
    return store


def finish(asked, store):
    """What the worker does afterwards; it must not load the model where all is read."""
    run = RecipeRun(asked, store)
    loads, kept, ENGINE._model = ENGINE.loads, ENGINE._model, None
    try:
        drive(run)
    finally:
        loaded, ENGINE._model = ENGINE.loads - loads, ENGINE._model or kept
    run.end("stopped" if run.left_out else "finished")
    (arm,) = store.arms(run.group)
    return run, arm, loaded


def test_an_image_that_a_rank_cannot_read_is_one_failed_row_and_never_read_twice(
    chexpert, tmp_path
):
    folder = tmp_path / "chexpert"
    shutil.copytree(chexpert, folder)
    files = sorted(folder.rglob("*.jpg"))
    files[0].write_bytes(b"\xff\xd8\xff" + b"no picture" * 20)
    files[1].unlink()
    asked = plan({"chexpert": folder}, recipe(most_failed=0.25))
    with launched(asked) as store:
        (arm,) = store.arms(asked.group_id(store.groups()[0].manifest_sha256))
        before = store.texts(arm.id, range(COUNT))
        _, arm, loaded = finish(asked, store)
        assert (arm.done, arm.failed, arm.state, loaded) == (COUNT, 2, "finished", 0)
        assert store.texts(arm.id, range(COUNT)) == before
        assert store.failures(arm.id) == {"study_damaged": 1, "study_unreadable": 1}


def test_failures_of_all_ranks_are_judged_together_and_a_mended_folder_is_read_by_ranks(
    chexpert, tmp_path
):
    folder = tmp_path / "chexpert"
    shutil.copytree(chexpert, folder)
    for each in sorted(folder.rglob("*.jpg"))[:3]:
        each.unlink()
    asked = plan({"chexpert": folder}, recipe(most_failed=0.25))
    with launched(asked, 4) as store:  # no rank has more than 25 % of all by itself
        run, arm, loaded = finish(asked, store)
        assert (arm.done, arm.failed, arm.state, loaded) == (COUNT, 3, "failed", 0)
        told = run._errors[0].message("en")
        assert told.startswith("Stopped: 3 of 8 images failed, more than 25 %.") and "?" not in told
        assert run.left_out
    shutil.copytree(chexpert, folder, dirs_exist_ok=True)
    with launched(asked) as store:
        assert (store.arm(arm.id).done, store.arm(arm.id).failed) == (COUNT, 0)
        _, arm, loaded = finish(asked, store)
        assert (arm.state, loaded) == ("finished", 0)
        codes = [each["code"] for each in arm.facts["notes"]]
        assert codes.count("unopened_again") == 1


def test_chexbert_labels_what_ranks_have_read_before_they_end(chexpert, tiny_chexbert, monkeypatch):
    for name, value in (("FIRST_S", 0.0), ("LOOK_S", 0.0), ("SHARE", 1e9)):
        monkeypatch.setattr(along, name, value)
    monkeypatch.setattr(ranks, "TAKE_IN_S", 0.0)
    asked = plan({"chexpert": chexpert}, REPORT)
    launch, store, runs = begin(asked, 2)
    with store:
        launch.label()
        assert not store.arms(launch._group)
        read(runs[0], steps=3)
        for _ in range(3):
            launch.label()
        (arm,) = store.arms(launch._group)
        found = store.outcomes(arm.id)
        assert arm.done >= 3 and found.present["chexbert"].sum() == 2  # a batch, while they read
        kept = found.labels["chexbert"][found.present["chexbert"]].tolist()
        for run in runs:  # who reads what was decided at the start
            read(run)
        end(launch, store, runs)
        (arm,) = store.arms(launch._group)
        assert arm.done == COUNT and arm.facts["batch"]["images"] == COUNT  # no image read twice
        _, arm, _ = finish(asked, store)
        found = store.outcomes(arm.id)
        assert found.present["chexbert"].all() and arm.state == "finished"
        assert all(each in found.labels["chexbert"].tolist() for each in kept)


def test_what_ranks_work_at_is_left_alone_and_what_a_killed_launch_left_is_taken_in(chexpert):
    asked = plan({"chexpert": chexpert})
    launch, store, runs = begin(asked, 1)
    with store:
        read(runs[0], steps=2)
        runs[0].end("running")
        runs[0]._store.close()
        with rank_files.launch_lease(launch._group):
            jobs = Jobs()
            jobs.resume()
            assert not jobs.active
            with pytest.raises(LeaseHeld):
                jobs.go_on(launch._group)
            with pytest.raises(LeaseHeld):
                drive(RecipeRun(asked, store))
            assert store.group(launch._group).state == "running"
        jobs.resume()  # the launch is gone, and its rank
        assert jobs.active  # so the command that hands over finds it at work
        assert jobs.start("recipe", asked.to_dict()).state is JobState.RUNNING
        with pytest.raises(JobRunning):
            jobs.start("recipe", plan({"chexpert": chexpert}, timed=True).to_dict())
        run = RecipeRun(resumed(store.group(launch._group)), store, launch._group)
        run.advance(host(), lambda: False)
        assert store.arms(launch._group)[0].done >= 2 and not launch.files[0].exists()
        run.end("running")
        jobs.put_down()
