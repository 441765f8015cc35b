"""What a report carries when it leaves the screen: its provenance, and the text to copy."""

from cxr_demo.findings import FINDINGS
from cxr_demo.labelers.agreement import disagreements
from cxr_demo.models.cards import CARDS
from cxr_demo.records import FindingSet, Reading, StopReason
from cxr_demo.studies import window_name
from cxr_demo.ui.contradictions import SENTENCES
from cxr_demo.ui.findings_pane import calibrated, chance
from cxr_demo.ui.marks import is_confirmed
from cxr_demo.ui.readings import state_words
from cxr_demo.ui.state import Run
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import evidence, finding_state, image_use, model_name, notice_text
from cxr_demo.units import format_bytes, format_seconds


def stamp(run: Run, language: str) -> list[tuple[str, str]]:
    """Provenance of a finished reading as (name, value) pairs; empty before its end."""
    if run.reading is None:
        return []
    made = run.reading.provenance
    pairs = [
        ("prov.model", model_name(made.model, language)),
        ("prov.revision", made.revision or "–"),
        ("prov.weights", made.weights_sha256 or "–"),
        ("prov.precision", text(f"precision.{made.precision}", language)),
        ("prov.pipeline", text(f"pipeline.{made.pipeline}", language)),
        ("prov.prompt", f"{made.prompt.id}: {made.prompt.text}"),
        ("prov.preprocessing", made.preprocessing),
        ("prov.window", _window(run, language)),
        ("prov.engine", made.engine),
        ("prov.device", made.device),
        ("prov.confirmed", text("yes" if made.confirmed else "no", language)),
        ("prov.image_use", _image_use(run, language)),
        ("prov.image", made.image_sha256),
        ("prov.created", made.created),
        ("prov.timings", _timings(run, language)),
        ("prov.memory", _memory(run, language)),
        ("prov.versions", ", ".join(f"{k} {v}" for k, v in sorted(made.versions.items()))),
    ]
    return [(text(key, language), value) for key, value in pairs if value]


def output_label(run: Run, language: str) -> str:
    """What stands above every text of a model; also that its port was not confirmed, if so."""
    words, card = text("unverified", language), CARDS[run.choice.model]
    made = run.reading.provenance if run.reading else None
    confirmed = made.confirmed if made is not None else is_confirmed(card)
    if card.phantoms_only or confirmed:  # the embedded model is this program's own
        return words
    return f"{words} · {text('mark.port', language)}"


def clipboard(run: Run, language: str) -> str | None:
    """Report, findings, provenance and the disclaimer as plain text; None before the end."""
    if run.reading is None:
        return None
    reading = run.reading
    head = f"{text('app', language)} · {text('disclaimer', language)}"
    parts = [head, output_label(run, language)]
    if reading.stop is not StopReason.END:
        parts.append(state_words(run, language))
    parts += ["", reading.report.strip(), ""]
    parts += [*notices, ""] if (notices := _notices(run, language)) else []
    for found in reading.findings:
        parts += [*_findings_lines(found, reading, language), ""]
    parts += [*_chances(run, language), ""] if reading.probabilities else []
    parts.append(f"{text('clip.provenance', language)}:")
    parts += [f"  {name}: {value}" for name, value in stamp(run, language)]
    return "\n".join([*parts, "", text("disclaimer", language)])


def _findings_lines(found: FindingSet, reading: Reading, language: str) -> list[str]:
    by = text(f"labeler.{found.labeler}", language)
    lines = [f"{text('clip.findings', language)} ({by}):"]
    shown = FINDINGS
    if found.labeler == SENTENCES:  # beside CheXbert's own labels, where they differ
        shown = disagreements(reading.findings[0], found)
    for finding in shown:
        row = None if found.unparsed else found[finding]
        state = finding_state(row, reading.stop is StopReason.END, found.labeler)
        word = text(f"label.{state}", language)
        quotes = "; ".join(f"“{each}”" for each in evidence(found[finding], reading.report))
        lines.append(f"  {finding.name_in(language)}: {word}" + (f" — {quotes}" if quotes else ""))
    return lines if shown else []


def _chances(run: Run, language: str) -> list[str]:
    """The calibrated probabilities, and what they rest on."""
    rows = [(each, chance(each, run, language)) for each in FINDINGS]
    known = [(finding, value) for finding, value in rows if value is not None]
    lines = [f"  {each.name_in(language)}: {value['percent']}" for each, value in known]
    return [str(calibrated(run, language)), *lines] if lines else []


def _notices(run: Run, language: str) -> list[str]:
    """What must be known of the radiograph and of the reading, each once, in words."""
    both = (*run.image.radiograph.notices, *(run.reading.notices if run.reading else ()))
    return list(dict.fromkeys(f"! {notice_text(each, language)}" for each in both))


def _window(run: Run, language: str) -> str:
    """The window that the model's greys were made with, and whose it is."""
    radiograph = run.image.radiograph
    whose = "full" if radiograph.windows[0].label == "full" else "file"
    ignored = any(each.code == "file_lut_ignored" for each in radiograph.notices)
    key = "window.ignored" if ignored else f"window.{whose}"
    return text(key, language, window=window_name(radiograph))


def _image_use(run: Run, language: str) -> str:
    known = run.reading.provenance.image_use if run.reading else None
    return text("use.unknown", language) if known is None else image_use(known, language)


def _timings(run: Run, language: str) -> str:
    timings = run.reading.timings if run.reading else None
    if timings is None:
        return ""
    first, total = (format_seconds(each, language) for each in (timings.ttft, timings.total))
    return f"{text('tele.ttft', language)} {first}, {text('tele.total', language)} {total}"


def _memory(run: Run, language: str) -> str:
    memory = run.reading.memory if run.reading else None
    if memory is None:
        return ""
    if memory.vram_device_peak is not None:
        peak = format_bytes(memory.vram_device_peak, language)
        base = format_bytes(memory.vram_device_baseline, language)
        return text("prov.vram", language, peak=peak, base=base)
    if memory.rss_peak is None:
        return ""
    return f"{text('tele.rss_peak', language)} {format_bytes(memory.rss_peak, language)}"
