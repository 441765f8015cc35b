"""CSV tables by column name: plain or gzip, comma or semicolon, and labels by name only.

The 14 stand in another order in every table, so nothing here knows a position. A row is taken as it
is: nothing is filled in from other rows of the same patient or study, whose labels differ.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType

from cxr_demo.datasets.base import Labels, table_path
from cxr_demo.datasets.faults import ColumnsMissing, TableDamaged, TableMissing, TableUnreadable
from cxr_demo.findings import FINDINGS, Finding, Label

NAMES: Mapping[str, Sequence[str]] = {each.value: (each.value,) for each in Finding}
"""Every finding under the name that CheXpert's tables give it."""

CELLS: dict[Label, str] = {
    Label.POSITIVE: "1.0",
    Label.NEGATIVE: "0.0",
    Label.UNCERTAIN: "-1.0",
    Label.NOT_MENTIONED: "",
}
"""A label as the public tables write it."""

_LABELS = {cell: label for label, cell in CELLS.items()}
_LABELS |= {cell.removesuffix(".0"): label for label, cell in CELLS.items()}


class Table:
    """A table's rows as tuples of `columns`, then the 14 labels if asked for.

    `names` maps our name of a column to the headers that it may have. Raises TableMissing,
    TableUnreadable, ColumnsMissing and TableDamaged, which name `dataset` and the table.
    """

    def __init__(self, dataset: str, root: Path, name: str, encodings: Sequence[str] = ()) -> None:
        found = table_path(root, name)
        if found is None:
            raise TableMissing(dataset=dataset, table=name)
        self.dataset = dataset
        # a name that somebody chose may be a patient's
        self.name = name if "*" in name else found.name
        self._text = self._read(found, encodings or ("utf-8-sig",))

    def rows(
        self,
        columns: Mapping[str, Sequence[str]],
        optional: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> Iterator[tuple[int, list[str]]]:
        """(row number as a spreadsheet counts, cells of `columns` and then of `optional`), stripped
        of blanks at both ends; a column of `optional` that is missing gives "". At least two."""
        lines = csv.reader(io.StringIO(self._text, newline=""), delimiter=self._delimiter())
        header = {each.strip().casefold(): at for at, each in enumerate(next(lines, []))}
        places = [self._place(header, each) for each in (*columns.values(), *optional.values())]
        absent = [name for name, at in zip(columns, places, strict=False) if at is None]
        if absent:
            raise ColumnsMissing(dataset=self.dataset, table=self.name, columns=", ".join(absent))
        width = max(at for at in places if at is not None) + 1
        pick = itemgetter(*(-1 if at is None else at for at in places))
        try:
            for cells in lines:
                if not cells:
                    continue
                if len(cells) < width:
                    raise self.wrong(lines.line_num, "too short")
                cells.append("")  # what a column that is missing gives
                yield lines.line_num, list(map(str.strip, pick(cells)))
        except csv.Error as error:
            raise self.wrong(lines.line_num, "not CSV") from error

    def labels(self, row: int, cells: Sequence[str]) -> Labels:
        """The 14 labels of `cells`, which `rows` has given for `NAMES`. Equal ones are shared, so
        that half a million samples stay small."""
        try:
            return _labels(tuple(cells))
        except KeyError as error:
            at = next(at for at, cell in enumerate(cells) if cell not in _LABELS)
            raise self.wrong(row, list(NAMES)[at]) from error

    def inside(self, row: int, file: str) -> str:
        """`file` with slashes, if it stays below the root. Raises TableDamaged otherwise."""
        path = file.replace("\\", "/").removeprefix("./")
        outside = not path or path.startswith("/") or ":" in path or ".." in path.split("/")
        if outside or path.endswith("/"):
            raise self.wrong(row, "path")
        return path

    def wrong(self, row: int, column: str) -> TableDamaged:
        """The error for this row: `column` by name, never the value in it."""
        return TableDamaged(dataset=self.dataset, table=self.name, row=row, column=column)

    def _read(self, path: Path, encodings: Sequence[str]) -> str:
        try:
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable() from error
        for encoding in encodings:
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
        raise self._unreadable()

    def _unreadable(self) -> TableUnreadable:
        return TableUnreadable(dataset=self.dataset, table=self.name)

    def _delimiter(self) -> str:
        """The commonest of the three in the header: Excel in Portuguese writes semicolons."""
        header = self._text.partition("\n")[0]
        return max(",;\t", key=header.count)

    @staticmethod
    def _place(header: Mapping[str, int], headings: Sequence[str]) -> int | None:
        return next(
            (header[each.casefold()] for each in headings if each.casefold() in header), None
        )


def stem(file: str) -> str:
    """A path without its extension: the key of the image."""
    folder, slash, name = file.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}"


@cache
def _labels(cells: tuple[str, ...]) -> Labels:
    by_name = dict(zip(NAMES, (_LABELS[cell] for cell in cells), strict=True))
    return MappingProxyType({each: by_name[each.value] for each in FINDINGS})
