"""What the command line says of itself, in the user's language: helps, usage and usage errors.

`speak` comes first; then `said` chooses between two texts that stand side by side. What argparse
itself says it sends through `_` and `ngettext`, the two names that it takes from gettext: there
these words are given to it, so that nobody installs or compiles a catalogue.
"""

import argparse
import locale
import os
from collections.abc import Sequence
from contextvars import ContextVar

LANGUAGES = ("en", "pt")

_OF_ARGPARSE = {
    "usage: ": "uso: ",
    "positional arguments": "argumentos",
    "options": "opções",
    "show this help message and exit": "mostra esta ajuda e termina",
    "%(prog)s: error: %(message)s\n": "%(prog)s: erro: %(message)s\n",
    "argument %(argument_name)s: %(message)s": "argumento %(argument_name)s: %(message)s",
    "the following arguments are required: %s": "falta: %s",
    "one of the arguments %s is required": "falta um destes: %s",
    "unrecognized arguments: %s": "argumentos desconhecidos: %s",
    "ambiguous option: %(option)s could match %(matches)s": (
        "opção ambígua: %(option)s pode ser %(matches)s"
    ),
    "invalid choice: %(value)r (choose from %(choices)s)": (
        "valor desconhecido: %(value)r (escolha entre %(choices)s)"
    ),
    "invalid choice: %(value)r, maybe you meant %(suggestion)r? (choose from %(choices)s)": (
        "valor desconhecido: %(value)r; seria %(suggestion)r? (escolha entre %(choices)s)"
    ),
    "invalid %(type)s value: %(value)r": "valor inválido (%(type)s): %(value)r",
    "expected one argument": "espera um valor",
    "expected at most one argument": "espera no máximo um valor",
    "expected at least one argument": "espera ao menos um valor",
    "expected %s argument": "espera %s valor",
    "expected %s arguments": "espera %s valores",
    "not allowed with argument %s": "não pode vir junto com %s",
    "ignored explicit argument %r": "não leva valor: %r",
}

_spoken = ContextVar("_spoken", default="en")


def terminal_language() -> str:
    """The language that the terminal is set to, "pt" or "en". Windows has no such variables, and
    calls it "Portuguese_Brazil"."""
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    told = (named or locale.getlocale()[0] or "").lower()
    return "pt" if told.startswith(("pt", "portuguese")) else "en"


def asked_language(given: Sequence[str]) -> tuple[str, list[str]]:
    """What `--language` says, else the terminal's; and the arguments beside it. It is looked for
    first, as the help and what is wrong with the rest have to speak it."""
    finder = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    finder.add_argument("--language")
    try:
        found, others = finder.parse_known_args(given)
    except argparse.ArgumentError:  # without a value: said by the real parser
        return terminal_language(), list(given)
    known = found.language in LANGUAGES
    return (found.language if known else terminal_language()), others


def speak(language: str) -> None:
    """From now on `said` and argparse speak `language` ("pt" or "en")."""
    _spoken.set(language)
    vars(argparse).update(_=_of_argparse, ngettext=_counted)


def spoken() -> str:
    """The language that was chosen last, "pt" or "en"."""
    return _spoken.get()


def said(en: str, pt: str) -> str:
    """The text of the spoken language."""
    return pt if _spoken.get() == "pt" else en


def whole(text: str) -> int:
    """A whole number from 1 up, as the type of an option; raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            said(
                f"{text} is not a whole number from 1 up",
                f"{text} não é um número inteiro a partir de 1",
            )
        )
    return int(text)


def _of_argparse(text: str) -> str:
    return said(text, _OF_ARGPARSE.get(text, text))


def _counted(one: str, many: str, count: int) -> str:
    return _of_argparse(one if count == 1 else many)
