"""`confirm`: by stock generate(), by a finished evaluation, by the user; never random weights."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmarks import checkpoints
from cxr_demo import cli, models, weights
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.models import against_stock, confirmations
from cxr_demo.models.cards import card
from cxr_demo.models.faults import RandomWeights
from cxr_demo.paths import assets_dir, models_dir, private_dir
from cxr_demo.records import Precision
from cxr_demo.results.book import Book
from cxr_demo.store.evaluations import EvaluationStore
from cxr_demo.ui import marks
from tests.results.build import Made, fill

POLICY = UncertaintyPolicy.UNCERTAIN_AS_POSITIVE
MEDGEMMA, CHEXAGENT, LARGE = "medgemma-4b-it", "chexagent-2-3b", "chexagent-8b"

SAMPLE = str(assets_dir() / "samples" / "sample-1.dcm")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("written")
    for model in (MEDGEMMA, CHEXAGENT, LARGE):
        checkpoints.write(model, root / model, tiny=True)
    return root


@pytest.fixture
def home(written, tmp_path, monkeypatch):
    """A models folder that says of itself that its weights are random."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("CXR_DEMO_MODELS", str(tmp_path / "models"))
    shutil.copytree(written, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def real(home):
    """The same, taken for real: what marks it as random is taken away."""
    for folder in home.iterdir():
        (folder / weights.STAND_IN).unlink()
        settings = json.loads((folder / "config.json").read_text())
        del settings["stand_in"]
        (folder / "config.json").write_text(json.dumps(settings))
    return home


def confirm(*arguments):
    return cli.main(["confirm", *arguments])


@pytest.mark.parametrize("model", [MEDGEMMA, CHEXAGENT, LARGE])
def test_random_weights_are_never_confirmed(home, model, capsys):
    assert confirm(model, "--by-user", "I am sure") == 1
    (home / model / weights.STAND_IN).unlink()  # the settings still say it
    assert confirm(model, "--by-user", "I am sure", "--language", "pt") == 1
    assert "aleatórios" in capsys.readouterr().err
    assert confirmations.of_card(card(model)) is None
    made = confirmations.Confirmation(model, "0" * 64, confirmations.How.USER, {})
    with pytest.raises(RandomWeights):
        confirmations.keep(made, stand_in=True)


def test_medgemma_is_confirmed_by_stock_generate(real, capsys):
    about = card(MEDGEMMA)
    assert not models.load(about, Precision.NF4).confirmed
    assert confirm(MEDGEMMA, "--language", "en") == 0
    said = capsys.readouterr().out
    assert "bf16: 384 of 384 tokens" in said and "nf4: 384 of 384" in said
    assert said.count("images: 6.") == 2
    assert "put here by hand" in said
    kept = confirmations.of_card(about)
    assert kept.how is confirmations.How.STOCK
    assert [each["precision"] for each in kept.detail["agreements"]] == ["bf16", "nf4"]
    assert models.load(about, Precision.NF4).confirmed
    assert marks.is_confirmed(about)
    assert confirm(MEDGEMMA, "--withdraw") == 0
    assert not marks.is_confirmed(about)


def test_other_weights_are_not_confirmed_by_it(real):
    about = card(MEDGEMMA)
    assert confirm(MEDGEMMA, "--precision", "bf16", "--images", SAMPLE) == 0
    path = models_dir() / MEDGEMMA / weights.SINGLE
    tensors = load_file(path)
    tensors["language_model.model.norm.weight"] += 1
    save_file(tensors, path, metadata={"format": "pt"})
    assert confirmations.of_card(about) is None  # its hash is not even known
    model = models.load(about, Precision.BF16)
    assert not model.confirmed
    assert confirmations.of_card(about) is None


def test_a_port_that_computes_something_else_stays_marked(real, capsys, monkeypatch):
    load = models.load

    def crooked(*arguments, **keywords):
        model = load(*arguments, **keywords)
        model._network._body.norm.weight.data[:8] += 1.0  # a norm that was mapped wrongly
        return model

    monkeypatch.setattr(against_stock.models, "load", crooked)
    assert confirm(MEDGEMMA, "--precision", "bf16", "--images", SAMPLE, "--language", "en") == 1
    told = capsys.readouterr().err
    assert "not confirmed" in told and "image 1" in told
    assert confirmations.of_card(card(MEDGEMMA)) is None


def test_a_reply_that_streams_otherwise_is_seen(real, monkeypatch, capsys):
    original = against_stock._streamed
    monkeypatch.setattr(
        against_stock, "_streamed", lambda m, s, p, reply, t: original(m, s, p, reply[::-1], t)
    )
    assert confirm(MEDGEMMA, "--precision", "nf4", "--images", SAMPLE, "--language", "en") == 1
    assert "not confirmed" in capsys.readouterr().err


def test_near_ties_are_two_units_of_bfloat16():
    best = torch.tensor([20.0, 20.0, 1.0, -3.0])
    other = torch.tensor([19.75, 19.7, 0.98, -3.03])
    assert against_stock._near(best, other).tolist() == [True, False, False, True]


def evaluated(right, digest, **more):
    """A finished evaluation in the store of this test; the run's id."""
    path = private_dir() / "evaluations.sqlite"
    (run,) = fill(path, [Made(model=CHEXAGENT, right=right, confirmed=False, **more)])
    with EvaluationStore(path) as store:
        store.set_facts(run, signature={"weights_sha256": digest})
    return run


def digest_of(model):
    return weights.digest(weights.locate(card(model)).shards)


def f1_interval(run):
    """What the results say of the run."""
    from cxr_demo import cli_confirm

    book = Book()
    try:
        found = cli_confirm._interval_of(book, card(CHEXAGENT), digest_of(CHEXAGENT))
    finally:
        book.close()
    estimate = found.intervals.micro["all_14"]
    return float(estimate.low), float(estimate.high)


def test_chexagent_2_needs_a_finished_run_of_these_weights(real, capsys):
    assert confirm(CHEXAGENT, "--language", "en") == 1
    assert f"evaluate preliminary --models {CHEXAGENT} --data FOLDER`" in capsys.readouterr().err
    assert confirm(CHEXAGENT, "--precision", "nf4", "--language", "pt") == 1  # not taken silently
    assert "--precision não muda nada em CheXagent 2 3B" in capsys.readouterr().err
    assert confirm(LARGE, "--by-user", "seen", "--images", SAMPLE, "--language", "en") == 1
    assert "--images changes nothing for CheXagent 8B" in capsys.readouterr().err
    evaluated(0.8, "f" * 64)  # of other weights
    assert confirm(CHEXAGENT) == 1


def test_chexagent_2_is_confirmed_if_its_interval_holds_the_studys(real, capsys, monkeypatch):
    run = evaluated(0.8, digest_of(CHEXAGENT))
    low, high = f1_interval(run)
    from cxr_demo import cli_confirm

    monkeypatch.setattr(cli_confirm, "_study_f1", lambda card: high + 0.01)
    assert confirm(CHEXAGENT, "--language", "en") == 1
    assert "∌" in capsys.readouterr().err
    monkeypatch.setattr(cli_confirm, "_study_f1", lambda card: (low + high) / 2)
    assert confirm(CHEXAGENT, "--language", "en") == 0
    kept = confirmations.of_card(card(CHEXAGENT))
    assert kept.how is confirmations.How.RUN and kept.detail["run"] == run
    book = Book()
    try:
        name = book.boards()[0]
        assert all(each.arm.confirmed for each in book.board(name.id, "chexbert", POLICY).arms)
    finally:
        book.close()


def test_the_figure_is_the_studys_own():
    from cxr_demo import cli_confirm

    assert cli_confirm._study_f1(card(CHEXAGENT)) == 0.553
    assert cli_confirm._study_f1(card(LARGE)) is None


@pytest.mark.parametrize("unfit", [{"done": 200}, {"pipeline": "direct"}, {"stand_in": True}])
def test_runs_that_prove_nothing_are_left_out(real, unfit):
    evaluated(0.8, digest_of(CHEXAGENT), **unfit)
    assert confirm(CHEXAGENT) == 1


def test_chexagent_8b_is_confirmed_by_the_user_only(real, capsys):
    assert confirm(LARGE, "--language", "en") == 1
    assert confirm(LARGE, "--by-user", "   ") == 1, "no reason is no word"
    assert capsys.readouterr().err.count("--by-user") == 2
    assert confirm(LARGE, "--by-user", "compared with the official code on 20 images") == 0
    assert "nothing was compared" in capsys.readouterr().out
    kept = confirmations.of_card(card(LARGE))
    assert kept.how is confirmations.How.USER and "official code" in kept.detail["words"]
    assert models.load(card(LARGE), Precision.BF16).confirmed


@pytest.mark.parametrize("model", [MEDGEMMA, CHEXAGENT])
def test_nobodys_word_stands_in_the_place_of_a_comparison(real, model, capsys):
    assert confirm(model, "--by-user", "I am sure", "--language", "pt") == 1
    assert "sem --by-user" in capsys.readouterr().err
    assert confirmations.of_card(card(model)) is None


def test_a_broken_file_confirms_nothing(real):
    assert confirm(LARGE, "--by-user", "yes") == 0
    (private_dir() / "confirmations.json").write_text("{")
    assert confirmations.of_card(card(LARGE)) is None
