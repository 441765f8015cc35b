"""The Benchmarks tab: one static pane, which the page's scripts draw from /cxr/bench."""

from cxr_demo.ui.context import Context
from cxr_demo.ui.reading_room import pane


def build(context: Context) -> None:
    """Lay out the screen inside the current tab."""
    pane("bench")
