"""Files and their sizes as lines of text for a firewall team; the same in terminal and app."""

from collections.abc import Sequence
from typing import Any

_TOTAL = ("in all", "no total")


def file_lines(files: Sequence[dict[str, Any]], language: str) -> list[str]:
    """A line per file (`size` in bytes, `hash`, `url`), and their sum."""
    lines = [f"{_grouped(e['size'], language)}  {e['hash']}  {e['url']}" for e in files]
    total = _grouped(sum(each["size"] for each in files), language)
    return [*lines, f"{total}  {_TOTAL[language == 'pt']}"]


def _grouped(count: int, language: str) -> str:
    grouped = f"{count:,}"
    return f"{grouped.replace(',', '.') if language == 'pt' else grouped:>14}"
