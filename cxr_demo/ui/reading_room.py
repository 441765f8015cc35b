"""The reading room: radiograph, report, findings and telemetry in three panes.

Gradio holds the controls; the panes are static and drawn by the page's scripts (`static/*.js`) from
the session's view, so that a canvas, a selection and a scroll position survive every change.
"""

from dataclasses import replace

import gradio as gr

from cxr_demo.models.cards import CARDS
from cxr_demo.records import PipelineKind, Precision
from cxr_demo.ui import catalogue
from cxr_demo.ui.context import QUIET, Context
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
            _controls(context)
            pane("report")
        with gr.Column(elem_id="column-findings", min_width=200):
            pane("findings")
            pane("telemetry", "cxr-static")


def _controls(context: Context) -> None:
    local, choice = context.local, context.choice
    with gr.Column(elem_id="controls"):
        model_words = {"label": words("model"), "choices": catalogue.model_choices}
        model = gr.Dropdown(
            value=choice.model,
            elem_id="model",
            filterable=False,
            **local.start(**model_words),
        )
        local.add(model, **model_words)
        with gr.Row(elem_id="options"):
            # The choices of the precision depend on the model: `_choose_model` keeps them.
            precision = gr.Radio(
                choices=catalogue.precision_choices(choice.model, local.language),
                value=str(choice.precision),
                elem_id="precision",
                **local.start(label=words("precision")),
            )
            local.add(precision, label=words("precision"))
            kind_words = {"label": words("pipeline"), "choices": catalogue.pipeline_choices}
            kind = gr.Radio(value=str(choice.kind), elem_id="pipeline", **local.start(**kind_words))
            local.add(kind, **kind_words)
        with gr.Row(elem_id="actions"):
            generate = gr.Button(
                variant="primary", elem_id="generate", **local.start(value=words("generate"))
            )
            local.add(generate, value=words("generate"))
            stop = gr.Button(elem_id="stop", **local.start(value=words("stop")))
            local.add(stop, value=words("stop"))

    def choose_model(key: str, model: str, precision: str) -> dict[str, object]:
        session = context.sessions.get(key)
        offered = [str(each) for each in CARDS[model].precisions]
        chosen = precision if precision in offered else offered[0]
        if session is not None:
            session.set_choice(replace(session.choice, model=model, precision=Precision(chosen)))
        language = session.language if session else local.language
        return gr.update(choices=catalogue.precision_choices(model, language), value=chosen)

    def choose(key: str, precision: str, kind: str) -> None:
        session = context.sessions.get(key)
        if session is not None:
            chosen = replace(
                session.choice, precision=Precision(precision), kind=PipelineKind(kind)
            )
            session.set_choice(chosen)

    def start(key: str, model: str, precision: str, kind: str) -> None:
        session = context.sessions.get(key)
        if session is not None:
            chosen = replace(
                session.choice,
                model=model,
                precision=Precision(precision),
                kind=PipelineKind(kind),
            )
            session.set_choice(chosen)
            session.generate()

    def end(key: str) -> None:
        session = context.sessions.get(key)
        if session is not None:
            session.stop()

    key = context.key
    model.input(choose_model, [key, model, precision], [precision], **QUIET)
    precision.input(choose, [key, precision, kind], None, **QUIET)
    kind.input(choose, [key, precision, kind], None, **QUIET)
    generate.click(start, [key, model, precision, kind], None, **QUIET)
    stop.click(end, [key], None, **QUIET)
