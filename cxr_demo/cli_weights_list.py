"""`python -m cxr_demo weights list`: what of each model is on this machine, and how it stands."""

import argparse
from dataclasses import asdict

from cxr_demo.cli import print_json
from cxr_demo.cli_weights_words import licence, say
from cxr_demo.units import format_bytes
from cxr_demo.weights import prepared, shelf
from cxr_demo.weights.shelf import Shelf
from cxr_demo.weights.sources import PACKAGES, Package


def list_all(arguments: argparse.Namespace) -> int:
    """Every model's state, licence, commits and prepared copies; 0."""
    for each in PACKAGES.values():
        here = shelf.look(each)
        known: dict[str, str | None] = dict(here.revisions)
        revisions = {s.repo: known.get(s.repo) or s.revision for s in each.sources}
        if arguments.json:
            print_json(_as_json(each, here, revisions))
            continue
        print(f"{each.id}: {_state(here, arguments)}, {each.folder}")
        print(f"  {licence(each, arguments)}")
        for repo, commit in revisions.items():
            key = "commit" if known.get(repo) or not commit else "to_fetch"
            print(f"  {repo}, {say(key, arguments)} {commit or '–'}")
        for copy in _copies(each):
            total = format_bytes(copy.size, arguments.language)
            words = {"precision": str(copy.precision), "total": total}
            print(f"  {say(f'copy_{copy.use}', arguments, **words)}, {copy.folder}")
        for precision, size in prepared.begun(each.card).items():
            total = format_bytes(size, arguments.language)
            print(f"  {say('copy_begun', arguments, precision=str(precision), total=total)}")
    return 0


def _as_json(each: Package, here: Shelf, revisions: dict[str, str | None]) -> dict[str, object]:
    return {
        "id": each.id,
        "state": shelf.state_of(here),
        "folder": str(each.folder),
        "come": here.come,
        "total": here.total,
        "names": here.names,
        "revisions": revisions,
        "licence": each.licence.name,
        "prepared": [copy_as_json(copy) for copy in _copies(each)],
        "begun": prepared.begun(each.card),
    }


def _state(here: Shelf, arguments: argparse.Namespace) -> str:
    """In the words of the terminal, with sizes or names."""
    key = shelf.state_of(here)
    if key == "unverified" and not here.recorded:
        key = "unlisted_here"
    elif key == "partial" and here.total is None:
        key = "lacking"
    elif key == "altered":
        key = "changed"
    come, total = (format_bytes(each, arguments.language) for each in (here.come, here.total))
    return say(key, arguments, come=come, total=total, names=", ".join(here.names))


def _copies(each: Package) -> tuple[prepared.Prepared, ...]:
    return prepared.all_of(each.card) if each.card is not None else ()


def copy_as_json(copy: prepared.Prepared) -> dict[str, object]:
    """A prepared copy for `--json`."""
    about = asdict(copy.about) if copy.about else None
    return asdict(copy) | {"folder": str(copy.folder), "about": about}
