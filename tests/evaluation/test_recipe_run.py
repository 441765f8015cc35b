"""A recipe over real files with the embedded model: rows, stops, deaths and refusals."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.aggregated import SOURCES, aggregated
from cxr_demo.datasets.draw import Draw, Source
from cxr_demo.datasets.phantoms import write_layout
from cxr_demo.errors import CxrError, OutOfMemory, WorkerDied
from cxr_demo.evaluation import arm_run, labelling
from cxr_demo.evaluation.arm_run import CPU_SLOTS, GPU_SLOTS, ArmRun, Setting
from cxr_demo.evaluation.faults import DataFolderMissing, NoLongerFits, RecipeUnknown
from cxr_demo.evaluation.plan import Plan
from cxr_demo.evaluation.recipe_run import RecipeRun, resumed
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.labelers.chexbert import CheXbert, Network
from cxr_demo.metrics.summary import Rows, figures
from cxr_demo.models.cards import DIRECT_TOKENS
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results.words import drawn
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.place import store_path
from cxr_demo.worker.engine import DeviceFault
from tests.evaluation.bench import COUNT, ENGINE, again, drive, finish, host, plan, recipe
from tests.labelers.test_chexbert import TINY, write_checkpoint, write_tokenizer

POLICY = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE
BOTH = (PipelineKind.DIRECT, PipelineKind.REPORT)


@pytest.fixture(scope="module")
def undisturbed(chexpert, tmp_path_factory):
    """What a run that nobody interrupts leaves behind."""
    with EvaluationStore(tmp_path_factory.mktemp("undisturbed") / "e.sqlite") as store:
        device = host()
        device._path = store.path
        run, _ = finish(plan({"chexpert": chexpert}, recipe(BOTH)), store, device)
        return run.group, {arm.pipeline: store.digest(arm.id) for arm in store.arms(run.group)}


def test_both_pipelines_give_a_row_per_image_with_all_that_figures_need(chexpert):
    run, store = finish(plan({"chexpert": chexpert}, recipe(BOTH)))
    with store:
        group = store.group(run.group)
        assert (group.name, group.images, group.state) == ("preliminary", COUNT, "finished")
        assert group.synthetic and group.composition == "chexpert valid, all images, all views"
        listed = store.manifest(run.group)
        direct, report = store.arms(run.group)
        assert (direct.pipeline, report.pipeline) == ("direct", "report")
        for arm, labeler in ((direct, "direct"), (report, "rules")):
            assert (arm.done, arm.failed, arm.state, arm.total) == (COUNT, 0, "finished", COUNT)
            found = store.outcomes(arm.id)
            assert list(found.labels) == [labeler] and found.present[labeler].all()
            rows = Rows(
                listed.targets, found.labels[labeler], listed.patients, found.unparsed[labeler]
            )
            assert figures(rows, POLICY).micro["all_14"] > 0.5  # it has learned to read these
            assert arm.facts["batch"]["images"] == COUNT and arm.facts["batch"]["seconds"] > 0
            assert arm.facts["signature"]["weights_sha256"] and not arm.facts["stand_in"]
        row = store.texts(report.id, [0])[0]
        assert row.report and row.tokens and row.seconds > 0 and row.stop == "end"
        assert len(row.row_key) == len(row.image_sha256) == 64


def test_a_stopped_run_goes_on_and_ends_like_an_undisturbed_one(chexpert, undisturbed):
    group, digests = undisturbed
    asked = plan({"chexpert": chexpert}, recipe(BOTH))
    with EvaluationStore(store_path()) as store:
        run = RecipeRun(asked, store)
        drive(run, steps=3)
        run.end("paused")
        assert run.group == group and store.group(group).state == "paused"
        (arm,) = store.arms(group)
        assert 0 < arm.done < COUNT and arm.state == "stopped"
        before = {at: store.texts(arm.id, [at])[at] for at in store.done(arm.id)}
        second = again(run, store)
        drive(second, steps=5)
        second.end("running")  # as a process that is killed leaves it
        third = again(run, store)
        drive(third)
        third.end("finished")
        assert {each.pipeline: store.digest(each.id) for each in store.arms(group)} == digests
        assert {at: store.texts(arm.id, [at])[at] for at in before} == before


def test_a_whole_run_is_not_read_again_and_its_model_not_loaded(chexpert):
    run, store = finish(plan({"chexpert": chexpert}))
    with store:
        loads, digest = ENGINE.loads, store.digest(store.arms(run.group)[0].id)
        ENGINE._model, kept = None, ENGINE._model
        try:
            finish(plan({"chexpert": chexpert}), store)
        finally:
            ENGINE._model = kept
        assert ENGINE.loads == loads and store.digest(store.arms(run.group)[0].id) == digest


def test_an_unreadable_image_is_a_failure_and_many_stop_the_arm(chexpert, tmp_path):
    folder = tmp_path / "chexpert"
    shutil.copytree(chexpert, folder)
    files = sorted(folder.rglob("*.jpg"))
    files[0].write_bytes(b"\xff\xd8\xff" + b"no picture" * 20)
    files[1].unlink()
    generous = recipe(most_failed=0.5)
    run, store = finish(plan({"chexpert": folder}, generous))
    with store:
        (arm,) = store.arms(run.group)
        assert (arm.done, arm.failed, arm.state) == (COUNT, 2, "finished")
        found = store.outcomes(arm.id)
        assert found.unparsed["direct"].sum() >= 2
        assert (found.labels["direct"][found.failed] == -2).all()
        codes = {store.texts(arm.id, [at])[at].error for at in np.flatnonzero(found.failed)}
        assert codes == {"study_damaged", "study_unreadable"}
    for each in files[2:6]:
        each.unlink()
    strict = replace(generous, most_failed=0.2, name="strict")
    run, store = finish(plan({"chexpert": folder}, strict))
    with store:
        (arm,) = store.arms(run.group)
        assert arm.state == "failed" and arm.done < COUNT
        (status,) = run.progress().arms
        assert status.error["code"] == "too_many_failed" and "20 %" in str(
            run._errors[0].message("pt")
        )
        assert run.left_out  # so it is shown as one that can go on
    for each in sorted(chexpert.rglob("*.jpg")):  # the folder is mended
        shutil.copy(each, folder / each.relative_to(chexpert))
    run, store = finish(plan({"chexpert": folder}, strict))
    with store:
        (arm,) = store.arms(run.group)
        assert (arm.done, arm.failed, arm.state, run.left_out) == (COUNT, 0, "finished", False)
        assert "unopened_again" in {each["code"] for each in arm.facts["notes"]}


def test_the_embedded_model_refuses_what_is_no_phantom_and_the_run_says_why(chexpert, tmp_path):
    from PIL import Image

    folder = tmp_path / "chexpert"
    shutil.copytree(chexpert, folder)
    noise = np.random.default_rng(1).integers(0, 255, (300, 256), dtype=np.uint8)
    for each in folder.rglob("*.jpg"):
        Image.fromarray(noise).save(each)
    run, store = finish(plan({"chexpert": folder}))
    with store:
        assert store.arms(run.group)[0].state == "failed"
    told = run._errors[0].message("en")
    assert "synthetic samples" in told and "images failed" in told


def test_all_layouts_are_read_through_their_own_loaders(tmp_path):
    places = {}
    for layout, name in (("brax", "brax"), ("chexpert-train", "chexpert"), ("mimic", "mimic")):
        places[name] = write_layout(layout, tmp_path / name, 3, width=256)
    drawn = Draw(sources=SOURCES, size=6, folds=2)
    made = replace(aggregated(["embedded"], [Precision.BF16]), draw=drawn)
    run, store = finish(plan(places, made))
    with store:
        (arm,) = store.arms(run.group)
        assert (arm.done, arm.failed) == (6, 0)
        listed = store.manifest(run.group)
        assert set(listed.datasets) == {"brax", "chexpert", "mimic"}
        assert set(listed.folds.tolist()) == {0, 1}
    local = replace(recipe(), name="local", draw=Draw(sources=(Source("folder", "all"),)))
    run, store = finish(plan({"folder": write_layout("folder", tmp_path / "own", 4, 256)}, local))
    with store:
        assert [(arm.done, arm.failed) for arm in store.arms(run.group)] == [(4, 0)]


def test_out_of_memory_halves_the_batch_and_loses_nothing(chexpert, monkeypatch, undisturbed):
    model = ENGINE.load("embedded", Precision.BF16, lambda fraction: None)
    whole, sizes = model.generate_many, []

    def narrow(items, slots, should_stop):
        sizes.append(slots)
        replies = whole(items, slots, should_stop)
        if slots > 2:
            yield next(replies)
            raise OutOfMemory(model="embedded", free=0)
        yield from replies

    monkeypatch.setattr(model, "generate_many", narrow)
    run, store = finish(plan({"chexpert": chexpert}, slots=8))
    with store:
        (arm,) = store.arms(run.group)
        assert sizes == [8, 4, 2] and (arm.done, arm.failed) == (COUNT, 0)
        halved = [each["slots"] for each in arm.facts["notes"] if each["code"] == "batch_halved"]
        assert halved == [4, 2]
        assert store.digest(arm.id) == undisturbed[1]["direct"]


def test_an_image_that_ends_the_process_again_and_again_becomes_a_failure(chexpert):
    asked = plan({"chexpert": chexpert})
    with EvaluationStore(store_path()) as store:
        run = RecipeRun(asked, store)
        drive(run, steps=2)
        run.end("running")
        (arm,) = store.arms(run.group)
        for _ in range(arm_run.MOST_TRIES + 1):  # sessions that began, and then the process died
            store.begin_session(arm.id, arm.done)
        last = again(run, store)
        drive(last)
        last.end("finished")
        (arm,) = store.arms(run.group)
        assert (arm.done, arm.failed) == (COUNT, 1)
        failed = int(np.flatnonzero(store.outcomes(arm.id).failed)[0])
        assert store.texts(arm.id, [failed])[failed].error == WorkerDied.code


def test_an_arm_that_fits_no_more_says_so_and_the_others_go_on(chexpert):
    both = replace(recipe(), precisions=(Precision.NF4, Precision.BF16))
    with EvaluationStore(store_path()) as store:
        run = RecipeRun(plan({"chexpert": chexpert}, both), store)
        run.advance(host(), lambda: False)  # its images are looked up
        while run.group is None:
            run.advance(host(), lambda: False)
        run.end("paused")
        small = host()

        def require_room(model, precision, known):
            if precision is Precision.NF4:
                raise NoLongerFits(model=model, needed=9 << 30, free=2 << 30)

        small.require_room = require_room
        last = RecipeRun(resumed(store.group(run.group)), store, run.group, ask_fit=True)
        refused, read = drive(last, small).arms
        assert last.left_out  # the whole is not finished: it can go on once there is room
        last.end("stopped")
        assert (refused.state, refused.done, read.state, read.done) == ("failed", 0, "finished", 8)
        told = CxrError.from_dict(refused.error).message("pt")
        assert "precisa de 9,0 GiB e há 2,0 GiB livres" in told and "seguem" in told


def test_a_batch_is_as_large_as_the_device_holds():
    arm = recipe().arms()[0]
    made = ArmRun(arm, Setting("group", (None,) * 100, 0.05, False, ranks=2), None)
    large = host()
    assert made.slots_on(large) == CPU_SLOTS
    given = {}

    def batch(*asked):
        given["asked"] = asked
        return 64

    large._engine, large.batch = SimpleNamespace(place="cuda:0"), batch
    assert made.slots_on(large) == 64
    assert given["asked"] == ("embedded", Precision.BF16, DIRECT_TOKENS, 50)
    large.batch = lambda *asked: None
    assert made.slots_on(large) == GPU_SLOTS


def test_a_broken_device_ends_the_process_and_not_the_arm(chexpert, monkeypatch):
    model = ENGINE.load("embedded", Precision.BF16, lambda fraction: None)

    def broken(items, slots, should_stop):
        next(iter(items))
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
        yield

    monkeypatch.setattr(model, "generate_many", broken)
    with EvaluationStore(store_path()) as store:
        run = RecipeRun(plan({"chexpert": chexpert}), store)
        with pytest.raises(DeviceFault):
            drive(run)
        run.end("running")
        assert store.group(run.group).state == "running"
        assert [arm.state for arm in store.arms(run.group)] == ["running"]


def test_a_reading_with_another_model_comes_between_and_the_batch_begins_again(chexpert):
    with EvaluationStore(store_path()) as store:
        run = RecipeRun(plan({"chexpert": chexpert}), store)
        drive(run, steps=3)
        run.make_way("embedded", Precision.BF16)  # the same model: nothing ends
        assert run.arms[0]._session is not None
        run.make_way("medgemma-4b-it", Precision.NF4)
        assert run.arms[0]._session is None
        drive(run)
        run.end("finished")
        (arm,) = store.arms(run.group)
        assert (arm.done, arm.failed) == (COUNT, 0)


def test_chexbert_labels_reports_after_generation_and_is_left_out_on_request(chexpert, monkeypatch):
    folder = labelling.chexbert_folder()
    folder.mkdir(parents=True)
    write_tokenizer(folder)
    write_checkpoint(folder, Network(TINY).state_dict())
    monkeypatch.setattr(
        labelling, "load_chexbert", lambda device: CheXbert(folder, device, config=TINY)
    )
    run, store = finish(plan({"chexpert": chexpert}, recipe(BOTH), labelers="rules"))
    with store:
        direct, report = store.arms(run.group)
        assert list(store.outcomes(report.id).labels) == ["rules"]
        finish(plan({"chexpert": chexpert}, recipe(BOTH)), store)
        found = store.outcomes(report.id)
        assert list(found.labels) == ["chexbert", "rules"] and found.present["chexbert"].all()
        assert list(store.outcomes(direct.id).labels) == ["direct"]


def test_a_trial_reads_a_batch_of_every_arm_and_pauses_with_an_estimate(chexpert):
    with EvaluationStore(store_path()) as store:
        run = RecipeRun(plan({"chexpert": chexpert}, recipe(BOTH), trial=True), store)
        progress = drive(run)
        assert run.paused_by_trial
        assert [arm.done for arm in progress.arms] == [4, 4]
        assert all(arm.estimate > 0 for arm in progress.arms)
        run.end("paused")


def test_what_is_not_there_is_refused_before_anything_begins(tmp_path):
    with pytest.raises(DataFolderMissing):
        plan({"chexpert": tmp_path / "nowhere"})
    own = replace(recipe(), draw=Draw(sources=(Source("folder", "all"),)))
    with pytest.raises(DataFolderMissing) as missing:
        plan({}, own)
    assert "(conjunto local)" in missing.value.message("pt")
    assert drawn("folder all, all images", "pt") == "conjunto local, todas as imagens"
    for wrong in ({"phantoms": "0"}, {"phantoms": "many"}):
        with pytest.raises(RecipeUnknown):
            plan(wrong)
    for asked in ({}, {"recipe": {}, "data": {}}, {"recipe": recipe().to_dict(), "data": 3}):
        with pytest.raises(RecipeUnknown):
            Plan.of(asked)
    with pytest.raises(RecipeUnknown):
        plan({"phantoms": 3}, slots=0)
