"""The doctor's diagnosis at the top of the first screen: what is wrong, and what mends it."""

from html import escape

import gradio as gr

from cxr_demo.telemetry.doctor import Diagnosis, diagnose
from cxr_demo.ui.context import Context


def build(context: Context) -> None:
    """A bar above the tabs, if there is anything to say; nothing otherwise."""
    found = diagnose()
    if not found:
        return

    def html(language: str) -> str:
        items = "".join(_item(each, language) for each in found)
        return f'<div class="banner" role="alert">{items}</div>'

    bar = gr.HTML(
        elem_id="banner",
        elem_classes="cxr-static",
        apply_default_css=False,
        **context.local.start(value=html),
    )
    context.local.add(bar, value=html)


def _item(found: Diagnosis, language: str) -> str:
    mend = f" <code>{escape(found.mend)}</code>" if found.mend else ""
    return f"<p>{escape(found.message(language))}{mend}</p>"
