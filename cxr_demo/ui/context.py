"""What the builders of the tabs share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from cxr_demo.ui.api import Sessions
from cxr_demo.ui.state import Choice
from cxr_demo.ui.words import Localised

QUIET: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "trigger_mode": "multiple",
}
"""Options of every event: at once, no spinner over the pane, and not part of a public API."""

FOLLOW = "() => window.cxrApp?.kick()"
"""Script for `.then()`: the page asks for the new view at once, not at its next turn."""


@dataclass(frozen=True)
class Context:
    """`key` holds the id of the page's session; `choice` is what the controls start with."""

    sessions: Sessions
    local: Localised
    choice: Choice
    key: gr.State


@dataclass(frozen=True)
class Tab:
    """One tab: the key of its title, and what lays it out inside the tab."""

    title: str
    build: Callable[[Context], None]
