"""What is known of each model before it is loaded: one literal table, no torch.

Sources: the publishers' model pages for names and licences; parameter counts from the native
classes. `revision` is None where no commit was recorded: the first fetch records one. The study's
prompts are unpublished; each default here is frozen under an id that is printed on every result.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from cxr_demo.findings import FINDINGS
from cxr_demo.models.faults import UnknownModel, UnknownPrompt
from cxr_demo.records import PipelineKind, Precision, Prompt, PromptStep

REPORT_TOKENS = 512
DIRECT_TOKENS = 128
_NAMES = ", ".join(FINDINGS)


class Ability(StrEnum):
    """What its publisher says that a model can do. This app asks for the first three; LOCATE
    (boxes around what is named) and COMPARE (with a prior image) are known and not used yet."""

    REPORT = "report"
    FINDINGS = "findings"
    YES_NO = "yes_no"
    LOCATE = "locate"
    COMPARE = "compare"


@dataclass(frozen=True)
class Licence:
    """Terms of a model's weights. `gated`: the publisher asks for acceptance before a download."""

    name: str
    url: str | None = None
    gated: bool = False
    note: str = ""


@dataclass(frozen=True)
class ModelCard:
    """One model. `family` names the adapter's module in `cxr_demo.models`, or is None as long as
    this version has none for it. `hub` and `revision` name the published checkpoint, `parameters`
    counts its weights; None where it is not known. `precisions` are those that the reading room
    offers; evaluations have one more (`evaluated`). `prompts` are the defaults, `others` what can
    be named in their place. `phantoms_only`: refuses every other image. `files` must lie beside the
    weights; of several joined by "|" one suffices."""

    id: str
    name: str
    family: str | None
    hub: str | None
    revision: str | None
    licence: Licence
    parameters: int | None
    precisions: tuple[Precision, ...]
    prompts: dict[PipelineKind, Prompt]
    preprocessing: str
    can: tuple[Ability, ...]
    phantoms_only: bool = False
    files: tuple[str, ...] = (
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "preprocessor_config.json|processor_config.json",
    )
    others: dict[PipelineKind, tuple[Prompt, ...]] = field(default_factory=dict)

    def prompts_of(self, kind: PipelineKind) -> tuple[Prompt, ...]:
        """Every prompt of a pipeline, the default first."""
        return (self.prompts[kind], *self.others.get(kind, ()))

    def prompt(self, kind: PipelineKind, id: str | None = None) -> Prompt:
        """The pipeline's prompt with this id, the default for None. Raises UnknownPrompt."""
        every = self.prompts_of(kind)
        found = every[0] if id is None else next((each for each in every if each.id == id), None)
        if found is None:
            known = ", ".join(each.id for each in every)
            raise UnknownPrompt(prompt=id, model=self.name, known=known)
        return found

    @property
    def evaluated(self) -> tuple[Precision, ...]:
        """Precisions that an evaluation may name: those of the reading room, and for published
        models the library's default, which is possibly the study's."""
        return self.precisions + ((Precision.BNB4_DEFAULT,) if self.hub else ())

    @property
    def ported(self) -> bool:
        """True if this version has an adapter for it."""
        return self.family is not None


_HAI_DEF = Licence(
    "Health AI Developer Foundations terms of use",
    "https://developers.google.com/health-ai-developer-foundations/terms",
    gated=True,
    note="Serving the model to others over a network counts as distribution.",
)

# MedGemma's own words for a single-turn report; the embedded model was trained on the same ones.
_GEMMA_REPORT = (
    "You are an expert radiologist. Write the findings section of a report for this chest X-ray."
)
_GEMMA_DIRECT = (
    "Which of the following findings are present in this chest X-ray? "
    f"{_NAMES}. Answer with the names only, separated by commas."
)
_CHEXAGENT_REPORT = "Write a structured findings section for the CXR."
_CHEXAGENT_DIRECT = f"Given the CXR, identify any diseases. Options:\n{_NAMES}"


def _prompts(family: str, report: str, direct: str) -> dict[PipelineKind, Prompt]:
    return {
        PipelineKind.REPORT: Prompt(f"{family}-report-1", report, REPORT_TOKENS),
        PipelineKind.DIRECT: Prompt(f"{family}-direct-1", direct, DIRECT_TOKENS),
    }


def _stepwise(id: str, *steps: PromptStep) -> Prompt:
    text = "\n".join(each.text for each in steps)
    return Prompt(id, text, sum(each.max_new_tokens for each in steps), steps=steps)


# The authors' demo: questions on the image one by one, then an impression of the answers, without
# the view. They allow 512 tokens a step; here all answers must leave room for the impression.
_VIEW = PromptStep("View", "Determine the view of this CXR", 32, aside=True)
_IMPRESSION = PromptStep(
    "Impression",
    "Write the Impression section for the following Findings: {findings}",
    256,
    image=False,
)
_EVERYTHING_ELSE = (
    "Everything else (e.g., mediastinal contours, bones, soft tissues, tubes, valves, and "
    "pacemakers)"
)
_CHEXAGENT_2_STEPS = _stepwise(
    "chexagent-2-steps-1",
    _VIEW,
    PromptStep(
        "Airway", 'Please provide a detailed description of "Airway" in the chest X-ray', 256
    ),
    PromptStep(
        "Breathing", 'Please provide a detailed description of "Breathing" in the chest X-ray', 256
    ),
    PromptStep(
        "Cardiac", 'Please provide a detailed description of "Cardiac" in the chest X-ray', 256
    ),
    PromptStep(
        "Diaphragm", 'Please provide a detailed description of "Diaphragm" in the chest X-ray', 256
    ),
    PromptStep(
        "Everything else",
        f'Please provide a detailed description of "{_EVERYTHING_ELSE}" in the chest X-ray',
        256,
    ),
    _IMPRESSION,
)
_CHEXAGENT_8B_STEPS = _stepwise(
    "chexagent-8b-steps-1",
    _VIEW,
    PromptStep("Airway", 'Describe "Airway"', 256),
    PromptStep("Breathing", 'Describe "Breathing"', 256),
    PromptStep("Cardiac", 'Describe "Cardiac"', 256),
    PromptStep("Diaphragm", 'Describe "Diaphragm"', 256),
    PromptStep("Everything else", f'Describe "{_EVERYTHING_ELSE}"', 256),
    _IMPRESSION,
)

_ASKED = (Ability.REPORT, Ability.FINDINGS, Ability.YES_NO)
_UNTIED = (Precision.BF16, Precision.NF4, Precision.NF4_FP32)
# Gemma's table is tied to its head and a third of its memory, so it can be stored in 4 bits too.
_TIED = (Precision.BF16, Precision.NF4, Precision.NF4_EMB, Precision.NF4_FP32)

CARDS: dict[str, ModelCard] = {
    each.id: each
    for each in (
        ModelCard(
            id="embedded",
            name="Embedded (synthetic images only)",
            family="gemma",
            hub=None,
            revision=None,
            licence=Licence("the licence of this program", note="Trained on drawn images only."),
            parameters=8_168_704,
            precisions=_UNTIED,
            prompts=_prompts("gemma", _GEMMA_REPORT, _GEMMA_DIRECT),
            preprocessing="padded_square",
            can=_ASKED,
            phantoms_only=True,
        ),
        ModelCard(
            id="medgemma-4b-it",
            name="MedGemma 4B",
            family="gemma",
            hub="google/medgemma-4b-it",
            revision=None,
            licence=_HAI_DEF,
            parameters=4_300_079_472,
            precisions=_TIED,
            prompts=_prompts("gemma", _GEMMA_REPORT, _GEMMA_DIRECT),
            preprocessing="padded_square",
            can=_ASKED,
        ),
        ModelCard(
            id="medgemma-1.5-4b-it",
            name="MedGemma 1.5 4B",
            family="gemma",
            hub="google/medgemma-1.5-4b-it",
            revision=None,
            licence=_HAI_DEF,
            parameters=4_300_079_472,
            precisions=_TIED,
            prompts=_prompts("gemma", _GEMMA_REPORT, _GEMMA_DIRECT),
            preprocessing="padded_square",
            can=(*_ASKED, Ability.LOCATE, Ability.COMPARE),
        ),
        ModelCard(
            id="chexagent-2-3b",
            name="CheXagent 2 3B",
            family="chexagent2",
            hub="StanfordAIMI/CheXagent-2-3b",
            revision="8f19b53a2eceda4c33b0acec6c81fbc293ad80d0",
            licence=Licence("MIT", note="Its vision tower, XraySigLIP, is CC-BY-NC-4.0."),
            parameters=3_140_746_752,
            precisions=_UNTIED,
            prompts=_prompts("chexagent", _CHEXAGENT_REPORT, _CHEXAGENT_DIRECT),
            others={PipelineKind.REPORT: (_CHEXAGENT_2_STEPS,)},
            preprocessing="squashed_square",
            can=(*_ASKED, Ability.LOCATE),
            files=("config.json", "vocab.json", "merges.txt"),
        ),
        ModelCard(
            id="chexagent-8b",
            name="CheXagent 8B",
            family="chexagent8b",
            hub="StanfordAIMI/CheXagent-8b",
            revision="4934e91451945c8218c267aae9c34929a7677829",
            licence=Licence("see the publisher's page", "https://huggingface.co/StanfordAIMI"),
            parameters=8_362_401_664,
            precisions=_UNTIED,
            prompts=_prompts("chexagent", _CHEXAGENT_REPORT, _CHEXAGENT_DIRECT),
            others={PipelineKind.REPORT: (_CHEXAGENT_8B_STEPS,)},
            preprocessing="squashed_square",
            can=_ASKED,
            files=("config.json", "tokenizer.json", "preprocessor_config.json"),
        ),
    )
}


def named_prompt(model: str, kind: PipelineKind, id: str | None) -> str | None:
    """`id`, or None if it is that of the default, which needs no name, or if `model` is unknown."""
    known = CARDS.get(model)
    return None if known is None or id == known.prompts[kind].id else id


def card(model: str) -> ModelCard:
    """The card with id `model`. Raises UnknownModel."""
    try:
        return CARDS[model]
    except KeyError:
        raise UnknownModel(model=model, known=", ".join(CARDS)) from None
