"""`python -m cxr_demo weights list | fetch | verify | import | prepare | urls | delete`.

Only `fetch` and `urls` use the network. Ctrl-C pauses a fetch; the same command goes on. The app
starts the same commands with `--json --attached` (`cxr_demo.ui.errands`).
"""

import argparse
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cxr_demo.cli import add_common_arguments, print_json
from cxr_demo.cli_weights_list import copy_as_json, list_all
from cxr_demo.cli_weights_words import WORDS, licence, say
from cxr_demo.cli_words import said
from cxr_demo.errors import CxrError
from cxr_demo.models.cards import ModelCard
from cxr_demo.records import Precision
from cxr_demo.units import format_bytes, format_seconds
from cxr_demo.weights import leash, prepared, record
from cxr_demo.weights.addresses_text import file_lines
from cxr_demo.weights.faults import PrepareStopped, Stopped
from cxr_demo.weights.sources import PACKAGES, Package, package

if TYPE_CHECKING:
    from cxr_demo.weights.fetch import Plan
    from cxr_demo.weights.meter import Progress
    from cxr_demo.weights.verify import Checked

_ATTACHED = (
    "stop when standard input closes: the app pauses it so, and takes it along when it ends",
    "para quando a entrada padrão fecha: assim o aplicativo pausa, e o leva junto ao terminar",
)


_PRECISION_HELP = {
    "prepare": (
        "what to write: nf4_emb stores MedGemma's table in 4 bits too",
        "o que gravar: nf4_emb guarda também a tabela do MedGemma em 4 bits",
    ),
    "delete": (
        "delete this prepared copy, and leave the published files",
        "apaga esta cópia preparada, e deixa os arquivos publicados",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's subcommands and options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar=said("ACTION", "AÇÃO"))
    for name, (*summary, _) in _ACTIONS.items():
        action = actions.add_parser(name, help=said(*summary), description=said(*summary))
        if name == "import":
            action.add_argument(
                "folder",
                type=Path,
                metavar=said("FOLDER", "PASTA"),
                help=said("with the copied files", "com os arquivos copiados"),
            )
            action.add_argument(
                "--model",
                choices=list(PACKAGES),
                help=said("if nothing else says it", "se nada mais o diz"),
            )
        elif name != "list":
            action.add_argument("model", metavar=said("MODEL", "MODELO"), help=", ".join(PACKAGES))
        if name in ("prepare", "delete"):
            action.add_argument(
                "--precision",
                choices=[str(each) for each in prepared.PRECISIONS],
                default=str(prepared.PRECISIONS[0]) if name == "prepare" else None,
                help=said(*_PRECISION_HELP[name]),
            )
        if name in ("fetch", "verify", "import", "prepare"):
            action.add_argument("--attached", action="store_true", help=said(*_ATTACHED))
        add_common_arguments(action)


def run(arguments: argparse.Namespace) -> int:
    """Do one action; 1 if a file is missing or altered. With `--json`, an error is a line of the
    output as well: `{"error": {"code", "params"}}`. Ctrl-C ends with what was kept."""
    try:
        return _ACTIONS[arguments.action][-1](arguments)
    except KeyboardInterrupt:
        print(f"\n{_kept(arguments)}", file=sys.stderr)
        raise
    except CxrError as error:
        if arguments.json:
            print_json({"error": error.to_dict()})
        raise


def _fetch(arguments: argparse.Namespace) -> int:
    stopped = _stopped(arguments)  # before the slow import: the app may be gone by then
    from cxr_demo.weights.fetch import Fetch  # with huggingface_hub, which `list` does without

    fetch = Fetch(arguments.model, on_progress=_Line(arguments), stopped=stopped)
    wanted = fetch.package
    if not arguments.json:
        print(licence(wanted, arguments))
    planned = fetch.plan()
    _announce(planned, arguments)
    kept = fetch.run()
    _conclude(wanted, kept, arguments)
    return 0


def _kept(arguments: argparse.Namespace) -> str:
    """What to say after Ctrl-C: what is left of the work, if it leaves anything."""
    ended = {"fetch": Stopped, "prepare": PrepareStopped}.get(arguments.action)
    if ended is not None:
        return ended().message(arguments.language)
    key = f"stopped_{arguments.action}"
    return say(key if key in WORDS else "stopped", arguments)


def _announce(planned: "Plan", arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_json(
            {
                "revisions": planned.revisions,
                "missing": planned.missing,
                "total": planned.total,
                "files": [each.name for each in planned.files],
            }
        )
        return
    for repo in planned.resolved:
        print(say("pinned", arguments, repo=repo, commit=planned.revisions[repo]))
    sizes = {
        k: format_bytes(v, arguments.language)
        for k, v in (("missing", planned.missing), ("total", planned.total))
    }
    print(say("to_come", arguments, **sizes, folder=str(planned.package.folder)))


def _verify(arguments: argparse.Namespace) -> int:
    from cxr_demo.weights.verify import State, unrecorded, verify

    found = verify(arguments.model, _Line(arguments), _stopped(arguments))
    if not arguments.json:
        _Line.clear()
    for each in found:
        if arguments.json:
            print_json(asdict(each))
        else:
            print(f"{each.sha256 or '–' * 8}  {each.name}: {say(_state_key(each), arguments)}")
    if not arguments.json:
        right = sum(each.state is State.RIGHT for each in found)
        counted = sum(each.state is not State.UNLISTED for each in found)
        words = {"name": package(arguments.model).name, "count": right, "all": counted}
        print(say("all_right" if right == counted else "not_right", arguments, **words))
    beside = unrecorded(arguments.model, found)
    if beside is not None:
        print(beside.message(arguments.language), file=sys.stderr)
    return 0 if all(each.state in (State.RIGHT, State.UNLISTED) for each in found) else 1


def _state_key(checked: "Checked") -> str:
    """Of `WORDS`: hashes of a copy are our own, and a wrong one is not fetched but prepared."""
    if checked.state == "right" and checked.published:
        return "right"
    which = "copy" if "/" in checked.name else "uncompared"
    key = f"{checked.state}_{which}"
    return key if key in WORDS else str(checked.state)


def _import(arguments: argparse.Namespace) -> int:
    from cxr_demo.weights.importing import import_folder

    line, stopped = _Line(arguments), _stopped(arguments)
    done = import_folder(arguments.folder, arguments.model, line, stopped, _refuse_other)
    if arguments.json:
        print_json(asdict(done.record) | {"compared": done.compared})
        return 0
    _conclude(done.package, done.record, arguments, "done" if done.compared else "taken")
    if not done.compared:
        print(say("compare", arguments, model=done.package.id))
    return 0


def _refuse_other(card: ModelCard, folder: Path) -> None:
    from cxr_demo.models.recognising import refuse_other  # with torch, once there are files

    refuse_other(card, folder)


def _urls(arguments: argparse.Namespace) -> int:
    from cxr_demo.weights.addresses import addresses

    found = addresses(package(arguments.model))
    if arguments.json:
        hidden = found.hidden and found.hidden.to_dict()
        print_json(asdict(replace(found, hidden=None)) | {"hidden": hidden})
        return 0
    print(say("hosts", arguments))
    for host in found.hosts:
        print(f"  {host}")
    if found.hidden is not None:
        why = found.hidden.message(arguments.language)
        print(f"  {say('hidden', arguments, why=why)}")
    print(f"  {say('vary', arguments, page=found.host_list)}")
    print(say("files", arguments))
    for line in file_lines([asdict(each) for each in found.files], arguments.language):
        print(f"  {line}")
    return 0


def _prepare(arguments: argparse.Namespace) -> int:
    from cxr_demo.models.preparing import prepare  # with torch, which the others do without

    precision = Precision(arguments.precision)
    made = prepare(arguments.model, precision, _Line(arguments), _stopped(arguments))
    if arguments.json:
        print_json(copy_as_json(made))
        return 0
    _Line.clear()
    total = format_bytes(made.size, arguments.language)
    words = {"precision": str(precision), "total": total, "folder": str(made.folder)}
    print(say("prepared", arguments, name=package(arguments.model).name, **words))
    return 0


def _delete(arguments: argparse.Namespace) -> int:
    from cxr_demo.weights.removal import remove, remove_copy

    wanted, place = package(arguments.model), package(arguments.model).folder
    if arguments.precision and wanted.card is not None:
        precision = Precision(arguments.precision)
        place, size = prepared.folder(wanted.card, precision), remove_copy(wanted.id, precision)
    else:
        size = remove(wanted.id)
    if arguments.json:
        print_json({"deleted": wanted.id, "precision": arguments.precision, "bytes": size})
        return 0
    total = format_bytes(size, arguments.language)
    print(say("deleted", arguments, name=wanted.name, total=total, folder=str(place)))
    return 0


def _stopped(arguments: argparse.Namespace) -> threading.Event:
    """Set when the app, if it started this, wants it to stop."""
    stopped = threading.Event()
    if arguments.attached:
        leash.hold(stopped.set)
    return stopped


_DRAWN, _LOGGED = 0.5, 30.0
"""Seconds between two lines of progress in a terminal (or as JSON), and in a log."""


class _Line:
    """Shows progress: one line in a terminal, drawn over; JSON objects, twice a second; and lines
    now and then where the output goes into a file."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._drawn = arguments.json or sys.stdout.isatty()
        self._shown = 0.0 if self._drawn else time.monotonic()

    def __call__(self, now: "Progress") -> None:
        passed = time.monotonic() - self._shown
        ended = self._drawn and now.done == now.total
        if passed < (_DRAWN if self._drawn else _LOGGED) and not ended:
            return
        self._shown = time.monotonic()
        if self._arguments.json:
            print_json(asdict(now))
            return
        language = self._arguments.language
        parts = [
            f"{say(str(now.phase), self._arguments)} {now.file}",
            f"{format_bytes(now.done, language)} / {format_bytes(now.total, language)}",
            f"{format_bytes(None if now.rate is None else round(now.rate), language)}/s",
            f"{format_seconds(now.remaining, language)} {say('left', self._arguments)}",
        ]
        line = " · ".join(parts)
        shown, end = (f"\r\033[K{line}", "") if self._drawn else (line, "\n")
        print(shown, end=end, flush=True)

    @staticmethod
    def clear() -> None:
        """Take the line away."""
        if sys.stdout.isatty():
            print("\r\033[K", end="")


def _conclude(
    wanted: Package, kept: record.Record, arguments: argparse.Namespace, said: str = "done"
) -> None:
    if arguments.json:
        print_json(asdict(kept))
        return
    _Line.clear()
    total = format_bytes(sum(each.size for each in kept.files.values()), arguments.language)
    print(say(said, arguments, name=wanted.name, count=len(kept.files), total=total))


_ACTIONS = {
    "list": ("what is on this machine", "o que há nesta máquina", list_all),
    "fetch": (
        "fetch a model's weights, or go on where it stopped",
        "baixa os pesos de um modelo, ou continua de onde parou",
        _fetch,
    ),
    "verify": (
        "read every file in full and compare its hash",
        "lê cada arquivo por inteiro e compara o hash",
        _verify,
    ),
    "import": (
        "take over a folder that was copied from elsewhere",
        "recebe uma pasta copiada de outro lugar",
        _import,
    ),
    "prepare": (
        "write a model in 4 bits once, for quicker starts",
        "grava um modelo em 4 bits uma vez, para começar mais rápido",
        _prepare,
    ),
    "urls": (
        "hosts, files, sizes and hashes, for a firewall team",
        "servidores, arquivos, tamanhos e hashes, para a equipe de rede",
        _urls,
    ),
    "delete": (
        "delete a model's folder, or a prepared copy",
        "apaga a pasta de um modelo, ou uma cópia preparada",
        _delete,
    ),
}
