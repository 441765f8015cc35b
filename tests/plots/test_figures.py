"""Every figure in both languages and themes: what plotly.js takes, and what must stand on it."""

import json
import re
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from cxr_demo import plots
from cxr_demo.findings import FINDINGS
from cxr_demo.plots import labels, look, memory
from cxr_demo.results.book import Book
from cxr_demo.results.records import MARK
from tests.results.build import Made, fill
from tests.results.conftest import PAIRED, POLICY

F1_KINDS = ("bars", "folds", "memory", "findings", "paired")
GROUP = "group0000000001"
GPU = plots.Gpu("NVIDIA RTX A2000 12GB", 12 * 1024**3)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """One board with everything on it, made once: no figure changes it."""
    folder = tmp_path_factory.mktemp("full")
    arms = (replace(PAIRED[0], asked=40), *PAIRED[1:])
    fill(folder / "evaluations.sqlite", arms, images=300, name="aggregated")
    book = Book(folder / "evaluations.sqlite", folder / "kept")
    book.board(GROUP, "chexbert", POLICY)
    assert book.wait(60)
    yield book.with_answers(book.board(GROUP, "chexbert", POLICY))
    book.close()


def texts(figure):
    """All words of a figure, its data and axes included."""
    return json.dumps(figure, ensure_ascii=False)


def axis_titles(figure):
    layout = figure["layout"]
    return [layout[each].get("title", {}).get("text", "") for each in ("xaxis", "yaxis")]


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("language", ["en", "pt"])
def test_every_figure_is_valid_plain_json_and_asks_nobody(full, language, dark):
    for kind in plots.KINDS:
        figure = plots.figure(kind, full, language, dark, GPU)
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure
        go.Figure({"data": figure["data"], "layout": figure["layout"]})  # raises for a wrong name
        assert "http" not in texts(figure)
        assert "Research use only" in texts(figure) or "Somente para pesquisa" in texts(figure)
        assert full.name.manifest[:8] in texts(figure)


@pytest.mark.parametrize(("labeler", "said"), [("chexbert", "CheXbert"), ("rules", "rules")])
def test_every_f1_axis_says_its_labeler(board, labeler, said):
    found = board(images=300, name="aggregated", labeler=labeler)
    for kind in F1_KINDS:
        titles = " ".join(axis_titles(plots.figure(kind, found, "en")))
        assert re.search(rf"F1.*\({said}", titles), (kind, titles)


def test_direct_answers_are_never_called_a_labelers(board):
    found = board((Made(pipeline="direct"), Made(precision="nf4", pipeline="direct")))
    for kind in ("bars", "memory", "findings", "paired"):
        titles = " ".join(axis_titles(plots.figure(kind, found, "en")))
        assert "direct answer" in titles and "CheXbert" not in titles


@pytest.mark.parametrize("language", ["en", "pt"])
def test_phantoms_carry_their_mark_in_every_title(board, language):
    found = board(PAIRED, synthetic=True)
    for kind in plots.KINDS:
        title = plots.figure(kind, found, language)["layout"]["title"]["text"]
        assert MARK[language == "pt"] in title, kind
    assert MARK[0] not in texts(plots.figure("bars", board(PAIRED, group="other".ljust(16)), "en"))


def test_random_weights_stand_in_their_own_figure_only(full):
    (stand_in,) = full.stand_ins
    for kind in F1_KINDS:
        assert stand_in.arm.run not in texts(plots.figure(kind, full, "en"))
    own = texts(plots.figure("stand_ins", full, "en"))
    assert stand_in.arm.run in own and "no F1" in own and "per token" in own


def test_a_click_finds_the_run(full):
    shown = {each.arm.run for each in full.arms}
    for kind in F1_KINDS:
        clicked = {
            run
            for trace in plots.figure(kind, full, "en")["data"]
            for run in trace.get("customdata", ())
        }
        assert clicked and clicked <= shown


def test_readers_that_look_at_nothing_stand_on_every_f1_chart(full):
    value = f"{full.trivial.everything_present:.3f}"
    for kind in ("bars", "folds", "memory"):
        assert value in texts(plots.figure(kind, full, "en")), kind
    assert "always calls it" in texts(plots.figure("findings", full, "en"))


def test_the_studys_figure_is_marked_and_what_is_unknown_of_it_said(full, board):
    for kind in ("bars", "folds", "memory"):
        told = texts(plots.figure(kind, full, "en"))
        assert "Published by the study" in told and "0.481" in told
        assert "composition of the study's set unknown" in told
    rules = board(PAIRED, labeler="rules", name="aggregated", group="other".ljust(16))
    for kind in plots.KINDS:
        assert "study" not in texts(plots.figure(kind, rules, "en"))


def test_unconfirmed_imported_and_unfinished_runs_say_so(full):
    for kind in F1_KINDS:
        told = texts(plots.figure(kind, full, "en"))
        assert "port not confirmed with real weights" in told
        assert "120 of 300 so far" in told


def test_intervals_are_drawn_as_computing_until_they_are_there(open_book):
    book = open_book(images=300, name="aggregated")
    first = book.board(GROUP, "chexbert", POLICY)
    assert "computing" in texts(plots.figure("bars", first, "en"))
    assert "computing" in texts(plots.figure("folds", first, "en"))
    assert "computing" in texts(plots.figure("paired", first, "en"))
    assert book.wait(60)
    second = book.board(GROUP, "chexbert", POLICY)
    assert "computing" not in texts(plots.figure("bars", second, "en"))


def test_whiskers_are_the_folds_and_the_interval_is_another_mark(full):
    figure = plots.figure("folds", full, "en")
    bar = next(each for each in figure["data"] if each["type"] == "bar" and each["x"] != [None])
    result = next(each for each in full.arms if each.arm.run == bar["customdata"][0])
    assert bar["error_x"]["array"] == [pytest.approx(float(result.figures.folds.deviation))]
    names = {each.get("name") for each in figure["data"]}
    assert any("standard deviation" in str(each) for each in names)
    assert any("95 %" in str(each) for each in names)


def test_figure_5_has_peak_less_baseline_cards_the_gpu_and_a_frontier(full):
    figure = plots.figure("memory", full, "en", gpu=GPU)
    points = {each["customdata"][0]: each for each in figure["data"] if "customdata" in each}
    arm = next(each.arm for each in full.arms if each.arm.model == "chexagent-2-3b")
    assert points[arm.run]["x"] == [pytest.approx(arm.cost.vram / 1024**3)]
    told = texts(figure)
    for words in (
        "measured on NVIDIA A100-SXM4-40GB",
        "8 GB card",
        "12 GB card",
        "16 GB card",
        "this machine: NVIDIA RTX A2000 12GB",
    ):
        assert words in told
    lines = [each["x0"] for each in figure["layout"]["shapes"]]
    assert {8, 12, 16} <= set(lines)
    assert any(each.get("name") == "bf16 and 4 bits of one model" for each in figure["data"])
    far = texts(plots.figure("memory", full, "en", gpu=plots.Gpu("NVIDIA H200", 141 * 1024**3)))
    assert "NVIDIA H200, 141.0 GiB →" in far


def test_marks_grow_with_time_by_area(full):
    shown = memory.points(full)
    sizes = {
        each.result.arm.cost.seconds: memory._size(each, 4 * each.result.arm.cost.seconds)
        for each in shown
    }
    assert all(size == pytest.approx(22) for size in sizes.values())  # a quarter of the time: half


def test_the_frontier_is_what_no_other_beats(full):
    shown = memory.points(full)
    best = memory.frontier(shown)
    beaten = [
        each
        for each in shown
        if any(other.x <= each.x and other.y >= each.y and other is not each for other in shown)
    ]
    assert {id(each) for each in best} == {id(each) for each in shown} - {id(e) for e in beaten}


def test_names_cover_neither_each_other_nor_points_where_there_is_room():
    points = [
        labels.Named(x, y, ("CheXagent 2 3B", "4 bits"), 30)
        for x, y in ((4, 0.6), (4.3, 0.6), (8, 0.55), (8.2, 0.5), (15.5, 0.6), (4, 0.45))
    ]
    placed = labels.placed(points, (0, 18), (0.4, 0.7))
    assert len({(each.xanchor, each.yanchor, each.named.x) for each in placed}) == len(points)
    assert not any(each.far for each in placed[2:])


def test_names_of_a_crowd_stand_farther_off_with_a_line():
    places = [(x, y) for x in (3.6, 4.4, 6.6, 7.4, 9.1) for y in (0.72, 0.74)]
    crowd = [labels.Named(x, y, ("CheXagent 2 3B", "4 bits · direct"), 36) for x, y in places]
    placed = labels.placed(crowd, (0, 18), (0.5, 0.85))
    boxes = [
        labels._option(each.named, labels._pixels(each.named, (0, 18), (0.5, 0.85)), *way, ring)
        for each in placed
        for ring in labels._RINGS
        for way in labels._TRIES
    ]
    there = [box for place, box in boxes if any(place == each for each in placed)]
    over = [labels._common(a, b) for at, a in enumerate(there) for b in there[at + 1 :]]
    assert len(there) == len(crowd) and max(over) < 100  # pixels: less than a letter
    lines = [labels.annotation(each, look.look(True)) for each in placed if each.far]
    assert lines and all(each["showarrow"] and (each["ax"] or each["ay"]) for each in lines)


def test_findings_say_how_many_have_each_and_what_is_not_defined(board):
    found = board()
    figure = plots.figure("findings", found, "pt")
    names = figure["layout"]["yaxis"]["ticktext"]
    assert len(names) == 14 and all("n = " in each for each in names)
    assert all(any(finding.pt in each for each in names) for finding in FINDINGS)
    one = plots.figure("findings", found, "en", run=found.arms[0].arm.run)
    marks = [each for each in one["data"] if "customdata" in each]
    assert len(marks) == 1 and "error_x" in marks[0]


def test_a_finding_that_nobody_has_is_not_drawn_as_zero(open_book, board):
    found = board((Made(),), images=12)
    nobody = [f for f, n in zip(FINDINGS, found.arms[0].figures.support, strict=True) if n == 0]
    assert nobody, "twelve images have all 14 findings: take fewer"
    figure = plots.figure("findings", found, "en")
    (marks,) = [each for each in figure["data"] if "customdata" in each]
    assert len(marks["x"]) == 14 - len(nobody)
    assert texts(figure).count("not defined") == len(nobody)


def test_nothing_to_show_says_what_is_missing(board):
    found = board((Made(gib=None),))
    for kind in ("folds", "memory", "paired", "stand_ins"):
        assert not plots.asks(kind, found)
        figure = plots.figure(kind, found, "pt")
        assert figure["data"] == [] and len(figure["layout"]["annotations"]) == 2
    bare = plots.empty("bars", "CheXpert não está nesta máquina.", "pt")
    assert "CheXpert não está" in texts(bare)


def test_the_javascript_of_the_pinned_package_is_there():
    assert plots.javascript().stat().st_size > 1_000_000


def test_names_from_elsewhere_are_no_markup(board):
    link = "<a href='javascript:alert(1)'>GPU</a>"
    arms = (
        Made(gpu=link, confirmed=False),
        Made(precision="nf4", gpu=link),
        Made(model="<a href='x'>", gpu=link, stand_in=True),
        Made(model="<a href='y'>", gpu=link),
        Made(prompt=link),
    )
    found = board(arms, images=60)
    for kind in plots.KINDS:
        assert "<a" not in texts(plots.figure(kind, found, "en"))


def test_every_figure_says_how_much_height_it_needs(full):
    for kind in plots.KINDS:
        assert 200 < plots.figure(kind, full, "en")["layout"]["meta"]["least"] < 1200


def test_differences_are_written_once_each_on_their_axis(full):
    axis = plots.figure("paired", full, "en")["layout"]["xaxis"]
    assert 2 <= len(axis["ticktext"]) == len(set(axis["ticktext"])) <= 11


def test_values_of_a_perfect_reader_have_room(board):
    found = board((Made(right=1.0, unparsed=0),), images=60)
    layout = plots.figure("bars", found, "en")["layout"]
    assert layout["xaxis"]["range"][1] == pytest.approx(1.3)
    assert max(layout["xaxis"]["tickvals"]) == 1
