"""What must be said beside a reading, as (English, Portuguese); the screen and the terminal alike.

A notice with an `error` (`CxrError.to_dict()`) is told in the error's own words.
"""

from cxr_demo.errors import CxrError
from cxr_demo.records import Notice

NOTICES: dict[str, tuple[str, str]] = {
    "labeler_refused": (
        "The findings are rule-based only. {error}",
        "Os achados são apenas por regras. {error}",
    ),
    "probabilities_failed": (
        "No probabilities this time. {error}",
        "Sem probabilidades desta vez. {error}",
    ),
    "image_not_used": (
        "DO NOT TRUST THIS REPORT: the self-test found that another image changes nothing "
        "(movement {movement}, noise {floor}).",
        "NÃO CONFIE NESTE LAUDO: o autoteste mostrou que outra imagem nada muda "
        "(movimento {movement}, ruído {floor}).",
    ),
}


def sentence(notice: Notice, language: str) -> str:
    """The words of a reading's notice in `language` ("pt" or "en"); an unknown code is told as it
    is."""
    pair = NOTICES.get(notice.code)
    if pair is None:
        return notice.code.replace("_", " ")
    params = dict(notice.params)
    if "error" in params:
        params["error"] = CxrError.from_dict(params["error"]).message(language)
    return (pair[1] if language == "pt" else pair[0]).format(**params)
