"""All results in one JSON and one Markdown file, with the machines they come from."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.speed import goals, joining

WHAT = "Speed, memory and fidelity of the engine against stock generate(), RANDOM weights."
COMMAND = "python -m benchmarks.speed --merge FOLDER --out FILE [--earlier FILE]"
NOTHING = "not measured"


def merge(
    folder: Path,
    out: Path,
    table: Path | None = None,
    tiny: bool = False,
    earlier: Path | None = None,
) -> dict[str, Any]:
    """Join the `speed_*.json` of `folder`, and the parts of `earlier` that are no older, into
    `out`, and a table if wanted. Raises ValueError as `joining.parts` does."""
    records = joining.parts(folder, earlier, tiny)
    reached = [each.to_dict() for each in joining.reached(records)]
    results = {"tiny": tiny, "goals": reached, "parts": records}
    names = sorted({gpu["name"] for each in records for gpu in each["machine"]["gpus"]})
    report.write(out, WHAT, COMMAND, results, gpus=names)  # each part names its whole machine
    text = markdown(records)
    if table is not None:
        table.write_text(text, encoding="utf-8")
    print(text)
    return results


def markdown(records: Sequence[dict[str, Any]]) -> str:
    """Every table; ratios first of all, since only figures of one machine can be compared. Where
    there are several, each row says by its number which one it is from."""
    machines = list(dict.fromkeys(joining.machine(each) for each in records))
    sections = [
        "# Speed of the decoding engine",
        "Random weights at published size: no quality follows. Written by `benchmarks.speed`.",
        "\n".join(f"{number}. {each}" for number, each in enumerate(machines, 1)),
        _table(list(_summary(records))),
        "## What had to be reached",
        _goal_table(joining.reached(records)),
    ]
    for stage, rows in _ROWS.items():
        found = []
        for each in records:
            model, its_stage, precision = joining.key(each)
            at = {"on": machines.index(joining.machine(each)) + 1} if len(machines) > 1 else {}
            if its_stage == stage:
                lines = rows(each["results"]["figures"])
                found += [(model, precision, at | row) for row in lines]
        if found:
            sections += [f"## {_TITLES[stage]}", _table(found)]
    return "\n\n".join(sections) + "\n"


def _summary(records: Sequence[dict[str, Any]]) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """The fastest path of each model and precision beside stock's."""
    figures = {joining.key(each): each["results"]["figures"] for each in records}
    for (model, stage, precision), single in figures.items():
        best = goals.best_path(single) if stage == "batch1" else None
        if best is None:
            continue
        stock, token = single["stock"], best["per_token"]["median"]
        starts = figures.get((model, "start", precision), {})
        app = goals.by_app(starts)
        own, at_most = (goals.peak(app, "device", longest=each) for each in (False, True))
        theirs, longest = (
            goals.peak(starts.get(each), "device") for each in ("stock", "stock-longest")
        )
        yield (
            model,
            precision,
            {
                "path": best["path"],
                "a token (ms)": _ms(token),
                "over the floor": goals.ratio(token, single["floor"]["seconds"]),
                "times faster than stock": goals.ratio(stock["per_token"], token),
                "first token (ms)": _ms(best["ttft"]["median"]),
                "of stock's": goals.ratio(best["ttft"]["median"], stock["ttft"]["median"]),
                "peak of the device (GiB)": _gib(own),
                "of stock's peak": goals.ratio(own, theirs),
                "of stock's, longest report": goals.ratio(at_most, longest),
            },
        )


def _goal_table(reached: Iterable[goals.Goal]) -> str:
    lines = ["| goal | model | reached | at least | aim | met |", "|---|---|---|---|---|---|"]
    for each in reached:
        sign = "≥" if each.more else "≤"
        wanted = [
            "" if bound is None else f"{sign} {_short(bound, 4)}"
            for bound in (each.bound, each.aim)
        ]
        cells = [each.what, each.model, _short(each.value, 4), *wanted, _verdict(each)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _verdict(goal: goals.Goal) -> str:
    if goal.value is None:
        return NOTHING
    if goal.met is False:
        return "NO"
    return "aim missed" if goal.at_aim is False else "yes"


def _table(rows: Sequence[tuple[str, str, dict[str, Any]]]) -> str:
    names = list(dict.fromkeys(name for _, _, row in rows for name in row))
    head = ["model", "precision", *names]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for model, precision, row in rows:
        cells = [_short(row.get(each)) for each in names]
        lines.append(f"| {' | '.join([model, precision, *cells])} |")
    return "\n".join(lines)


def _short(value: Any, digits: int = 3) -> str:
    if isinstance(value, float):
        return f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:.0f}"
    return "" if value is None else str(value)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1000 * seconds


def _gib(size: int | None) -> float | None:
    return None if size is None else size / 1024**3


def _batch1_rows(found: dict[str, Any]) -> Iterable[dict[str, Any]]:
    floor, stock = found["floor"]["seconds"], found["stock"]
    yield {
        "by": "stock",
        "floor (ms)": _ms(floor),
        "per token (ms)": _ms(stock["per_token"]),
        "over the floor": stock["per_token"] / floor,
        "first token (ms)": _ms(stock["ttft"]["median"]),
    }
    for path, each in found["paths"].items():
        per_token, first = each["per_token"]["median"], each["ttft"]["median"]
        yield {
            "by": path,
            "floor (ms)": _ms(floor),
            "per token (ms)": _ms(per_token),
            "over the floor": per_token / floor,
            "times faster than stock": stock["per_token"] / per_token,
            "first token (ms)": _ms(first),
            "first token over stock's": first / stock["ttft"]["median"],
            "prefill (ms)": _ms(each["prefill"]["median"]),
            "image and prompt (ms)": _ms(each["embedding"]["median"]),
            "both, as read (ms)": _ms(each["both"]["median"]) if "both" in each else None,
        }


def _fidelity_rows(found: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for size in ("batch1", "batch"):
        if size not in found:
            continue
        compared = dict(found[size]["engine"])
        eager = found[size]["eager"]
        compared |= {f"stock, eager ({name})": each for name, each in eager.items()}
        if "again" in found[size]:
            compared["stock, a second time"] = found[size]["again"]
        if "unpacked" in found[size]:
            compared["stock, 4 bits unpacked first"] = found[size]["unpacked"]
        yield from _distances(found[size]["rows"], "stock SDPA", compared)
    yield from _distances(1, "float32", found.get("exact", {}))


def _distances(rows: int, one: str, others: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for label, each in others.items():
        yield {
            "rows": rows,
            "from": one,
            "to": label,
            "largest difference": each["largest"],
            "mean KL (nats)": each["mean_kl"],
            "same first choice": each["same_first"],
        }


def _throughput_rows(found: dict[str, Any]) -> Iterable[dict[str, Any]]:
    runs = [("engine, all", found["engine"]["whole"])]
    runs += [(f"engine, {count} slots", each) for count, each in found["engine"]["tried"].items()]
    for count, each in found.get("stock", {"tried": {}})["tried"].items():
        runs.append((f"stock, batch {count}", each))
    for label, each in runs:
        if each is None:
            yield {"by": label, "images": "out of memory"}
            continue
        yield {
            "by": label,
            "images": each["images"],
            "images/s": each["images_per_second"],
            "steady": each.get("images_per_second_steady"),
            "tokens/s": each["tokens_per_second"],
            "idle share": each["idle_share"],
        }


def _start_rows(found: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for run, each in found.items():
        yield {
            "run": run,
            "load (s)": each["seconds_loading"],
            "to first token (s)": each["seconds_to_first_token"],
            "by": each["first_token_by"],
            "until best path (s)": each["seconds_until_best"],
            "read by": each["read_by"],
            "peak allocated (GiB)": _gib(each["reading"]["allocated"]),
            "peak device (GiB)": _gib(each["reading"]["device"]),
            "longest report (GiB)": None
            if run == "stock"
            else _gib(goals.peak(each, "device", longest=True)),
        }


def _kernel_rows(found: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for each in found["parts"]:
        floor = each["bytes"] / found["bandwidth"]
        yield {
            "part of a layer": each["part"],
            "rows": each["rows"],
            "us": _us(each["seconds"]),
            "native modules (us)": _us(each["native_seconds"]),
            "its weights' floor (us)": _us(floor) if each["bytes"] else None,
            "error": each["error"],
            "native error": each["native_error"],
        }


def _us(seconds: float | None) -> float | None:
    return None if seconds is None else 1e6 * seconds


_ROWS: dict[str, Callable[[dict[str, Any]], Iterable[dict[str, Any]]]] = {
    "batch1": _batch1_rows,
    "throughput": _throughput_rows,
    "start": _start_rows,
    "fidelity": _fidelity_rows,
    "kernels": _kernel_rows,
}
_TITLES = {
    "batch1": "One radiograph",
    "throughput": "Evaluation: JPEG files to text",
    "start": 'From "choose model" to the first token, and memory',
    "fidelity": "The output is the model's",
    "kernels": "Parts of a decode step",
}
