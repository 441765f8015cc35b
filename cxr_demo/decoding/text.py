"""From token ids to text, piece by piece, without ever showing half a character."""

from collections.abc import Callable, Sequence

Decode = Callable[[list[int]], str]
BROKEN = "\N{REPLACEMENT CHARACTER}"


class TextStream:
    """Turns ids into the text that each adds. The pieces, joined, equal `decode` of all ids (if
    their bytes are valid UTF-8), less leading white space and less half a character at the end.

    `hidden` is a pair of ids around thoughts that are not part of the reply (MedGemma's
    `<unused94>` and `<unused95>`). Text from the first of `stop_strings` on is held back, and
    `stopped` becomes true.
    """

    def __init__(
        self,
        decode: Decode,
        hidden: tuple[int, int] | None = None,
        stop_strings: Sequence[str] = (),
    ) -> None:
        self.stopped = False
        self._decode = decode
        self._hidden = hidden
        self._thinking = False
        self._stop_strings = tuple(stop_strings)
        self._ids: list[int] = []
        self._start = 0  # first id that still matters for the text of the next one
        self._shown = 0  # characters of decode(ids[start:]) that were given out
        self._held = ""  # text that may be the beginning of a stop string
        self._begun = False

    def push(self, id: int) -> str:
        """The text that `id` adds; empty inside a character, a thought or a possible stop."""
        if self.stopped or self._is_thought(id):
            return ""
        return self._release(self._grow(id))

    def finish(self) -> str:
        """What was held back when the reply ended without a stop string."""
        rest, self._held = self._held, ""
        return "" if self.stopped else rest

    def _is_thought(self, id: int) -> bool:
        if self._hidden is None:
            return False
        was_thinking = self._thinking
        if id == self._hidden[0]:
            self._thinking = True
        elif id == self._hidden[1]:
            self._thinking = False
        return was_thinking or id in self._hidden

    def _grow(self, id: int) -> str:
        self._ids.append(id)
        text = self._decode(self._ids[self._start :])
        if text.endswith(BROKEN):
            return ""
        piece, self._shown = text[self._shown :], len(text)
        last = self._decode([id])
        if BROKEN not in last:
            # One id stays as context, since decoders treat the very first one differently. Bytes
            # stay together: a run of them is decoded as a whole or not at all.
            self._start, self._shown = len(self._ids) - 1, len(last)
        return self._without_leading_space(piece)

    def _without_leading_space(self, piece: str) -> str:
        if not self._begun:
            piece = piece.lstrip()
            self._begun = bool(piece)
        return piece

    def _release(self, piece: str) -> str:
        text = self._held + piece
        cut = min((at for each in self._stop_strings if (at := text.find(each)) >= 0), default=-1)
        if cut >= 0:
            self.stopped, self._held = True, ""
            return text[:cut]
        keep = max((_overlap(text, each) for each in self._stop_strings), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest beginning of `stop`, short of all of it, that `text` ends with."""
    return max((n for n in range(1, len(stop)) if text.endswith(stop[:n])), default=0)
