"""Evaluations in a store of their own: drawn labels, arms that err at a known rate."""

from dataclasses import dataclass

import numpy as np

from cxr_demo.datasets.draw import Draw, Mix, Source
from cxr_demo.datasets.recipe import Recipe
from cxr_demo.findings import FINDINGS
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.store.records import Group, LabelRow, Row, SampleRow, TimedImage

GIB = 1024**3


@dataclass(frozen=True)
class Made:
    """An arm to be made: `right` is the share of labels that equal the target."""

    model: str = "medgemma-4b-it"
    precision: str = "bf16"
    pipeline: str = "report"
    right: float = 0.8
    done: int | None = None
    gib: float | None = 9.0
    seconds: float | None = 3.0
    stand_in: bool = False
    confirmed: bool = True
    chexbert: bool = True
    unparsed: float = 0.02
    failed: int = 0
    gpu: str = "NVIDIA A100-SXM4-40GB"
    follows: int | None = None
    asked: int = 0
    prompt: str | None = None


def recipe(name="preliminary"):
    draws = {
        "preliminary": Draw(sources=(Source("chexpert", "valid"),)),
        "aggregated": Draw(
            sources=(
                Source("brax", "automatic"),
                Source("chexpert", "train"),
                Source("mimic", "automatic"),
            ),
            size=30_229,
            mix=Mix.PROPORTIONAL,
            folds=5,
        ),
    }
    return Recipe(
        name=name,
        draw=draws[name],
        models=("medgemma-4b-it",),
        precisions=(Precision.BF16, Precision.NF4),
        pipelines=(PipelineKind.REPORT,),
    )


def targets(images, seed=1):
    """Codes with CheXpert's uncertain and blank ones; No Finding where nothing is there."""
    rng = np.random.default_rng(seed)
    share = np.array([0.15, 0.28, 0.04, 0.45, 0.2, 0.12, 0.07, 0.3, 0.08, 0.35, 0.02, 0.03, 0.4])
    drawn = rng.random((images, 13))
    codes = np.full((images, 14), -2, np.int8)
    codes[:, :13] = np.where(drawn < share, 1, np.where(drawn < share * 1.2, -1, -2))
    codes[:, 13] = np.where((codes[:, :12] == 1).any(axis=1), -2, 1)
    return codes


def predicted(truth, right, seed, follow=None):
    """As the target, but turned at a share of 1 - right; `follow`: another arm's errors mostly."""
    rng = np.random.default_rng(seed)
    turned = np.where(truth == 1, -2, 1).astype(np.int8)
    # a finding that is rare must not be made up as often as one that is there is missed
    rate = np.where(truth == 1, 1 - right, (1 - right) * 0.35)
    found = np.where(rng.random(truth.shape) < rate, turned, truth)
    return found if follow is None else np.where(rng.random(truth.shape) < 0.85, follow, found)


def samples(truth, folds, dataset=None, seed=5):
    rng = np.random.default_rng(seed)
    names = ["brax", "chexpert", "mimic"]
    images = len(truth)
    patients = np.sort(rng.integers(0, max(1, int(images * 0.8)), images))
    for at in range(images):
        name = dataset or names[rng.integers(3)]
        yield SampleRow(
            position=at,
            key=f"{name}/p{patients[at]}/view{at}",
            dataset=name,
            file=f"{name}/p{patients[at]}/view{at}.jpg",
            form="small",
            patient=f"p{patients[at]}",
            study="s1",
            split=["train", "validate", "test"][rng.integers(3)] if name == "mimic" else "train",
            view=["PA", "AP", "LATERAL"][rng.integers(3)],
            sex=["F", "M", None][rng.integers(3)],
            age=float(rng.integers(1, 95)) if rng.random() < 0.95 else None,
            fold=int(patients[at]) % folds if folds else None,
            targets=tuple(int(each) for each in truth[at]),
        )


def fill(path, arms, images=234, name="preliminary", synthetic=False, group="group0000000001"):
    """Write a group with `arms` to the store at `path`; the runs' ids, in their order."""
    asked = recipe(name)
    truth = targets(images)
    manifest = f"{group}".ljust(64, "0")
    runs, made = [], []
    with EvaluationStore(path) as store:
        store.put_group(
            Group(
                id=group,
                name=name,
                recipe=asked.to_dict(),
                manifest_sha256=manifest,
                composition=asked.draw.composition,
                images=images,
                synthetic=synthetic,
                data={"chexpert": "/data/chexpert"},
                state="finished",
            )
        )
        dataset = "chexpert" if name == "preliminary" else None
        store.put_samples(manifest, samples(truth, asked.draw.folds, dataset))
        for number, arm in enumerate(arms):
            follow = None if arm.follows is None else made[arm.follows]
            made.append(predicted(truth, arm.right, 100 + number, follow))
            runs.append(_arm(store, group, arm, made[-1], number, synthetic))
    return runs


def _arm(store, group, arm, codes, number, synthetic):
    images = len(codes)
    done = images if arm.done is None else min(arm.done, images)
    signature = {"model": arm.model, "weights_sha256": "ab" * 32, "precision": arm.precision}
    if arm.prompt is not None:
        signature["prompt"] = {"id": arm.prompt, "text": "Write."}
    run = store.open_arm(group, arm.model, arm.precision, arm.pipeline, signature, images)
    labelers = ["direct"] if arm.pipeline == "direct" else ["rules"]
    labelers += ["chexbert"] if arm.chexbert and arm.pipeline == "report" else []
    rng = np.random.default_rng(number)
    silent = rng.random(images) < arm.unparsed
    connection = store._connection  # one transaction: a commit per row is what the store tests time
    connection.execute("BEGIN")
    results, texts, labels = [], [], []
    for at in range(done):
        error = "image_unreadable" if at < arm.failed else None
        results.append((run, at, None, None, "end", error, 60, 280, 2.0, 16, None, "2026"))
        if error is None:
            texts.append((run, at, f"report {codes[at].tolist()}", None))
            for labeler in labelers:
                row = codes[at] if labeler != "rules" else np.where(codes[at] == -1, 0, codes[at])
                packed = "".join(str(int(each) + 2) for each in row)
                labels.append((run, labeler, at, packed, int(silent[at])))
    connection.executemany(f"INSERT INTO result VALUES ({', '.join('?' * 12)})", results)
    connection.executemany("INSERT INTO text VALUES (?, ?, ?, ?)", texts)
    connection.executemany("INSERT INTO label VALUES (?, ?, ?, ?, ?)", labels)
    connection.execute("COMMIT")
    for at in range(arm.failed, min(arm.asked, done)):
        store.add_answers(run, at, answers(codes[at], at))
    store.set_facts(run, signature=signature, **_facts(arm, synthetic))
    for at in range(3):
        store.add_timing(run, TimedImage(at, 0.05, 2.9, 0.01, 60))
    store.set_arm_state(run, "finished" if done == images else "running")
    return run


def answers(codes, seed):
    """To yes/no questions: high where the model's own label is present, with overlap."""
    rng = np.random.default_rng(seed)
    yes = np.where(codes == 1, 0.35, 0.05) + 0.6 * rng.random(len(codes))
    return {
        "question_id": "q-1",
        "question": "Is there {finding}?",
        "tokens": {"yes": [["Yes", 1]], "no": [["No", 2]]},
        "yes": dict(zip(map(str, FINDINGS), yes.round(3).tolist(), strict=True)),
        "mass": dict.fromkeys(map(str, FINDINGS), 0.9),
        "seconds": 0.5,
    }


def _facts(arm, synthetic):
    timed = arm.seconds is not None and not arm.stand_in
    return {
        "device": arm.gpu,
        "versions": {"python": "3.11.7", "torch": "2.13.0"},
        "confirmed": arm.confirmed,
        "stand_in": arm.stand_in,
        "synthetic": synthetic,
        "memory": {}
        if arm.gib is None
        else {
            "vram_device_peak": int((arm.gib + 0.5) * GIB),
            "vram_device_baseline": int(0.5 * GIB),
        },
        "batch": {
            "slots": 16,
            "vram_device_peak": int(((arm.gib or 1) * 1.6) * GIB),
            "images_per_second": 3.2,
        },
        "time_per_image": {"mean": arm.seconds, "sd": 0.4, "n": 50, "mean_tokens": 61.0}
        if timed
        else None,
        "time_per_token": {"mean": 0.031, "sd": 0.001, "n": 50},
        "notes": [],
    }


__all__ = ["LabelRow", "Made", "Row", "fill", "predicted", "recipe", "targets"]
