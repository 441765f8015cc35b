// Tables of results: text cells, the run behind each row opens with a click or Enter.

import { h } from "./dom.js";

/** Letters from which a cell is broken into lines. */
const LONG = 28;

export function table({ title, mark, columns, rows, runs, notes, hint }, open) {
  const figures = columns.map((_, place) => place > 0 && rows.every((cells) => isFigure(cells[place])));
  const kind = (place) => (figures[place] ? "number" : null);
  const row = (cells, run) => {
    const attributes = run
      ? { class: "opens", "data-run": run, tabindex: "0", title: hint, onclick: () => open(run), onkeydown: (event) => event.key === "Enter" && open(run) }
      : {};
    return h(
      "tr",
      attributes,
      ...cells.map((each, place) =>
        place === 0 ? h("th", { scope: "row" }, each) : h("td", { class: kind(place) ?? (each.length > LONG ? "words" : null) }, each),
      ),
    );
  };
  const body = rows.map((cells, place) => row(cells, open && runs?.[place]));
  return h(
    "section",
    { class: "bench-table" },
    h("div", { class: "pane-head" }, h("h2", {}, title), mark ? h("span", { class: "synthetic" }, mark) : null),
    h(
      "div",
      { class: "table-scroll" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ...columns.map((each, place) => heading(each, kind(place))))),
        h("tbody", {}, ...body),
      ),
    ),
    ...(notes ?? []).map((each) => h("p", { class: "table-note" }, each)),
  );
}

/** A long one gets room, "95 %" stays together. */
function heading(words, kind) {
  const long = words.length > 24 ? "long" : null;
  return h("th", { scope: "col", class: [kind, long].filter(Boolean).join(" ") || null }, words.replaceAll(" %", "\u00a0%"));
}

/** "0.553", "0.51 to 0.58", "2.4 %", "9.1 GiB", "–"; not "4 bits". */
function isFigure(cell) {
  return /^[\d<>–−+-]/.test(cell) && !/^\d bits/.test(cell);
}
