"""The reading room: radiograph, report, findings and telemetry in three panes.

Gradio holds the controls; the panes are static and drawn by the page's scripts (`static/*.js`) from
the session's view, so that a canvas, a selection and a scroll position survive every change.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from cxr_demo.models.cards import CARDS
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.ui import catalogue
from cxr_demo.ui.context import FOLLOW, QUIET, Context
from cxr_demo.ui.session import Session
from cxr_demo.ui.state import Choice
from cxr_demo.ui.words import words


def pane(name: str, kind: str = "cxr-static cxr-fill") -> gr.HTML:
    """A place that the page's scripts fill; they are told of it when Gradio has built it."""
    return gr.HTML(
        html_template=f'<div class="cxr-pane" data-pane="{name}"></div>',
        js_on_load=(
            "(window.cxrQueue ??= []).push("
            f"['{name}', element.querySelector('[data-pane={name}]')])"
        ),
        elem_id=f"pane-{name}",
        elem_classes=kind,
        apply_default_css=False,
    )


def build(context: Context) -> None:
    """Lay out the three panes inside the current tab."""
    with gr.Row(elem_id="room", equal_height=True):
        with gr.Column(elem_id="column-study", min_width=200):
            pane("study")
        with gr.Column(elem_id="column-report", min_width=200):
            controls = _controls(context)
            pane("report")
        with gr.Column(elem_id="column-findings", min_width=200):
            pane("findings")
            pane("telemetry", "cxr-static")
    _connect(context, controls)


@dataclass(frozen=True)
class _Controls:
    model: gr.Dropdown
    precision: gr.Radio
    kind: gr.Radio
    generate: gr.Button
    stop: gr.Button
    accept: gr.Button


def _controls(context: Context) -> _Controls:
    local, choice = context.local, context.choice
    with gr.Column(elem_id="controls"):
        said = {"label": words("model"), "choices": catalogue.model_choices}
        model = gr.Dropdown(
            value=choice.model, elem_id="model", filterable=False, **local.start(**said)
        )
        local.add(model, **said)
        with gr.Row(elem_id="options"):
            precision = gr.Radio(
                # These depend on the model, not on the language: `choose_model` keeps them.
                choices=catalogue.precision_choices(choice.model, local.language),
                value=str(choice.precision),
                elem_id="precision",
                **local.start(label=words("precision")),
            )
            local.add(precision, label=words("precision"))
            said = {"label": words("pipeline"), "choices": catalogue.pipeline_choices}
            kind = gr.Radio(value=str(choice.kind), elem_id="pipeline", **local.start(**said))
            local.add(kind, **said)
        with gr.Row(elem_id="actions"):
            generate = _button(context, "generate", variant="primary")
            stop = _button(context, "stop")
        # The report's pane has the visible one; this one brings Gradio's controls along.
        accept = gr.Button(elem_id="accept-offer", visible="hidden")
    return _Controls(model, precision, kind, generate, stop, accept)


def _button(context: Context, name: str, **options: Any) -> gr.Button:
    said = {"value": words(name)}
    button = gr.Button(elem_id=name, **context.local.start(**said), **options)
    context.local.add(button, **said)
    return button


def _connect(context: Context, controls: _Controls) -> None:
    def session_with(key: str, model: str, precision: str, kind: str) -> Session | None:
        session = context.sessions.get(key)
        if session is not None:
            session.set_choice(Choice(model, Precision(precision), PipelineKind(kind)))
        return session

    def choose(key: str, model: str, precision: str, kind: str) -> None:
        session_with(key, model, precision, kind)

    def choose_model(key: str, model: str, precision: str, kind: str) -> dict[str, Any]:
        offered = [str(each) for each in CARDS[model].precisions]
        chosen = precision if precision in offered else offered[0]
        session = session_with(key, model, chosen, kind)
        language = session.language if session else context.local.language
        return gr.update(choices=catalogue.precision_choices(model, language), value=chosen)

    def start(key: str, model: str, precision: str, kind: str) -> None:
        session = session_with(key, model, precision, kind)
        if session is not None:
            session.generate()

    def accept(key: str) -> list[dict[str, Any]]:
        session = context.sessions.get(key)
        offered = session.accept_offer() if session is not None else None
        if session is None or offered is None:
            return [gr.update(), gr.update()]
        precisions = catalogue.precision_choices(offered.model, session.language)
        chosen = gr.update(choices=precisions, value=str(offered.precision))
        return [gr.update(value=offered.model), chosen]

    def end(key: str) -> None:
        session = context.sessions.get(key)
        if session is not None:
            session.stop()

    chosen = [context.key, controls.model, controls.precision, controls.kind]
    for event in (
        controls.model.input(choose_model, chosen, [controls.precision], **QUIET),
        controls.precision.input(choose, chosen, None, **QUIET),
        controls.kind.input(choose, chosen, None, **QUIET),
        controls.generate.click(start, chosen, None, **QUIET),
        controls.stop.click(end, [context.key], None, **QUIET),
        controls.accept.click(accept, [context.key], [controls.model, controls.precision], **QUIET),
    ):
        event.then(None, js=FOLLOW)
