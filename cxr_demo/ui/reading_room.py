"""The reading room: radiograph, report, findings and telemetry in three panes.

Gradio holds the controls; the panes are static and drawn by the page's scripts (`static/*.js`) from
the session's view, so that a canvas, a selection and a scroll position survive every change.
"""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from cxr_demo.records import PipelineKind
from cxr_demo.ui import catalogue
from cxr_demo.ui.context import FOLLOW, QUIET, Context
from cxr_demo.ui.session import Session
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
    kind: gr.Radio
    generate: gr.Button
    stop: gr.Button


def _controls(context: Context) -> _Controls:
    local, choice = context.local, context.choice
    with gr.Column(elem_id="controls"):
        pane("picker", "cxr-static")  # model and precision, with whether they fit
        with gr.Row(elem_id="options"):
            said = {"label": words("pipeline"), "choices": catalogue.pipeline_choices}
            kind = gr.Radio(
                value=str(choice.kind),
                elem_id="pipeline",
                show_label=False,
                container=False,
                **local.start(**said),
            )
            local.add(kind, **said)
            pane("prompts", "cxr-static")  # nothing, unless the model knows several
        with gr.Row(elem_id="actions"):
            generate = _button(context, "generate", variant="primary")
            stop = _button(context, "stop")
    return _Controls(kind, generate, stop)


def _button(context: Context, name: str, **options: Any) -> gr.Button:
    said = {"value": words(name)}
    button = gr.Button(elem_id=name, **context.local.start(**said), **options)
    context.local.add(button, **said)
    return button


def _connect(context: Context, controls: _Controls) -> None:
    def session_with(key: str, kind: str) -> Session | None:
        session = context.sessions.get(key)
        if session is not None:
            session.set_choice(replace(session.choice, kind=PipelineKind(kind)))
        return session

    def choose(key: str, kind: str) -> None:
        session_with(key, kind)

    def start(key: str, kind: str) -> None:
        session = session_with(key, kind)
        if session is not None:
            session.generate()

    def end(key: str) -> None:
        session = context.sessions.get(key)
        if session is not None:
            session.stop()

    chosen = [context.key, controls.kind]
    for event in (
        controls.kind.input(choose, chosen, None, **QUIET),
        controls.generate.click(start, chosen, None, **QUIET),
        controls.stop.click(end, [context.key], None, **QUIET),
    ):
        event.then(None, js=FOLLOW)
