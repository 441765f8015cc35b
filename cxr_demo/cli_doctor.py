"""`python -m cxr_demo doctor`: what is wrong with this machine, and the line that mends it."""

import argparse

from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.telemetry.doctor import diagnose
from cxr_demo.telemetry.facts import Facts, gather

_WORDS = {
    "en": ("Nothing is wrong with this machine.", "mend it with", "no NVIDIA GPU"),
    "pt": ("Não há nada de errado com esta máquina.", "corrija com", "sem GPU NVIDIA"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_common_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the diagnoses; 1 if there are any."""
    facts = gather()
    found = diagnose(facts)
    if arguments.json:
        for each in found:
            print_json(each.to_dict())
        return 1 if found else 0
    fine, mend, _ = _WORDS[arguments.language]
    print(_machine(facts, arguments.language))
    for each in found:
        print(f"\n{'✗' if each.blocking else '!'} {each.message(arguments.language)}")
        if each.mend is not None:
            print(f"  {mend}: {each.mend}")
    if not found:
        print(fine)
    return 1 if found else 0


def _machine(facts: Facts, language: str) -> str:
    gpus = ", ".join(each.name for each in facts.gpus) or _WORDS[language][2]
    driver = f", driver {facts.driver}" if facts.driver else ""
    python = ".".join(map(str, facts.python))
    return f"Python {python}, torch {facts.torch or '–'}, {gpus}{driver}"
