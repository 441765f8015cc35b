"""Bytes and seconds inside, readable units at the roof. What is not known stays None, never 0."""

from datetime import datetime

KIB = 1024
MIB = 1024**2
GIB = 1024**3

UNKNOWN = "–"
"""Shown for a value that this platform cannot give."""


def format_bytes(count: int | None, language: str = "en") -> str:
    """`count` bytes as "3.4 GiB" ("3,4 GiB" in Portuguese); `UNKNOWN` for None."""
    if count is None:
        return UNKNOWN
    for unit, size in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if count >= size:
            return _decimal(f"{count / size:.1f} {unit}", language)
    return f"{count} B"


def format_seconds(seconds: float | None, language: str = "en") -> str:
    """`seconds` as "2.3 ms", "312 ms", "2.4 s", "3 min 20 s", "2 h 05 min"; `UNKNOWN` for None."""
    if seconds is None:
        return UNKNOWN
    if 0 < seconds < 0.01:
        return _decimal(f"{seconds * 1000:.1f} ms", language)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 100:
        return _decimal(f"{seconds:.1f} s", language)
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def format_rate(per_second: float | None, language: str = "en") -> str:
    """A rate with one decimal, "29.8" ("29,8" in Portuguese); `UNKNOWN` for None."""
    return UNKNOWN if per_second is None else _decimal(f"{per_second:.1f}", language)


def format_count(count: int | None, language: str = "en") -> str:
    """A large number as "8.2 M" or "4.30 B" ("4,30 bi" in Portuguese); `UNKNOWN` for None."""
    if count is None:
        return UNKNOWN
    if count >= 1e9:
        unit = "bi" if language == "pt" else "B"
        return _decimal(f"{count / 1e9:.2f} {unit}", language)
    return _decimal(f"{count / 1e6:.1f} {'mi' if language == 'pt' else 'M'}", language)


def format_date(created: str, language: str = "en") -> str:
    """The day of an ISO time: "2026-11-23", in Portuguese "23/11/2026"."""
    year, month, day = created[:10].split("-")
    return f"{day}/{month}/{year}" if language == "pt" else f"{year}-{month}-{day}"


def format_moment(created: str, language: str = "en") -> str:
    """Day and time of an ISO time, by this machine's clock."""
    here = datetime.fromisoformat(created).astimezone()
    return f"{format_date(here.isoformat(), language)} {here:%H:%M}"


def _decimal(text: str, language: str) -> str:
    return text.replace(".", ",") if language == "pt" else text
