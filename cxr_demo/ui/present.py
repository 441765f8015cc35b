"""From records to what is shown: pure functions, plain JSON out, words in the page's language.

The page's scripts put every text in with `textContent`, so nothing here is escaped, and nothing
here is HTML.
"""

import re
from itertools import pairwise
from typing import Any

from cxr_demo.findings import Finding, Label
from cxr_demo.labelers.sentences import heading
from cxr_demo.records import FindingLabel, Notice, PipelineKind, Span
from cxr_demo.ui import catalogue
from cxr_demo.ui.findings_pane import findings_view
from cxr_demo.ui.readings import details, leading, state, state_words
from cxr_demo.ui.session import Session
from cxr_demo.ui.stamp import clipboard, output_label, stamp
from cxr_demo.ui.state import Image, Run, Study
from cxr_demo.ui.strings import text
from cxr_demo.ui.wording import model_name, notice_text
from cxr_demo.units import UNKNOWN, format_rate, format_seconds

View = dict[str, Any]


def view(session: Session) -> View:
    """All that the reading room shows of `session`. Call with the session's lock held."""
    language, run = session.language, session.run
    return {
        "revision": session.revision,
        "language": language,
        "opening": session.opening,
        "error": error_text(session),
        "study": study_view(session.study, language),
        "readings": [reading_tab(each, each is run, language) for each in session.shown_runs],
        "report": report_view(
            run, session.study, catalogue.remark(session.choice.model, language), language
        ),
        "findings": findings_view(run, language, session.shown_runs, session.policy),
        "timings": timings_view(run, language),
        "busy": session.busy,
        "choice": [session.choice.model, str(session.choice.precision)],
        "prompts": catalogue.prompt_choices(session.choice, language),
    }


# ---------------------------------------------------------------- the study


def error_text(session: Session) -> str | None:
    """Why the last thing failed, and what is on the screen then."""
    if session.error is None:
        return None
    message = session.error.message(session.language)
    if session.study is None:
        return message
    return f"{message} {text('still_previous', session.language)}"


def study_view(study: Study | None, language: str) -> View | None:
    """The study's head line, its notices, and what the viewer needs to load it."""
    if study is None:
        return None
    radiograph = study.image.radiograph
    return {
        "id": study.id,
        "sample": study.sample,
        "index": study.index,
        "images": len(study.images),
        "place": study.place,
        "picked": len(study.picked),
        "title": study_title(study.image, language),
        "notices": [notice_text(each, language) for each in radiograph.notices],
        "file_lut": study.images[study.index].bare is not None,
        "ignore_lut": study.ignore_lut,
        "image": viewer_header(study.image),
    }


def study_title(image: Image, language: str) -> str:
    """ "DICOM · DX · PA · 3056 × 2544 · 12 bit": facts of the file, never a name or a date."""
    radiograph = image.radiograph
    height, width = radiograph.pixels.shape
    parts = [radiograph.source, radiograph.modality, text(f"view.{radiograph.view}", language)]
    parts += [f"{width} × {height}", f"{radiograph.bits} bit"]
    return " · ".join(part for part in parts if part)


def viewer_header(image: Image) -> View:
    """What `CxrViewer.load` takes beside the pixels. A TABLE window's table travels as a list."""
    radiograph = image.radiograph
    height, width = radiograph.pixels.shape
    windows = [
        {
            "centre": window.centre,
            "width": window.width,
            "function": str(window.function),
            "label": window.label,
            "first": window.first,
            "table": None if window.table is None else window.table.tolist(),
        }
        for window in radiograph.windows
    ]
    return {
        "id": image.id,
        "width": width,
        "height": height,
        "windows": windows,
        "slope": radiograph.slope,
        "intercept": radiograph.intercept,
        "spacing": radiograph.spacing,
        "meta": {},  # view and bits stand in the head line
    }


# ---------------------------------------------------------------- readings


def reading_tab(run: Run, selected: bool, language: str) -> View:
    """One tab: which model, which precision, when, and how it stands."""
    return {
        "id": run.id,
        "title": model_name(run.choice.model, language),
        "details": details(run, language),
        "state": state(run),
        "selected": selected,
    }


def report_view(run: Run | None, study: Study | None, remark: str, language: str) -> View:
    """The report's pane in every one of its states; `remark` is what must be known of the chosen
    model before it is asked."""
    if run is None:
        key = "state.none" if study is None else "state.empty"
        words = text(key, language)
        return {"id": None, "state": "empty", "words": words, "remark": remark, "segments": []}
    now = state(run)
    return {
        "id": run.id,
        "state": now,
        "words": state_words(run, language),
        "fraction": run.fraction if now == "loading" else None,
        "label": output_label(run, language) if run.report else None,
        "language_note": _language_note(run, language) if run.report else None,
        "warning": _warning(run, now, language),
        "error": run.error.message(language) if now == "failed" and run.error else None,
        "offer": _offer(run, language),
        "segments": segments(run),
        "notices": [notice_text(each, language) for each in _reading_notices(run)],
        "stamp": stamp(run, language),
        "clipboard": clipboard(run, language),
    }


def _offer(run: Run, language: str) -> str | None:
    """The words of the button that goes on with what fits."""
    if run.offer is None:
        return None
    return text("offer", language, precision=text(f"precision.{run.offer.precision}", language))


_WEIGHT = {Label.POSITIVE: 0, Label.UNCERTAIN: 1, Label.NEGATIVE: 2, Label.NOT_MENTIONED: 3}


def segments(run: Run) -> list[View]:
    """The report cut at the borders of all evidence: `{"text", "findings", "label"}` each; the
    findings are those that the piece supports, the label is that of the first of them. Headings of
    a report in steps are pieces of their own, with their words as `heading`."""
    report = run.report
    found = leading(run)
    marks = [(span, row) for row in found.labels for span in row.spans] if found else []
    titles = _headings(run)
    spans = [span for span, _ in marks] + list(titles)
    borders = {0, len(report)} | {end for span in spans for end in (span.start, span.end)}
    cuts = sorted(cut for cut in borders if 0 <= cut <= len(report))
    return [
        _piece(report[start:end], [row for span, row in marks if _within(start, end, span)])
        | titles.get(Span(start, end), {})
        for start, end in pairwise(cuts)
    ]


def _within(start: int, end: int, span: Span) -> bool:
    return span.start <= start and end <= span.end


def _piece(words: str, over: list[FindingLabel]) -> View:
    over.sort(key=lambda row: (row.finding is Finding.NO_FINDING, _WEIGHT[row.label]))
    # What merely speaks against "No Finding" is no denial and gets no underline of its own.
    plain = not over or over[0].finding is Finding.NO_FINDING
    return {
        "text": words,
        "findings": list(dict.fromkeys(str(row.finding) for row in over)),
        "label": None if plain else str(over[0].label),
    }


def _headings(run: Run) -> dict[Span, View]:
    """Where the headings of a report in steps stand, and what makes them some."""
    return {
        Span(found.start(), found.end()): {"heading": step.heading}
        for step in run.choice.asked.steps
        for found in re.finditer(rf"^{re.escape(heading(step.heading))}$", run.report, re.MULTILINE)
    }


def _reading_notices(run: Run) -> tuple[Notice, ...]:
    # A reading repeats its radiograph's notices; those stand above, with the radiograph.
    own = run.reading.notices if run.reading else ()
    known = {notice.code for notice in run.image.radiograph.notices}
    return tuple(notice for notice in own if notice.code not in known)


def _language_note(run: Run, language: str) -> str | None:
    if language == "en":
        return None
    return text(
        "english_answer" if run.choice.kind is PipelineKind.DIRECT else "english_report", language
    )


def _warning(run: Run, now: str, language: str) -> str | None:
    if run.reading is not None and run.reading.provenance.stand_in:
        return text("stand_in", language)
    if now == "failed" and run.report:
        return text("state.failed_partial", language)
    return None


# ---------------------------------------------------------------- timings


def timings_view(run: Run | None, language: str) -> list[list[Any]]:
    """Tiles (key, name, value, None) of the shown reading's timings, live while it goes on. The
    rate counts tokens a second after the first one."""
    ttft = rate = total = tokens = None
    if run is not None and run.reading is not None:
        timings = run.reading.timings
        ttft, total, tokens = timings.ttft, timings.total, timings.tokens
        rate = 1 / timings.tpot if timings.tpot else None
    elif run is not None:
        ttft, total, tokens = run.first_at, run.last_at, len(run.pieces) or None
        if ttft and total and total > ttft:
            rate = (len(run.pieces) - 1) / (total - ttft)
    values = {
        "tele.ttft": format_seconds(ttft, language),
        "tele.rate": format_rate(rate, language),
        "tele.total": format_seconds(total, language),
        "tele.tokens": UNKNOWN if tokens is None else str(tokens),
    }
    return [[key, text(key, language), value, None] for key, value in values.items()]
