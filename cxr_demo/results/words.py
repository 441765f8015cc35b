"""The words that tables, figures and exports share, in both languages, and how numbers are written.

The screen's own words lie in `ui.strings`; these are here since figures and exports have no screen.
"""

import re

from cxr_demo.datasets import DATASETS, folder
from cxr_demo.errors import in_language
from cxr_demo.findings import UncertaintyPolicy
from cxr_demo.models.cards import CARDS
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.results.records import DIRECT, Arm, ArmResult, Board, Pair, Reread, said
from cxr_demo.units import UNKNOWN

DISCLAIMER: Pair = (
    "Research use only · not a medical device",
    "Somente para pesquisa · não é dispositivo médico",
)

PRECISIONS: dict[Precision, Pair] = {
    Precision.BF16: ("bf16", "bf16"),
    Precision.NF4: ("4 bits", "4 bits"),
    Precision.NF4_EMB: ("4 bits + table", "4 bits + tabela"),
    Precision.NF4_FP32: ("4 bits, fp32", "4 bits, fp32"),
    Precision.BNB4_DEFAULT: (
        "4 bits, library default (possibly the study's)",
        "4 bits, padrão da biblioteca (talvez o do estudo)",
    ),
}

PIPELINES: dict[PipelineKind, Pair] = {
    PipelineKind.REPORT: ("report", "laudo"),
    PipelineKind.DIRECT: ("direct", "direto"),
}

STEPS: Pair = ("report in steps", "laudo por etapas")
OTHER_PROMPT: Pair = ("{task} ({prompt})", "{task} ({prompt})")

LABELERS: dict[str, Pair] = {
    "chexbert": ("CheXbert", "CheXbert"),
    "rules": ("rules", "regras"),
    DIRECT: ("direct answer", "resposta direta"),
}

POLICIES: dict[UncertaintyPolicy, Pair] = {
    UncertaintyPolicy.UNCERTAIN_AS_POSITIVE: (
        "uncertain counts as present",
        "incerto conta como presente",
    ),
    UncertaintyPolicy.UNCERTAIN_AS_NEGATIVE: (
        "uncertain counts as absent",
        "incerto conta como ausente",
    ),
    UncertaintyPolicy.UNCERTAIN_IGNORED: ("uncertain left out", "incerto fora da conta"),
}

RECIPES: dict[str, Pair] = {
    "preliminary": ("Preliminary evaluation", "Avaliação preliminar"),
    "aggregated": ("Aggregated evaluation", "Avaliação agregada"),
    "local": ("Own images", "Imagens próprias"),
    "phantoms": ("Drawn radiographs", "Radiografias desenhadas"),
}

STATES: dict[str, Pair] = {
    "waiting": ("waiting", "aguardando"),
    "running": ("running", "em andamento"),
    "finished": ("finished", "concluída"),
    "stopped": ("stopped", "parada"),
    "failed": ("failed", "falhou"),
    "paused": ("paused", "em pausa"),
}

_COMPOSITION = (
    ("all images", "todas as imagens"),
    ("all views", "todas as incidências"),
    ("frontal views", "incidências frontais"),
    ("proportional", "proporcional"),
    ("thirds", "um terço de cada"),
    ("automatic", "automático"),
)

EMBEDDED: Pair = ("Embedded model", "Modelo embutido")
COMPUTING: Pair = ("computing", "calculando")
SO_FAR: Pair = ("{done} of {total} so far", "{done} de {total} até agora")
UNCONFIRMED: Pair = (
    "port not confirmed with real weights",
    "adaptação não confirmada com os pesos reais",
)
ELSEWHERE: Pair = (
    "imported from elsewhere, measured on {gpu}",
    "importada de outra máquina, medida em {gpu}",
)
REREAD: Pair = (
    "after a resume {differ} of {images} images read again got other labels ({by})",
    "após uma retomada, {differ} de {images} imagens relidas receberam outros rótulos ({by})",
)
F1: Pair = ("F1 ({labeler})", "F1 ({labeler})")
WITH_DIRECT: Pair = (
    "F1 ({labeler} / direct answer)",
    "F1 ({labeler} / resposta direta)",
)


def number(value: float | None, language: str, digits: int = 3) -> str:
    """A score or a share, "0.553" ("0,553" in Portuguese); `UNKNOWN` for None and NaN."""
    if value is None or value != value:
        return UNKNOWN
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    text = text.replace("-", "−")
    return text.replace(".", ",") if language == "pt" else text


def signed(value: float | None, language: str, digits: int = 3) -> str:
    """A difference with its sign, "+0.012"."""
    text = number(value, language, digits)
    rises = value is not None and value > 0 and any(each in "123456789" for each in text)
    return f"+{text}" if rises else text


def interval(low: float | None, high: float | None, language: str, digits: int = 3) -> str:
    """ "0.51 to 0.58" ("0,51 a 0,58"); `UNKNOWN` without bounds."""
    if low is None or high is None or low != low or high != high:
        return UNKNOWN
    between = " a " if language == "pt" else " to "
    return number(low, language, digits) + between + number(high, language, digits)


def percent(share: float | None, language: str, digits: int = 1) -> str:
    """A share in 0..1 as "2.4 %"."""
    return UNKNOWN if share is None else f"{number(100 * share, language, digits)} %"


def count(value: int | None, language: str) -> str:
    """A whole number with its thousands, "30,229" ("30.229")."""
    if value is None:
        return UNKNOWN
    text = f"{value:,}"
    return text.replace(",", ".") if language == "pt" else text


def labeler(name: str, language: str) -> str:
    """A labeler's name; an unknown one keeps its own."""
    return said(LABELERS.get(name, (name, name)), language)


def model(arm: Arm, language: str) -> str:
    """A model's name; the embedded one's is in both languages."""
    return said(EMBEDDED, language) if arm.model == "embedded" else arm.model_name


def task(arm: Arm, language: str) -> str:
    """The pipeline of an arm, and its prompt where that is not the default."""
    return asked(arm.model, arm.pipeline, arm.prompt, language)


def asked(model: str, pipeline: PipelineKind, prompt: str | None, language: str) -> str:
    """What a model was asked: "report", "report in steps", or "report (ID)" for a prompt that this
    version does not know. `prompt` is None for the default."""
    known = CARDS[model].prompts_of(pipeline) if model in CARDS else ()
    words = said(PIPELINES[pipeline], language)
    if prompt is None:
        return words
    if any(each.id == prompt and each.steps for each in known):
        return said(STEPS, language)
    return said(OTHER_PROMPT, language).format(task=words, prompt=prompt)


def precision(arm: Arm, language: str) -> str:
    """How an arm's weights are stored."""
    return said(PRECISIONS[arm.precision], language)


def recipe(board: Board, language: str) -> str:
    """The evaluation's name; an unknown one keeps its own."""
    name = board.name.recipe
    return said(RECIPES.get(name, (name, name)), language)


def f1(board: Board, language: str, arms: tuple[ArmResult, ...] | None = None) -> str:
    """What an F1 axis or column is called: its labeler is always said. Direct answers are parsed,
    by no labeler, and where they are shown too, that is said."""
    shown = board.arms if arms is None else arms
    direct = [each.labeler == DIRECT for each in shown]
    if direct and all(direct):
        return said(F1, language).format(labeler=labeler(DIRECT, language))
    words = WITH_DIRECT if any(direct) else F1
    return said(words, language).format(labeler=labeler(board.labeler, language))


def composition(board: Board, language: str) -> str:
    """The test set as it was drawn, with the start of its hash."""
    text = drawn(board.name.composition, language)
    image_list = "lista" if language == "pt" else "list"
    return f"{text} · {image_list} {board.name.manifest[:8]}"


def drawn(text: str, language: str) -> str:
    """A composition, such as "brax automatic, 500, thirds, frontal views", in `language`, the data
    sets as they write themselves."""
    for name in DATASETS:
        text = text.replace(f"{name} ", f"{dataset(name, language)} ")
    local = dataset(folder.NAME, language)  # it has one part
    text = text.replace(f"{local} all", local)
    text = re.sub(r"(?<=, )\d{4,}(?=,)", lambda found: count(int(found[0]), language), text)
    if language == "pt":
        for english, portuguese in _COMPOSITION:
            text = text.replace(english, portuguese)
    return text


def dataset(name: str, language: str) -> str:
    """A data set as it writes itself; an unknown one keeps its own name."""
    return str(in_language(DATASETS[name].TITLE if name in DATASETS else name, language))


def so_far(result: ArmResult, language: str) -> str | None:
    """ "1,200 of 30,229 so far" for a run that has not done all, or not labelled all, else None."""
    arm = result.arm
    done = arm.done if result.figures is None else min(arm.done, result.figures.images)
    if done >= arm.total:
        return None
    return said(SO_FAR, language).format(
        done=count(done, language), total=count(arm.total, language)
    )


def reread(found: Reread | None, by: str, language: str) -> str | None:
    """What resumes have changed in the labels of `by`, in a sentence; None if nothing was read
    again."""
    if found is None or by not in found.labels:
        return None
    images, differ = found.labels[by]
    return said(REREAD, language).format(
        differ=count(differ, language), images=count(images, language), by=labeler(by, language)
    )


def marks(arm: Arm, language: str) -> list[str]:
    """What must stand beside an arm's figures."""
    found = [] if arm.confirmed or arm.synthetic else [said(UNCONFIRMED, language)]
    if arm.origin is not None:
        found.append(said(ELSEWHERE, language).format(gpu=arm.cost.gpu or UNKNOWN))
    return found + [said(each, language) for each in arm.notes]
