"""CSV tables by column name: plain or gzip, comma or semicolon, and labels by name only. The
hospital's own table may also be as spreadsheets write it: a first line "sep=;", UTF-16, decimal
commas, rows of blanks at its end.

The 14 stand in another order in every table, so nothing here knows a position. A row is taken as it
is: nothing is filled in from other rows of the same patient or study, whose labels differ.
"""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType

from cxr_demo.datasets.base import Labels, Title, own_tables, table_path
from cxr_demo.datasets.faults import (
    ColumnsMissing,
    DatasetError,
    OwnColumnsMissing,
    OwnTableDamaged,
    OwnTableMissing,
    TableDamaged,
    TableMissing,
    TableUnreadable,
)
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
_LABELS |= {cell.replace(".", ","): label for label, cell in CELLS.items()}
_REASONS = {"too short": "short", "too long": "long", "not CSV": "csv", "path": "path"}
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Table:
    """A table's rows as tuples of `columns`, then the 14 labels if asked for.

    `names` maps our name of a column to the headers that it may have. Raises TableMissing,
    TableUnreadable, ColumnsMissing and TableDamaged, which name `dataset` and the table; for a
    table of the hospital's own (`name` with a star) OwnTableMissing, OwnColumnsMissing and
    OwnTableDamaged, since somebody chose its name, and it may be a patient's.
    """

    def __init__(
        self, dataset: Title, root: Path, name: str, encodings: Sequence[str] = ()
    ) -> None:
        found = table_path(root, name)
        self.own = "*" in name
        if found is None:
            if self.own:
                raise OwnTableMissing(tables=len(own_tables(root)))
            raise TableMissing(dataset=dataset, table=name)
        self.dataset = dataset
        self.name = name if self.own else found.name
        self._headings: dict[str, str] = {}
        self._text = self._read(found, encodings or ("utf-8-sig",))

    def rows(
        self,
        columns: Mapping[str, Sequence[str]],
        optional: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> Iterator[tuple[int, list[str]]]:
        """(row number as a spreadsheet counts, cells of `columns` and then of `optional`), stripped
        of blanks at both ends; a column of `optional` that is missing gives "". At least two."""
        lines = csv.reader(io.StringIO(self._text, newline=""), delimiter=self._delimiter())
        heads = next(lines, [])
        if heads and self._text.startswith("sep="):
            heads = next(lines, [])
        header = {each.strip().casefold(): at for at, each in enumerate(heads)}
        places = [self._place(header, each) for each in (*columns.values(), *optional.values())]
        absent = [name for name, at in zip(columns, places, strict=False) if at is None]
        if absent:
            raise self._without(absent)
        self._headings = {
            name: heads[at].strip()
            for name, at in zip(columns, places, strict=False)
            if at is not None
        }
        if self.own:
            self._refuse_two(heads, {**columns, **optional})
        width = max(at for at in places if at is not None) + 1
        pick = itemgetter(*(-1 if at is None else at for at in places))
        try:
            for cells in lines:
                if not any(map(str.strip, cells)):
                    continue
                if len(cells) < width:
                    raise self.wrong(lines.line_num, "too short")
                if self.own and len(cells) > len(heads):  # labels may have moved, blank ones too
                    raise self.wrong(lines.line_num, "too long")
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
            raise self.wrong(row, list(NAMES)[at], "label") from error

    def inside(self, row: int, file: str) -> str:
        """`file` with slashes, if it stays below the root. Raises TableDamaged otherwise."""
        path = file.replace("\\", "/").removeprefix("./")
        outside = not path or path.startswith("/") or ":" in path or ".." in path.split("/")
        if outside or path.endswith("/"):
            raise self.wrong(row, "path")
        return path

    def wrong(self, row: int, column: str, why: str = "") -> DatasetError:
        """The error for this row: `column` by name, never the value in it. `why` is a key of
        `OwnTableDamaged.REASONS`."""
        if not self.own:
            return TableDamaged(dataset=self.dataset, table=self.name, row=row, column=column)
        heading = self._headings.get(column, "")
        return OwnTableDamaged(row=row, column=heading, why=why or _REASONS[column])

    def _refuse_two(self, heads: Sequence[str], columns: Mapping[str, Sequence[str]]) -> None:
        """Of two columns with one meaning nobody knows which is meant."""
        found = [each.strip().casefold() for each in heads]
        for headings in columns.values():
            known = {each.casefold() for each in headings}
            there = [heads[at].strip() for at, each in enumerate(found) if each in known]
            if len(there) > 1:
                raise OwnTableDamaged(row=1, column=" / ".join(dict.fromkeys(there)), why="two")

    def _without(self, columns: Sequence[str]) -> DatasetError:
        if self.own:
            return OwnColumnsMissing(columns=list(columns))
        return ColumnsMissing(dataset=self.dataset, table=self.name, columns=", ".join(columns))

    def _read(self, path: Path, encodings: Sequence[str]) -> str:
        try:
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        except (OSError, EOFError, zlib.error) as error:
            raise self._unreadable() from error
        wide = self.own and data.startswith(_UTF_16)
        for encoding in ("utf-16",) if wide else encodings:
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
        raise self._unreadable()

    def _unreadable(self) -> TableUnreadable:
        return TableUnreadable(dataset=self.dataset, table=self.name)

    def _delimiter(self) -> str:
        """The commonest of the three in the header: Excel in Portuguese writes semicolons. Or what
        a first line like "sep=;" names."""
        header = self._text.partition("\n")[0]
        if header.startswith("sep=") and header[4:5] in (",", ";", "\t"):
            return header[4]
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
