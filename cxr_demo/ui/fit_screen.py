"""The screen "Will it fit?": one pane, drawn by `static/fit.js` from `fit_api`."""

import gradio as gr

from cxr_demo.ui.context import Context
from cxr_demo.ui.reading_room import pane


def build(context: Context) -> None:
    """Lay out the screen inside the current tab; its words come with its view."""
    with gr.Column(elem_id="fit"):
        pane("fit")
