"""The command line explains itself, and says what is wrong with its use, in the user's language."""

import argparse

import pytest

import app
from cxr_demo import cli, cli_words
from cxr_demo.cli_evaluate import COMMANDS as EVALUATE
from cxr_demo.cli_weights import _ACTIONS as WEIGHTS
from cxr_demo.models.cards import CARDS
from cxr_demo.weights.sources import PACKAGES

GROUPS = {"evaluate": EVALUATE, "weights": WEIGHTS}
COMMANDS = [
    (),
    *((name,) for name in cli.COMMANDS),
    *((name, inner) for name, table in GROUPS.items() for inner in table),
]
NAMES = {", ".join(each for each in CARDS if CARDS[each].hub), ", ".join(PACKAGES)}
"""Helps that are nothing but names."""


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")  # nothing is broken over lines


def printed(given, capsys, main=cli.main):
    with pytest.raises(SystemExit) as left:
        main(list(given))
    streams = capsys.readouterr()
    return left.value.code, streams.out + streams.err


@pytest.mark.parametrize(
    ("main", "command"), [(app.main, ()), *((cli.main, each) for each in COMMANDS)]
)
def test_no_help_lacks_its_portuguese(main, command, capsys, monkeypatch):
    shown, print_help = [], argparse.ArgumentParser.print_help

    def see(parser, file=None):
        shown.append(parser)
        print_help(parser, file)

    monkeypatch.setattr(argparse.ArgumentParser, "print_help", see)
    given = [(*command, "--help", "--language", each) for each in ("en", "pt")]
    pages = [printed(each, capsys, main) for each in given]
    assert [status for status, _ in pages] == [0, 0]
    english, portuguese = ([(parser.description, ""), *helps(parser)] for parser in shown)
    assert len(english) == len(portuguese)
    for (one, where), (other, _) in zip(english, portuguese, strict=True):
        assert one and other and (one != other or one in NAMES), where
        assert other in pages[1][1]


def helps(parser):
    for each in parser._actions:
        if isinstance(each, argparse._SubParsersAction):
            yield from ((inner.help, inner.dest) for inner in each._choices_actions)
        else:
            yield each.help, each.option_strings or each.dest


USES = [
    ([], "erro: falta: COMANDO"),
    (["nothing"], "erro: argumento COMANDO: valor desconhecido: 'nothing' (escolha entre "),
    (["weights", "fetch"], "erro: falta: MODELO"),
    (["weights", "nothing"], "erro: argumento AÇÃO: valor desconhecido: 'nothing'"),
    (["doctor", "--wrong"], "erro: argumentos desconhecidos: --wrong"),
    (["fit", "--vram"], "erro: argumento --vram: espera um valor"),
    (["fit", "--precision", "nf5"], "erro: argumento --precision: valor desconhecido: 'nf5'"),
    (["doctor", "--json=yes"], "erro: argumento --json: não leva valor: 'yes'"),
    (["confirm", "chexagent-8b", "--images"], "argumento --images: espera ao menos um valor"),
    (["render", "a", "b", "--i", "2"], "erro: opção ambígua: --i pode ser --"),
    (["render", "a", "b", "--image", "x"], "x não é um número inteiro a partir de 1"),
    (["render", "a", "b", "--window", "5"], "indique CENTRO/LARGURA, como 2048/3000"),
    (["doctor", "--language", "de"], "erro: argumento --language: valor desconhecido: 'de'"),
    (["doctor", "--language"], "erro: argumento --language: espera um valor"),
]


@pytest.mark.parametrize(("given", "said"), USES, ids=[" ".join(use) for use, _ in USES])
def test_a_wrong_use_is_told_in_the_terminals_language(given, said, capsys, monkeypatch):
    status, told = printed(given, capsys)
    assert (status, "error: " in told, "erro: " in told) == (2, True, False)
    monkeypatch.setenv("LANG", "pt_BR.UTF-8")
    status, told = printed(given, capsys)
    assert (status, told.startswith("uso: python -m cxr_demo")) == (2, True)
    assert said in told
    for english in ("error", "argument ", "choice", "choose", "expected", "required", "usage"):
        assert english not in told


@pytest.mark.parametrize(
    ("variables", "windows", "language"),
    [
        ({"LANG": "pt_BR.UTF-8"}, None, "pt"),
        ({"LANG": "pt_BR.UTF-8", "LC_ALL": "C"}, "Portuguese_Brazil", "en"),
        ({}, "Portuguese_Brazil", "pt"),
        ({}, "English_United States", "en"),
        ({}, None, "en"),
    ],
)
def test_the_language_is_the_terminals(variables, windows, language, monkeypatch):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("locale.getlocale", lambda: (windows, None))
    assert cli_words.terminal_language() == language


def test_the_option_stands_before_the_command_too(capsys):
    for given in (["--language", "pt", "doctor", "-h"], ["doctor", "-h", "--language", "pt"]):
        assert "o que há de errado" in printed(given, capsys)[1]
    assert "erro: " in printed(["--language", "pt", "doctor", "--wrong"], capsys)[1]
