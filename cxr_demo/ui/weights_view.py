"""How a model's weights are shown: state, licence, what goes on, what can be done. Plain JSON."""

import shutil
from pathlib import Path
from typing import Any

from cxr_demo.errors import CxrError
from cxr_demo.records import Precision
from cxr_demo.ui.about_text import LICENCES_PT
from cxr_demo.ui.copies_view import copies_view, copy_actions, ready_copies
from cxr_demo.ui.errands import Errand, Kind, State
from cxr_demo.ui.strings import text
from cxr_demo.units import format_bytes, format_seconds
from cxr_demo.weights import addresses_text, faults, prepared
from cxr_demo.weights.shelf import Shelf, Stock, state_of
from cxr_demo.weights.sources import Package, hub_host

View = dict[str, Any]

_ICONS = {
    "absent": "○",
    "partial": "◐",
    "verified": "●",
    "uncompared": "●",
    "unverified": "●",
    "stand_in": "!",
    "altered": "✕",
    "broken": "✕",
}
_TOKEN_CODES = ("not_logged_in", "bad_token", "token_too_narrow", "licence_not_accepted")
_ENVIRONMENT_CODES = (
    "offline",
    "offline_switch",
    "proxy_wants_login",
    "proxy_unreachable",
    "proxy_setting",
    "hub_setting",
    "certificate_file",
    "certificate_not_trusted",
)


def badge(wanted: Package, shelf: Shelf, errand: Errand | None, language: str) -> View:
    """The state in a word with its sign, for the table: `{"state", "icon", "words", "copies"}`;
    while something is going on, that is what it says. `copies`: what is prepared, or ""."""
    copies = ready_copies(wanted.card, language)
    if errand is not None and errand.going:
        share = _going(errand, language)["share"]
        words = text(f"weights.badge.{errand.kind}", language) + _percent(share)
        return {"state": "going", "icon": "↓", "words": words, "copies": copies}
    state = state_of(shelf)
    share = shelf.come / shelf.total if state == "partial" and shelf.total else None
    words = text(f"weights.{state}", language) + _percent(share)
    return {"state": state, "icon": _ICONS[state], "words": words, "copies": copies}


def _percent(share: float | None) -> str:
    return "" if share is None else f" · {share * 100:.0f} %"


def weights_view(
    wanted: Package,
    shelf: Shelf,
    errand: Errand | None,
    language: str,
    precision: Precision | None = None,
) -> View:
    """Everything about the weights of one model; `precision` is the chosen one, which may be
    prepared."""
    here = shelf.state is Stock.HERE
    licence = wanted.licence
    return {
        "id": wanted.id,
        "name": wanted.name,
        "badge": badge(wanted, shelf, None, language),
        "says": _says(shelf, language),
        "facts": _facts(wanted, shelf, language),
        "copies": [text("weights.prepared", language), copies_view(wanted.card, language)],
        "gated": licence.gated,
        "confirm": [text("weights.online", language, host=hub_host())],
        "command": f"python -m cxr_demo weights fetch {wanted.id}",
        "command_label": text("weights.command", language),
        "folder": str(shelf.folder),
        "going": _going(errand, language) if errand and errand.going else None,
        "outcome": _outcome(wanted, errand, language) if errand and not errand.going else None,
        "actions": _actions(wanted, shelf, errand, language)
        + ([] if errand and errand.going else copy_actions(wanted.card, precision, here, language)),
    }


def _says(shelf: Shelf, language: str) -> str:
    state = state_of(shelf)
    if state == "partial" and shelf.total is None:
        state = "lacking"
    if state == "unverified" and not shelf.recorded:
        state = "unrecorded"
    come = format_bytes(shelf.come, language)
    total = format_bytes(shelf.total, language)
    names = ", ".join(shelf.names)
    return text(f"weights.says.{state}", language, come=come, total=total, names=names)


def _facts(wanted: Package, shelf: Shelf, language: str) -> list[list[str]]:
    """Rows of (name, value): licence and gate come first, since they count before a fetch."""
    licence = wanted.licence
    known = LICENCES_PT if language == "pt" else {}
    terms = [known.get(each, each) for each in (licence.name, licence.note)]
    gate = text("weights.gated" if licence.gated else "weights.ungated", language)
    commits = dict(shelf.revisions)
    sources = []
    for source in wanted.sources:
        commit = commits.get(source.repo) or source.revision
        sources.append(f"{hub_host()}/{source.repo}" + (f" @ {commit[:12]}" if commit else ""))
    free = text("weights.free", language, free=format_bytes(_free(shelf.folder), language))
    return [
        [
            text("weights.licence", language),
            "\n".join(each for each in (*terms, licence.url) if each),
        ],
        [text("weights.gate", language), gate],
        [text("weights.source", language), "\n".join(sources)],
        *_size(wanted, shelf, language),
        [text("weights.folder", language), f"{shelf.folder}\n{free}"],
    ]


def _size(wanted: Package, shelf: Shelf, language: str) -> list[list[str]]:
    """What a fetch brings: named by a record that an earlier one left, else counted."""
    if shelf.total is not None and shelf.state is Stock.ABSENT:
        return [[text("weights.size", language), format_bytes(shelf.total, language)]]
    if wanted.counted is None or shelf.total is not None:
        return []
    size = format_bytes(wanted.counted, language)
    return [[text("weights.size", language), text("weights.size.counted", language, size=size)]]


def _free(folder: Path) -> int | None:
    """Bytes that are free on the disk of `folder`, which need not exist yet."""
    place = next((each for each in (folder, *folder.parents) if each.exists()), None)
    return None if place is None else shutil.disk_usage(place).free


def _going(errand: Errand, language: str) -> View:
    """What a running errand does now: `{"words", "figures", "share"}`."""
    now, share, figures = errand.progress, None, ""
    words = text(f"weights.going.{errand.kind}", language)
    if now is not None:
        words = text(f"weights.phase.{now['phase']}", language, file=now["file"])
        share = now["done"] / now["total"] if now["total"] else None
        figures = _figures(now, language)
    if errand.state is State.STOPPING:
        words = text("weights.stopping", language)
    return {"words": words, "figures": figures, "share": share}


def _figures(now: dict[str, Any], language: str) -> str:
    done, total = (format_bytes(now[each], language) for each in ("done", "total"))
    if now["rate"] is None:
        return text("weights.rateless", language, done=done, total=total)
    rate, left = format_bytes(round(now["rate"]), language), now["remaining"]
    time = format_seconds(left, language)
    return text("weights.rate", language, done=done, total=total, rate=rate, time=time)


def _outcome(wanted: Package, errand: Errand, language: str) -> View:
    """What became of the newest errand: `{"kind", "state", "words", "hint", "text"}`; `text` is for
    copying."""
    words, hint, copied, state = "", "", "", str(errand.state)
    if errand.error is not None:
        words, hint = errand.error.message(language), _hint(errand.error.code, language)
    elif errand.state is State.PAUSED:
        keeps = errand.kind in (Kind.FETCH, Kind.PREPARE)
        words = text(f"weights.paused.{errand.kind}" if keeps else "weights.paused", language)
    elif errand.kind is Kind.URLS:
        words = text("weights.urls.title", language, name=wanted.name)
        copied = urls_text(wanted, errand.lines[-1], language)
    elif errand.kind is Kind.VERIFY:
        words, copied, right = _checked(wanted.id, errand, language)
        state = state if right else str(State.FAILED)
    else:
        size = format_bytes(_bytes(errand), language)
        key = f"weights.done.{errand.kind}" + (".uncompared" if _uncompared(errand) else "")
        words = text(key, language, bytes=size)
    told = {"kind": str(errand.kind), "state": state, "words": words, "hint": hint}
    return told | {"text": copied}


def _bytes(errand: Errand) -> int | None:
    """What was deleted, or the size of the copy that was made."""
    said = errand.lines[-1] if errand.lines else {}
    return said.get("bytes", said.get("size"))


def _uncompared(errand: Errand) -> bool:
    """Whether an import brought files whose hashes no publisher has named."""
    return errand.kind is Kind.IMPORT and not errand.lines[-1]["compared"]


def _file_key(line: dict[str, Any]) -> str:
    """Of the words for one verified file: equal to a record of our own is less than right."""
    key = f"weights.file.{line['state']}"
    if line["state"] != "right" or line["published"]:
        return key
    return f"{key}.copy" if "/" in line["name"] else f"{key}.uncompared"


def _checked(model: str, errand: Errand, language: str) -> tuple[str, str, bool]:
    """A verification's sentence, its list of hashes, and whether all was right."""
    wrong = [each["name"] for each in errand.lines if each["state"] in ("altered", "missing")]
    blind = sum(each["state"] == "unrecorded" for each in errand.lines)
    if wrong:
        words = text("weights.wrong.verify", language, names=", ".join(wrong))
    else:
        count = sum(each["state"] == "right" for each in errand.lines)
        own = any(_file_key(each).endswith(".uncompared") for each in errand.lines)
        key = "weights.done.verify" + (".uncompared" if own else "")
        words = text(key, language, count=count)
    if blind:
        unrecorded = faults.UnrecordedBeside(model=model, count=blind)
        words += " " + unrecorded.message(language)
    rows = [
        f"{each['name']}: {text(_file_key(each), language)}"
        + (f"\n{each['sha256']}" if each["sha256"] else "")
        for each in errand.lines
    ]
    return words, "\n".join(rows), not wrong and not blind


def _hint(code: str, language: str) -> str:
    """The step after the error's own sentence: where a token goes, when a variable is read."""
    if code in _TOKEN_CODES:
        return text("weights.token", language)
    return text("weights.environment", language) if code in _ENVIRONMENT_CODES else ""


def urls_text(wanted: Package, found: dict[str, Any], language: str) -> str:
    """The answer of `weights urls` as the text that a network team gets."""
    lines = [text("weights.urls.title", language, name=wanted.name), ""]
    lines += [text("weights.urls.hosts", language), *(f"  {each}" for each in found["hosts"])]
    if found["hidden"]:
        why = CxrError.from_dict(found["hidden"]).message(language)
        lines.append(text("weights.urls.hidden", language, why=why))
    lines += [text("weights.urls.vary", language, page=found["host_list"]), ""]
    lines.append(text("weights.urls.files", language))
    lines += addresses_text.file_lines(found["files"], language)
    return "\n".join(lines)


def _actions(wanted: Package, shelf: Shelf, errand: Errand | None, language: str) -> list[View]:
    """Buttons, the leading one first: `{"id", "words", "primary", "danger"}`."""
    if errand is not None and errand.going:
        key = "weights.do.pause" if errand.kind is Kind.FETCH else "weights.do.stop"
        stoppable = errand.state is State.RUNNING and errand.kind is not Kind.DELETE
        return [_action("stop", key, language, primary=True)] if stoppable else []
    state = state_of(shelf)
    fetch = {"absent": "fetch", "partial": "resume", "unverified": "fetch"}.get(state, "again")
    leads = state in ("absent", "partial", "altered", "broken")
    offered = [_action("fetch", f"weights.do.{fetch}", language, primary=leads)]
    copies = prepared.all_of(wanted.card) if wanted.card is not None else ()
    if copies or (shelf.recorded and shelf.state in (Stock.HERE, Stock.ALTERED)):
        offered.insert(0 if not leads else 1, _action("verify", "weights.do.verify", language))
    if state == "verified":
        offered = [each for each in offered if each["id"] == "verify"]
    else:
        offered.append(_action("import", "weights.do.import", language))
    offered.append(_action("urls", "weights.do.urls", language))
    if shelf.state is not Stock.ABSENT:
        offered.append(_action("delete", "weights.do.delete", language, danger=True))
    return offered


def _action(id: str, key: str, language: str, primary: bool = False, danger: bool = False) -> View:
    return {"id": id, "words": text(key, language), "primary": primary, "danger": danger}
