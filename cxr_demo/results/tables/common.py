"""What all tables share: their form, and cells that several of them have."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxr_demo.metrics.bootstrap import Estimate
from cxr_demo.metrics.finding_sets import FindingSetName
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results import words
from cxr_demo.results.records import ArmResult, Board, Pair, said
from cxr_demo.units import UNKNOWN

ALL, BARE, FIVE = (
    FindingSetName.ALL_14,
    FindingSetName.WITHOUT_NO_FINDING,
    FindingSetName.FIVE,
)


@dataclass(frozen=True)
class Table:
    """Plain text throughout. `mark` is "" or the words that phantoms' figures carry; `runs` has the
    run of each row, or None; `notes` stand below."""

    title: str
    mark: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    runs: tuple[str | None, ...] = ()
    notes: tuple[str, ...] = ()


TITLE: dict[str, Pair] = {
    "arms": ("Results", "Resultados"),
    "findings": ("Per finding", "Por achado"),
    "answers": (
        "Answers to yes/no questions, raw, uncalibrated",
        "Respostas a perguntas de sim ou não, brutas, não calibradas",
    ),
    "answers_both": (
        "Answers to yes/no questions, raw and calibrated",
        "Respostas a perguntas de sim ou não, brutas e calibradas",
    ),
    "pairs": ("4 bits against bf16, same images", "4 bits contra bf16, mesmas imagens"),
    "mcnemar": (
        "Who errs where: exact McNemar test per finding, Holm over 14",
        "Quem erra onde: teste exato de McNemar por achado, Holm sobre 14",
    ),
    "slices": ("By data set, view, sex, age", "Por conjunto, incidência, sexo, idade"),
    "policies": (
        "Every labeler, both policies for uncertain labels",
        "Todos os rotuladores, as duas políticas para rótulos incertos",
    ),
    "stand_ins": (
        "Random weights: memory and time per token only",
        "Pesos aleatórios: só memória e tempo por token",
    ),
}

_TRIVIAL: Pair = (
    "{f1} of a reader that calls every finding on every image: {everything}; of one that always "
    "says No Finding: {nothing}.",
    "{f1} de um leitor que cita todos os achados em toda imagem: {everything}; de um que sempre "
    "diz “Nenhum destes achados”: {nothing}.",
)
_HOW: Pair = (
    "Micro average; an output that failed or could not be parsed counts as 14 negatives. "
    "Intervals: bootstrap over patients, exact where all is right or all wrong. The deviation over "
    "folds is a spread, not an interval.",
    "Média micro; uma saída que falhou ou não pôde ser interpretada conta como 14 negativos. "
    "Intervalos: bootstrap sobre pacientes, exatos onde tudo está certo ou tudo errado. O desvio "
    "entre partes é dispersão, não intervalo.",
)


def notes(board: Board, language: str) -> list[str]:
    """What stands below every table: readers that look at nothing, the study, what to know."""
    found = []
    if board.trivial is not None:
        text = said(_TRIVIAL, language)
        found.append(
            text.format(
                f1=words.f1(board, language),
                everything=words.number(board.trivial.everything_present, language),
                nothing=words.number(board.trivial.no_finding_always, language),
            )
        )
    for each in board.references:
        remark = f" ({said(each.remark, language)})" if each.remark else ""
        found.append(said(each.words, language) + remark)
    found += [said(each, language) for each in board.remarks]
    return [*found, said(_HOW, language)]


def ordered(results: Sequence[ArmResult]) -> list[ArmResult]:
    """By model, reports first, defaults first, bf16 first."""
    return sorted(
        results,
        key=lambda each: (
            each.arm.model_name,
            each.arm.pipeline is not PipelineKind.REPORT,
            each.arm.prompt or "",
            list(Precision).index(each.arm.precision),
            each.arm.created,
        ),
    )


def images(result: ArmResult, language: str) -> str:
    """ "234", or "120 of 234 so far"."""
    unfinished = words.so_far(result, language)
    if unfinished is not None:
        return unfinished
    return words.count(result.arm.total, language)


def remarks(result: ArmResult, language: str) -> str:
    """State, marks and notes of an arm in one cell."""
    arm = result.arm
    state = [] if arm.complete else [said(words.STATES.get(arm.state, (arm.state,) * 2), language)]
    reread = words.reread(arm.reread, result.labeler, language)
    return "; ".join([*state, *words.marks(arm, language), *([reread] if reread else [])])


def between(
    result: ArmResult, estimate: Estimate | None, language: str, at: int | None = None
) -> str:
    """An interval in words, "computing" until it is there; `at`: of one finding."""
    if estimate is None:
        return said(words.COMPUTING, language) + " …" if result.computing else UNKNOWN
    low, high = (float(each if at is None else each[at]) for each in (estimate.low, estimate.high))
    return words.interval(low, high, language)


def micro_interval(result: ArmResult) -> Estimate | None:
    """The interval of the main figure, or None."""
    return None if result.intervals is None else result.intervals.micro[ALL]


def arm_name(result: ArmResult, language: str) -> str:
    """ "MedGemma 4B, 4 bits, report"."""
    arm = result.arm
    return ", ".join(
        (
            words.model(arm, language),
            words.precision(arm, language),
            words.task(arm, language),
        )
    )


def mark(board: Board, language: str) -> str:
    """The words that phantoms' figures carry, or ""."""
    return "" if board.mark is None else said(board.mark, language)
