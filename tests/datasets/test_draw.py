"""The draw: quotas, the lowest hashes, folds by patient, and any beginning of it is random."""

import hashlib
import json
import random
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from benchmarks.aggregated import aggregated
from benchmarks.local import local
from benchmarks.preliminary import preliminary
from cxr_demo.datasets import manifest
from cxr_demo.datasets.base import Sample
from cxr_demo.datasets.draw import Draw, Mix, Source, Views, assign_folds, choose, quotas
from cxr_demo.datasets.faults import PoolTooSmall, TableDamaged
from cxr_demo.datasets.phantoms import write_layout
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.datasets.seen import SEEN, held_out
from cxr_demo.findings import FINDINGS, Label
from cxr_demo.models.cards import CARDS
from cxr_demo.records import PipelineKind, Precision, View

NOTHING = dict.fromkeys(FINDINGS, Label.NOT_MENTIONED)
POOLS = {"brax": 40_967, "chexpert": 223_414, "mimic": 373_000}


def pool(name, count, per_patient=3, **more):
    facts = {"root": Path(), "labels": NOTHING, "view": View.PA} | more
    return [
        Sample(
            name, f"k{i}", file=f"k{i}.jpg", patient=str(i // per_patient), study=str(i), **facts
        )
        for i in range(count)
    ]


def draw_of(*names, **more):
    return Draw(tuple(Source(each, "automatic") for each in names), **more)


# ---------------------------------------------------------------- quotas


def test_thirds_of_the_studys_number():
    found = quotas(POOLS, 30_229, Mix.THIRDS)
    assert found == {"brax": 10_077, "chexpert": 10_076, "mimic": 10_076}


def test_proportional_is_by_largest_remainder():
    assert sum(quotas(POOLS, 30_229, Mix.PROPORTIONAL).values()) == 30_229
    # exact shares of 10: 0.7, 3.3, 6.0: the largest remainder gets the one that is left
    assert quotas({"a": 7, "b": 33, "c": 60}, 10, Mix.PROPORTIONAL) == {"a": 1, "b": 3, "c": 6}
    # equal remainders go by the alphabet, whatever the order of the data sets
    assert quotas({"b": 5, "a": 5}, 3, Mix.PROPORTIONAL) == {"a": 2, "b": 1}


def test_proportional_never_strays_by_one():
    draw = random.Random(1)
    for _ in range(200):
        pools = {name: draw.randint(1, 1000) for name in "abcd"}
        size = draw.randint(1, sum(pools.values()))
        for name, taken in quotas(pools, size, Mix.PROPORTIONAL).items():
            assert abs(taken - size * pools[name] / sum(pools.values())) < 1


def test_too_small_a_pool_is_refused_and_never_filled_up_from_another():
    with pytest.raises(PoolTooSmall, match="brax has 5"):
        quotas({"brax": 5, "mimic": 100}, 30, Mix.THIRDS)
    with pytest.raises(PoolTooSmall, match="105"):
        quotas({"brax": 5, "mimic": 100}, 106, Mix.PROPORTIONAL)


# ---------------------------------------------------------------- choice and order


def test_takes_the_lowest_hashes_whatever_the_order_of_the_rows():
    samples = pool("brax", 500)
    draw = draw_of("brax", size=40)
    shuffled = random.Random(3).sample(samples, len(samples))
    chosen = choose(draw, {"brax": shuffled})
    assert chosen == choose(draw, {"brax": samples})

    def digest(sample):
        return hashlib.sha256(f"{draw.salt}|brax|{sample.key}".encode()).hexdigest()

    assert {each.key for each in chosen} == {each.key for each in sorted(samples, key=digest)[:40]}
    other = choose(draw_of("brax", size=40, salt="another"), {"brax": samples})
    assert {each.key for each in other} != {each.key for each in chosen}


def test_any_beginning_of_a_run_is_mixed_like_the_whole():
    pools = {"brax": pool("brax", 1_000), "mimic": pool("mimic", 100_000)}
    chosen = choose(draw_of("brax", "mimic", size=1_600, mix=Mix.THIRDS), pools)
    assert Counter(each.dataset for each in chosen) == {"brax": 800, "mimic": 800}
    for part in (chosen[:400], chosen[-400:]):
        assert 150 < sum(each.dataset == "brax" for each in part) < 250


def test_unlabelled_images_and_other_views_are_in_no_pool():
    samples = pool("mimic", 10)
    for key, labels, view in (
        ("none", None, View.PA),
        ("side", NOTHING, View.LATERAL),
        ("odd", NOTHING, View.UNKNOWN),
    ):
        samples.append(Sample("mimic", key, Path(), f"{key}.jpg", "1", "1", labels, view))
    pools = {"mimic": samples}
    assert len(choose(draw_of("mimic"), pools)) == 12
    assert len(choose(draw_of("mimic", views=Views.FRONTAL), pools)) == 10


def test_folds_hold_every_patient_once_and_are_even():
    samples = [*pool("brax", 300, per_patient=1), *pool("mimic", 700, per_patient=7)]
    folds = assign_folds(samples, 5)
    assert set(folds) == {(each.dataset, each.patient) for each in samples}
    loads = Counter(folds[each.dataset, each.patient] for each in samples)
    assert set(loads.values()) == {200}


def test_the_largest_patients_come_first():
    sizes = {"a": 6, "b": 5, "c": 4, "d": 3, "e": 2, "f": 1}
    samples = [
        Sample("x", f"{name}{i}", Path(), "f", name, "s", NOTHING)
        for name, size in sizes.items()
        for i in range(size)
    ]
    found = defaultdict(set)
    for (_, patient), fold in assign_folds(samples, 3).items():
        found[fold].add(patient)
    assert dict(found) == {0: {"a", "f"}, 1: {"b", "e"}, 2: {"c", "d"}}


def test_draws_that_make_no_sense():
    for wrong in ({"size": 0}, {"folds": -1}):
        with pytest.raises(ValueError, match="size"):
            draw_of("brax", **wrong)
    with pytest.raises(ValueError, match="each once"):
        draw_of("brax", "brax")


# ---------------------------------------------------------------- manifest and recipes


def test_a_manifest_comes_back_and_its_hash_is_of_the_file(all_layouts, tmp_path):
    recipe = aggregated(size=20)
    folders = dict.fromkeys(("brax", "chexpert", "mimic"), all_layouts)
    made = manifest.assemble(recipe.draw, folders)
    assert len(made.samples) == len(made.folds) == 20
    assert all(each.path.is_file() for each in made.samples)
    path = tmp_path / "manifest.csv"
    made.write(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == made.sha256
    assert path.stat().st_mode & 0o077 == 0
    again = manifest.read(path, {each.dataset: each.root for each in made.samples})
    assert again.samples == made.samples
    assert again.folds == made.folds
    assert again.sha256 == made.sha256 == manifest.assemble(recipe.draw, folders).sha256


def test_another_form_or_label_is_another_manifest(tmp_path):
    draw = draw_of("brax")
    for layout in ("brax", "brax-dicom"):
        write_layout(layout, tmp_path / layout, 2, width=192)
    png, dicom = (
        manifest.assemble(draw, {"brax": tmp_path / each}) for each in ("brax", "brax-dicom")
    )
    assert [each.key for each in png.samples] == [each.key for each in dicom.samples]
    assert png.sha256 != dicom.sha256


def test_a_manifest_with_other_data_sets_or_paths_is_refused(all_layouts, tmp_path):
    path = tmp_path / "manifest.csv"
    made = manifest.assemble(preliminary().draw, {"chexpert": all_layouts})
    made.write(path)
    with pytest.raises(TableDamaged, match="row 2"):
        manifest.read(path, {"brax": tmp_path})
    path.write_text(path.read_text().replace(made.samples[3].file, "../../etc/x.jpg"))
    with pytest.raises(TableDamaged, match="row 5, path"):
        manifest.read(path, {"chexpert": all_layouts})


def test_preliminary_is_all_of_the_validation_split(all_layouts):
    recipe = preliminary()
    made = manifest.assemble(recipe.draw, {"chexpert": all_layouts})
    assert {each.split for each in made.samples} == {"valid"}
    assert len(made.samples) == 12
    assert made.folds == ()
    assert len(recipe.arms()) == 3 * 2 * 2
    assert set(recipe.models) <= set(CARDS)


def test_recipes_survive_json():
    for recipe in (
        preliminary(("embedded",), (Precision.NF4,)),
        aggregated(mix=Mix.THIRDS, views=Views.FRONTAL),
        local(size=7),
    ):
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert aggregated().pipelines == (PipelineKind.REPORT,)
    assert aggregated().draw.size == 30_229
    assert aggregated(mix=Mix.THIRDS).draw.composition == (
        "brax automatic + chexpert train + mimic automatic, 30229, thirds, all views"
    )


def test_held_out_by_model_and_split():
    assert set(SEEN) == set(CARDS)
    assert held_out("chexagent-2-3b", "chexpert", "valid")
    assert not held_out("chexagent-2-3b", "chexpert", "train")
    assert not held_out("chexagent-8b", "brax", None)
    assert held_out("chexagent-8b", "mimic", "test")
    assert not held_out("medgemma-4b-it", "mimic", "test")
    assert held_out("medgemma-4b-it", "folder", None)
    assert held_out("unheard-of", "brax", None) is None
