"""The 14 CheXpert findings and what a labeler can say of each.

Source of the names: Irvin et al., CheXpert, 2019. Source of the Portuguese names: Dosso, do Carmo,
Rittner. Every data set orders the 14 differently, so findings are always looked up by name and
never by position.
"""

from enum import StrEnum


class Finding(StrEnum):
    """One of the 14 findings; the value is CheXpert's column name."""

    ENLARGED_CARDIOMEDIASTINUM = "Enlarged Cardiomediastinum"
    CARDIOMEGALY = "Cardiomegaly"
    LUNG_LESION = "Lung Lesion"
    LUNG_OPACITY = "Lung Opacity"
    EDEMA = "Edema"
    CONSOLIDATION = "Consolidation"
    PNEUMONIA = "Pneumonia"
    ATELECTASIS = "Atelectasis"
    PNEUMOTHORAX = "Pneumothorax"
    PLEURAL_EFFUSION = "Pleural Effusion"
    PLEURAL_OTHER = "Pleural Other"
    FRACTURE = "Fracture"
    SUPPORT_DEVICES = "Support Devices"
    NO_FINDING = "No Finding"

    @property
    def pt(self) -> str:
        """Brazilian Portuguese name, as the study prints it."""
        return _PORTUGUESE[self]

    def name_in(self, language: str) -> str:
        """Name in `language` ("pt" or "en")."""
        return self.pt if language == "pt" else self.value


_PORTUGUESE = {
    Finding.ENLARGED_CARDIOMEDIASTINUM: "Aumento do Cardiomediastino",
    Finding.CARDIOMEGALY: "Cardiomegalia",
    Finding.LUNG_LESION: "Lesão Pulmonar",
    Finding.LUNG_OPACITY: "Opacidade Pulmonar",
    Finding.EDEMA: "Edema",
    Finding.CONSOLIDATION: "Consolidação",
    Finding.PNEUMONIA: "Pneumonia",
    Finding.ATELECTASIS: "Atelectasia",
    Finding.PNEUMOTHORAX: "Pneumotórax",
    Finding.PLEURAL_EFFUSION: "Derrame Pleural",
    Finding.PLEURAL_OTHER: "Outro Pleural",
    Finding.FRACTURE: "Fratura",
    Finding.SUPPORT_DEVICES: "Dispositivos de Suporte",
    Finding.NO_FINDING: "Nenhum destes achados",
}

FINDINGS: tuple[Finding, ...] = tuple(Finding)
"""All 14, in the order in which the app shows them."""


class Label(StrEnum):
    """What a labeler says of one finding. Silence (NOT_MENTIONED) is not a denial (NEGATIVE)."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNCERTAIN = "uncertain"
    NOT_MENTIONED = "not_mentioned"


class UncertaintyPolicy(StrEnum):
    """How UNCERTAIN counts in a score; the same for targets and predictions."""

    UNCERTAIN_AS_POSITIVE = "uncertain_as_positive"
    UNCERTAIN_AS_NEGATIVE = "uncertain_as_negative"
    UNCERTAIN_IGNORED = "uncertain_ignored"
