"""Gradio components whose words follow the language: each is registered once, where it is made."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.blocks import Block

from cxr_demo.ui.strings import text

Maker = Callable[[str], Any]


def words(key: str) -> Maker:
    """The text of `key`, as a function of the language."""
    return lambda language: text(key, language)


class Localised:
    """Remembers which property of which component holds which words."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.blocks: list[Block] = []
        self._makers: list[dict[str, Maker]] = []

    def start(self, **makers: Maker) -> dict[str, Any]:
        """The properties in the language that the app starts with."""
        return {name: maker(self.language) for name, maker in makers.items()}

    def add(self, block: Block, **makers: Maker) -> None:
        """From now on `block` follows the language."""
        self.blocks.append(block)
        self._makers.append(makers)

    def updates(self, language: str) -> list[Any]:
        """One update per registered block, in the order of `blocks`."""
        return [
            gr.update(**{name: maker(language) for name, maker in makers.items()})
            for makers in self._makers
        ]
