// What runs and what ran: progress of every arm, pause, resume and stop, earlier evaluations.

import { fill, h, onChange } from "./dom.js";

export class BenchProgress {
  constructor(pane) {
    this.pane = pane;
    this.root = h("div", { class: "bench-progress" });
    this.current = h("section", { class: "bench-current" });
    this.quick = h("section", { class: "bench-quick" });
    this.earlier = h("section", { class: "bench-earlier" });
    this.root.append(this.current, this.quick, this.earlier);
    this.drawCurrent = onChange((value) => this.showCurrent(value));
    this.drawQuick = onChange((value) => this.showQuick(value));
    this.drawEarlier = onChange((value) => this.showEarlier(value));
  }

  render({ current, quick, earlier }) {
    const { language } = this.pane.app;
    this.drawCurrent({ current, language });
    this.drawQuick({ quick, language });
    this.drawEarlier({ earlier, language });
  }

  // ---------------------------------------------------------------- the one that runs, or ran last

  showCurrent({ current }) {
    const { pane } = this;
    const focused = this.current.contains(document.activeElement)
      ? document.activeElement.dataset.act
      : null;
    this.current.hidden = !current;
    if (!current) return;
    const facts = current.facts.map(([key, name, value]) =>
      h("div", { class: "fact", "data-fact": key }, h("dt", {}, name), h("dd", {}, value)),
    );
    this.current.dataset.state = current.state;
    fill(
      this.current,
      h(
        "div",
        { class: "pane-head" },
        h("h2", {}, pane.t("js.bench.progress")),
        h("span", { class: "bench-state", "data-state": current.state, role: "status" }, current.state_words),
      ),
      h("p", { class: "bench-title" }, current.title),
      current.synthetic ? h("p", { class: "synthetic" }, current.synthetic) : null,
      h("progress", { max: "1", value: current.share, "aria-label": current.share_words }),
      h("dl", { class: "facts-row" }, ...facts),
      ...current.notes.map((each) => h("p", { class: "bench-note" }, each)),
      current.error ? h("p", { class: "failure", role: "alert" }, current.error) : null,
      this.buttons(current),
      this.arms(current),
    );
    if (focused) this.current.querySelector(`[data-act="${focused}"]`)?.focus();
  }

  buttons({ group, actions, board }) {
    const { pane } = this;
    const button = ({ act, words, kind }) =>
      h("button", { class: kind, type: "button", "data-act": act, onclick: () => pane.act(act, { group }) }, words);
    const results = board
      ? [h("button", { class: "small", type: "button", "data-act": "results", onclick: () => pane.open(board) }, pane.t("js.bench.to_results"))]
      : [];
    return h("div", { class: "bench-buttons" }, ...actions.map(button), ...results);
  }

  arms({ columns, arms }) {
    if (arms.length === 0) return null;
    const head = columns.map((each, place) => h("th", { scope: "col", class: place > 1 ? "number" : null }, each));
    const row = (arm) =>
      h(
        "tr",
        { "data-arm": arm.run, "data-state": arm.state },
        h("th", { scope: "row" }, arm.name, h("small", {}, arm.details), arm.error ? h("small", { class: "arm-error" }, arm.error) : null),
        h(
          "td",
          { class: "arm-bar" },
          h("span", { class: "arm-state" }, arm.state_words),
          h("span", { class: "bar", "aria-hidden": "true" }, h("i", { style: `width:${Math.min(100, arm.share * 100)}%` })),
        ),
        ...arm.cells.map((each) => h("td", { class: "number" }, each)),
      );
    return h(
      "div",
      { class: "table-scroll" },
      h("table", { class: "arms" }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...arms.map(row))),
    );
  }

  // ---------------------------------------------------------------- on a fresh machine: one click

  showQuick({ quick }) {
    this.quick.hidden = !quick;
    if (!quick) return;
    fill(
      this.quick,
      h("h2", {}, quick.title),
      h("p", {}, quick.text),
      h("button", { class: "primary", type: "button", id: "bench-quick", onclick: () => this.pane.act("quick") }, quick.button),
    );
  }

  // ---------------------------------------------------------------- what ran before

  showEarlier({ earlier }) {
    const { pane } = this;
    const row = (each) =>
      h(
        "li",
        { "data-group": each.group },
        h("div", {}, h("strong", {}, each.title), h("small", {}, each.details)),
        h("span", { class: "bench-state", "data-state": each.state }, each.state_words),
        h(
          "span",
          { class: "bench-buttons" },
          ...each.actions.map(({ act, words, kind }) =>
            h("button", { class: kind, type: "button", onclick: () => pane.act(act, { group: each.group }) }, words),
          ),
          each.board
            ? h("button", { class: "small", type: "button", onclick: () => pane.open(each.board) }, pane.t("js.bench.to_results"))
            : null,
        ),
      );
    this.earlier.hidden = earlier.length === 0;
    fill(
      this.earlier,
      h("h2", {}, pane.t("js.bench.earlier")),
      h("ul", {}, ...earlier.map(row)),
    );
  }
}
