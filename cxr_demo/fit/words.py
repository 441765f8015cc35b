"""Sentences in both languages, for what ends on the screen and in the terminal alike."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sentence:
    """One sentence, in English and in Portuguese."""

    en: str
    pt: str

    def message(self, language: str = "en") -> str:
        """It, in `language` ("pt" or "en")."""
        return self.pt if language == "pt" else self.en
