"""Reliability: whether a finding is there as often as the model's answers say, bin by bin."""

from cxr_demo.metrics.probabilities import Reliability
from cxr_demo.plots.look import SMALL, Look, Spec, axis, escaped, figure, look
from cxr_demo.results import words
from cxr_demo.results.records import Answered, ArmResult, Board, Pair, said
from cxr_demo.results.tables import arm_name
from cxr_demo.results.tables.answers import asked

TITLE: Pair = (
    "Reliability of yes/no answers",
    "Confiabilidade das respostas de sim ou não",
)
ACROSS: Pair = (
    "what the model answers: mean probability of yes in each bin",
    "o que o modelo responde: probabilidade média de sim em cada faixa",
)
UPWARD: Pair = ("share that has the finding", "fração que tem o achado")
RAW: Pair = (
    "raw, uncalibrated, all findings (mean distance {distance})",
    "brutas, não calibradas, todos os achados (distância média {distance})",
)
CALIBRATED: Pair = (
    "calibrated, {findings} findings (mean distance {distance})",
    "calibradas, {findings} achados (distância média {distance})",
)
DIAGONAL: Pair = ("answers that hold", "respostas que se confirmam")
COUNTS: Pair = (
    "Numbers beside points: how many answers lie in the bin.",
    "Números junto aos pontos: quantas respostas há na faixa.",
)


def arms(board: Board) -> list[ArmResult]:
    """Those that were asked; each has a figure of its own."""
    return [each for each in board.arms if each.answered is not None]


def reliability(board: Board, language: str, dark: bool, run: str | None = None) -> Spec:
    """The curve of the arm `run`, or of the first one that was asked. Raises StopIteration for an
    arm that was not."""
    result = next(each for each in arms(board) if run in (None, each.arm.run))
    found = result.answered
    assert found is not None
    chosen = look(dark)
    layout = {
        "xaxis": axis(chosen, said(ACROSS, language), **_share()),
        "yaxis": axis(chosen, said(UPWARD, language), **_share()),
    }
    name = escaped(arm_name(result, language))
    notes = [
        f"{name}. {asked(result, found, language)} {said(COUNTS, language)}",
        said(found.remark, language),
        "; ".join(words.marks(result.arm, language)),
    ]
    title = said(TITLE, language)
    return figure(
        _data(result, found, chosen, language), layout, board, title, language, dark, notes
    )


def _share() -> Spec:
    return {"range": [-0.04, 1.04], "tickvals": [0, 0.2, 0.4, 0.6, 0.8, 1], "tickformat": ".1f"}


def _data(result: ArmResult, found: Answered, chosen: Look, language: str) -> list[Spec]:
    arm = result.arm
    data = [_diagonal(chosen, language)]
    name = _named(RAW, found.raw, language)
    colour = chosen.colour(arm.model)
    data.append(_curve(found.raw, name, arm.run, ("circle", colour, "top center"), language))
    if found.calibrated is not None:
        name = _named(CALIBRATED, found.calibrated, language, findings=found.scaled)
        style = ("diamond-open", chosen.text, "bottom center")
        data.append(_curve(found.calibrated, name, arm.run, style, language))
    return data


def _named(words_of: Pair, curve: Reliability, language: str, **more: int) -> str:
    distance = words.number(curve.expected_error, language)
    return said(words_of, language).format(distance=distance, **more)


def _diagonal(chosen: Look, language: str) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 1],
        "y": [0, 1],
        "name": said(DIAGONAL, language),
        "hoverinfo": "skip",
        "line": {"color": chosen.dim, "width": 2, "dash": "dash"},
    }


def _curve(
    curve: Reliability, name: str, run: str, style: tuple[str, str, str], language: str
) -> Spec:
    symbol, colour, place = style
    return {
        "type": "scatter",
        "mode": "lines+markers+text",
        "x": [float(each) for each in curve.said],
        "y": [float(each) for each in curve.true],
        "customdata": [run] * len(curve.said),
        "text": [words.count(int(each), language) for each in curve.images],
        "textposition": place,
        "textfont": {"size": SMALL, "color": colour},
        "cliponaxis": False,
        "name": name,
        "hovertemplate": "%{x:.3f}<br>%{y:.3f}<br>n = %{text}<extra></extra>",
        "line": {"color": colour, "width": 3},
        "marker": {
            "symbol": symbol,
            "size": 14,
            "color": colour,
            "line": {"width": 2.5, "color": colour},
        },
    }
