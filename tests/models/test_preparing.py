"""A prepared copy is bit for bit what quantising at load gives, and never taken for more."""

import json
import os
import shutil
import subprocess
import sys
import threading

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from cxr_demo import models, weights
from cxr_demo.errors import CxrError, WeightsMissing, WeightsRefused
from cxr_demo.models import checkpoint, packed, preparing, recognising, streaming
from cxr_demo.models.cards import card
from cxr_demo.records import Precision
from cxr_demo.weights import faults, prepared, record, removal
from cxr_demo.weights.importing import import_folder
from cxr_demo.weights.prepared import Use
from cxr_demo.weights.verify import State, verify
from tests.models.families import CPU, FAMILIES, first_logits

PAIRS = [
    (family, each)
    for family in FAMILIES
    for each in prepared.PRECISIONS
    if each in card(family.model).precisions
]
NF4 = Precision.NF4
FAMILY = FAMILIES[0]
CARD = card(FAMILY.model)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("originals")
    for family in FAMILIES:
        family.write(root)
    return root


@pytest.fixture
def home(originals, tmp_path, monkeypatch):
    """A models folder of this test's own."""
    root = tmp_path / "models"
    shutil.copytree(originals, root)
    monkeypatch.setenv("CXR_DEMO_MODELS", str(root))
    return root


def test_the_copy_computes_bit_for_bit_the_same(home):
    for family, precision in PAIRS:
        about = card(family.model)
        before = models.load(about, precision)
        made = preparing.prepare(family.model, precision, through="cpu")
        assert made.use is Use.READY and made.folder == home / f"{family.model}.{precision}"
        assert checkpoint.find(about, precision, CPU).copied
        after = models.load(about, precision)
        first, second = (everything(each._native) for each in (before, after))
        assert set(first) == set(second)
        for name, each in first.items():
            assert torch.equal(_bytes(each), _bytes(second[name])), name
        assert torch.equal(*(first_logits(each, family.seen(1)) for each in (before, after)))
        assert before.weights_sha256 == after.weights_sha256
        assert after.stand_in and after.precision is precision
        assert weights.revision(about) is None


def test_a_copy_is_smaller_and_serves_alone(home):
    made = preparing.prepare(FAMILY.model, NF4, through="cpu")
    published = weights.status(CARD)
    assert made.size < 0.7 * published.size  # tiny models are mostly table; true ones a third
    expected = first_logits(models.load(CARD, NF4), FAMILY.seen(1))
    shutil.rmtree(published.folder)
    assert prepared.available(CARD) == (NF4,)
    assert torch.equal(first_logits(models.load(CARD, NF4), FAMILY.seen(1)), expected)
    with pytest.raises(WeightsMissing):
        models.load(CARD, Precision.BF16)


def test_a_copy_of_other_weights_is_not_used(home):
    preparing.prepare(FAMILY.model, NF4, through="cpu")
    path = home / FAMILY.model / weights.SINGLE
    tensors = load_file(path)
    tensors["language_model.model.layers.0.input_layernorm.weight"] += 1
    save_file(tensors, path, metadata={"format": "pt"})
    assert not checkpoint.find(CARD, NF4, CPU).copied
    assert [each.use for each in prepared.all_of(CARD)] == [Use.OTHER_WEIGHTS]
    assert prepared.precisions(CARD) == ()
    preparing.prepare(FAMILY.model, NF4, through="cpu")  # anew, in its place
    assert checkpoint.find(CARD, NF4, CPU).copied


@pytest.mark.parametrize(("name", "value"), [("bitsandbytes", "0.1"), ("device", "cuda")])
def test_a_copy_whose_bits_may_differ_is_used_only_without_the_original(home, name, value):
    made = preparing.prepare(FAMILY.model, NF4, through="cpu")
    change(made.folder, **{name: value})
    assert not checkpoint.find(CARD, NF4, CPU).copied
    shutil.rmtree(home / FAMILY.model)
    assert checkpoint.find(CARD, NF4, CPU).copied


def test_an_unknown_format_or_a_broken_description_is_refused(home):
    made = preparing.prepare(FAMILY.model, NF4, through="cpu")
    change(made.folder, format=99)
    assert [each.use for each in prepared.all_of(CARD)] == [Use.BROKEN]
    with pytest.raises(WeightsRefused, match=r"medgemma-4b-it\.nf4"):
        models.load(CARD, NF4)
    assert models.load(CARD, Precision.BF16)


def test_an_altered_copy_is_refused(home):
    made = preparing.prepare(FAMILY.model, NF4, through="cpu")
    path = next(made.folder.glob("*.safetensors"))
    before = path.stat()
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    assert [each.use for each in prepared.all_of(CARD)] == [Use.READY]  # nobody has looked yet
    with pytest.raises(prepared.CopyRefused, match=r"changed.*prepare medgemma-4b-it --precision"):
        models.load(CARD, NF4)
    assert [each.use for each in prepared.all_of(CARD)] == [Use.BROKEN]  # known, so said
    preparing.prepare(FAMILY.model, NF4, through="cpu")
    path.write_bytes(whole)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    record.write(home / FAMILY.model, record.Record(FAMILY.model))
    states = {each.name: each.state for each in verify(FAMILY.model)}
    assert states[f"{made.folder.name}/{path.name}"] is State.ALTERED


@pytest.mark.parametrize("damage", ["missing", "unknown", "shape", "kind", "beside"])
def test_tensors_that_do_not_fit_are_refused_by_name(home, damage):
    made = preparing.prepare(FAMILY.model, NF4, through="cpu")
    path = next(made.folder.glob("*.safetensors"))
    tensors = load_file(path)
    norm = "model.language_model.norm.weight"
    packed = "model.language_model.layers.0.mlp.up_proj.weight"
    if damage == "missing":
        del tensors[norm]
    elif damage == "unknown":
        tensors["model.backdoor"] = torch.ones(2)
    elif damage == "shape":
        tensors[norm] = torch.ones(3, dtype=torch.bfloat16)
    elif damage == "kind":
        tensors[packed] = tensors[packed].float()
    else:
        del tensors[f"{packed}.absmax"]
    save_file(tensors, path, metadata={"format": "pt"})
    (made.folder / "cxr-demo.json").unlink()  # as if nobody had recorded a hash
    named = {"unknown": "backdoor", "kind": "up_proj", "beside": "up_proj"}.get(damage, "norm")
    with pytest.raises(WeightsRefused, match=named):
        models.load(CARD, NF4)


def test_too_little_room_is_refused_first(home, monkeypatch):
    usage = shutil.disk_usage(home)._replace(free=1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(faults.DiskFull):
        preparing.prepare(FAMILY.model, NF4, through="cpu")
    assert sorted(each.name for each in home.iterdir()) == sorted(f.model for f in FAMILIES)


def test_the_room_asked_for_is_what_the_copy_takes(home):
    for family, precision in PAIRS:
        about = card(family.model)
        native, _ = recognising.empty(about, home / family.model)
        streaming.prepare(native, about, precision)
        made = preparing.prepare(family.model, precision, through="cpu")
        assert 0.5 * packed.size(native, precision) < made.size < packed.size(native, precision)


def small_files(monkeypatch):
    """Tiny models in as many files as true ones."""
    monkeypatch.setattr(preparing, "SHARD", 64 * 1024)


def stopped_after(files):
    """Prepare until so many files are finished; gives the progress that was told."""
    seen, stopped = [], threading.Event()

    def watch(now):
        seen.append(now)
        if now.file == f"model-{files + 1:05}.safetensors":
            stopped.set()

    with pytest.raises(faults.PrepareStopped):
        preparing.prepare(FAMILY.model, NF4, watch, stopped, through="cpu")
    return seen


def contents(folder):
    """Name -> bytes of the files that hold tensors, and of their index."""
    return {each.name: each.read_bytes() for each in folder.glob("model*")}


def test_progress_moves_and_after_a_stop_it_goes_on_where_it_was(home, monkeypatch):
    small_files(monkeypatch)
    expected = contents(preparing.prepare(FAMILY.model, NF4, through="cpu").folder)
    shutil.rmtree(home / f"{FAMILY.model}.nf4")
    assert len(expected) > 4
    seen = stopped_after(2)
    done = [each.done for each in seen]
    assert {each.phase for each in seen} == {"quantise"} and done == sorted(done)
    part = home / f"{FAMILY.model}.nf4.part"
    assert prepared.unfinished(CARD, NF4) == sum(e.stat().st_size for e in part.iterdir())
    kept = (part / "model-00002.safetensors").stat()
    seen.clear()
    made = preparing.prepare(FAMILY.model, NF4, seen.append, through="cpu")
    assert seen[0].done > 0 and list(dict.fromkeys(str(e.phase) for e in seen)) == [
        "quantise",
        "verify",
    ]
    assert seen[-1].done == seen[-1].total
    again = (made.folder / "model-00002.safetensors").stat()
    assert (again.st_ino, again.st_mtime_ns) == (kept.st_ino, kept.st_mtime_ns)
    assert contents(made.folder) == expected
    assert prepared.unfinished(CARD, NF4) is None


@pytest.mark.parametrize("change", ["weights", "library", "cut", "flipped"])
def test_what_was_begun_is_used_only_if_it_is_right(home, monkeypatch, change):
    small_files(monkeypatch)
    stopped_after(1)
    first = home / f"{FAMILY.model}.nf4.part" / "model-00001.safetensors"
    if change == "weights":
        path = home / FAMILY.model / weights.SINGLE
        tensors = {name: each + 1 for name, each in load_file(path).items()}
        save_file(tensors, path, metadata={"format": "pt"})
    elif change == "library":
        monkeypatch.setattr(preparing, "versions", lambda name: {name: "99"})
    elif change == "cut":
        os.truncate(first, first.stat().st_size - 1)
    else:
        first.write_bytes(first.read_bytes()[:-1] + b"x")
        with pytest.raises(WeightsRefused, match="model-00001"):
            preparing.prepare(FAMILY.model, NF4, through="cpu")
        assert not list(home.glob("*.nf4*"))
    seen = []
    made = preparing.prepare(FAMILY.model, NF4, seen.append, through="cpu")
    assert seen[0].done == 0
    found = contents(made.folder)
    shutil.rmtree(made.folder)
    assert found == contents(preparing.prepare(FAMILY.model, NF4, through="cpu").folder)


def test_a_kill_leaves_no_half_copy_and_the_next_attempt_goes_on(home, monkeypatch):
    code = (
        "import time; from cxr_demo.models import preparing, packed; "
        "from cxr_demo.records import Precision; preparing.SHARD = 64 * 1024; real = packed.equal; "
        "packed.equal = lambda p, g: real(p, g) if '00001' in p.name else "
        "(print('written', flush=True), time.sleep(60)); "
        f"preparing.prepare({FAMILY.model!r}, Precision.NF4, through='cpu')"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline().strip() == "written"
    child.kill()
    child.wait()
    child.stdout.close()
    assert prepared.unfinished(CARD, NF4)
    assert prepared.all_of(CARD) == ()
    assert not checkpoint.find(CARD, NF4, CPU).copied
    small_files(monkeypatch)
    seen = []
    preparing.prepare(FAMILY.model, NF4, seen.append, through="cpu")
    assert seen[0].done > 0 and not list(home.glob("*.part"))
    assert checkpoint.find(CARD, NF4, CPU).copied
    models.load(CARD, NF4)


def test_an_unfinished_copy_can_be_deleted(home, monkeypatch):
    small_files(monkeypatch)
    stopped_after(1)
    assert removal.remove_copy(FAMILY.model, NF4) > 0
    assert not list(home.glob("*.nf4*"))


def test_a_disk_that_fills_meanwhile_is_named_and_nothing_is_lost(home, monkeypatch):
    small_files(monkeypatch)
    real = preparing.save_file

    def full(tensors, path, **options):
        if "00002" in path.name:
            usage = shutil.disk_usage(home)._replace(free=1)
            monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
            raise SafetensorError("Error while serializing: I/O error: No space left on device")
        real(tensors, path, **options)

    monkeypatch.setattr(preparing, "save_file", full)
    with pytest.raises(faults.DiskFull):
        preparing.prepare(FAMILY.model, NF4, through="cpu")
    assert (home / f"{FAMILY.model}.nf4.part" / "model-00001.safetensors").is_file()


def test_only_what_makes_sense_is_prepared(home):
    for model, precision in (
        (FAMILY.model, Precision.BF16),
        (FAMILY.model, Precision.BNB4_DEFAULT),
        ("chexagent-2-3b", Precision.NF4_EMB),
        ("chexbert", NF4),
    ):
        with pytest.raises(faults.CannotPrepare):
            preparing.prepare(model, precision)


def test_the_commit_goes_along(home):
    kept = record.Record(FAMILY.model, {CARD.hub: "c" * 40})
    record.write(home / FAMILY.model, kept)
    made = preparing.prepare(FAMILY.model, NF4, through="cpu")
    assert made.about.revision == "c" * 40
    shutil.rmtree(home / FAMILY.model)
    assert weights.revision(CARD) == "c" * 40


def carried(home, tmp_path):
    """A prepared copy on a disk that came from another machine, where nothing else lies."""
    made = preparing.prepare(FAMILY.model, NF4, through="cpu")
    brought = tmp_path / "usb" / made.folder.name
    shutil.copytree(made.folder, brought)
    shutil.rmtree(made.folder)
    shutil.rmtree(home / FAMILY.model)
    return brought


def test_a_copy_can_be_carried_to_another_machine(home, tmp_path):
    expected = first_logits(models.load(CARD, NF4), FAMILY.seen(1))
    done = import_folder(carried(home, tmp_path))
    assert done.package.id == FAMILY.model and done.compared
    assert prepared.available(CARD) == (NF4,)
    assert torch.equal(first_logits(models.load(CARD, NF4), FAMILY.seen(1)), expected)
    assert all(each.state is State.RIGHT for each in verify(FAMILY.model))


@pytest.mark.parametrize("damage", ["flipped", "missing", "unrecorded", "undescribed"])
def test_a_carried_copy_that_is_not_whole_is_refused_and_leaves_nothing(home, tmp_path, damage):
    brought = carried(home, tmp_path)
    path = next(brought.glob("*.safetensors"))
    if damage == "flipped":
        whole = bytearray(path.read_bytes())
        whole[-1] ^= 1
        path.write_bytes(whole)
    elif damage == "missing":
        path.unlink()
    elif damage == "unrecorded":
        (brought / "cxr-demo.json").unlink()
    else:
        (brought / prepared.ABOUT).write_text("{")
    with pytest.raises(CxrError):
        import_folder(brought)
    assert prepared.all_of(CARD) == () and not list(home.glob("*.part"))


def test_copies_are_told_without_torch(home):
    code = (
        "import sys; from cxr_demo.weights import prepared; from cxr_demo.models.cards import card;"
        f"print(prepared.available(card({FAMILY.model!r})), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "NF4" in done.stdout and done.stdout.strip().endswith("False")


def change(folder, **fields):
    """Alter the description as if it had always been so."""
    path = folder / prepared.ABOUT
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    kept = record.read(folder)
    del kept.files[prepared.ABOUT]
    record.write(folder, kept)


def everything(native):
    """Parameters and buffers, those of unpacked 4-bit layers among them."""
    return dict([*native.named_parameters(), *native.named_buffers()])


def _bytes(tensor):
    return tensor.detach().contiguous().view(-1).view(torch.uint8)
