// The 14 findings: sign, word and colour for each state, and the way to the sentence and back.

import { h, onChange } from "./dom.js";

export class FindingsPane {
  constructor(app, root) {
    this.app = app;
    this.chosen = null;
    this.title = h("h2");
    this.by = h("span", { class: "by" });
    this.body = h("tbody");
    this.table = h("table", { class: "findings" }, this.body);
    this.remarks = h("ul", { class: "remarks", role: "status" });
    this.table.addEventListener("keydown", (event) => this.move(event));
    const head = h("div", { class: "pane-head" }, this.title, this.by);
    this.agreement = h("span");
    this.calibrated = h("span");
    this.policy = h("div", { class: "policy", role: "radiogroup" });
    this.notes = h("div", { class: "finding-notes" }, this.agreement, this.calibrated);
    const notes = [this.notes, this.policy];
    root.replaceChildren(
      h("div", { class: "findings-pane" }, head, this.remarks, ...notes, this.table),
    );
    app.choose = (finding, from) => this.choose(finding, from);
    this.draw = onChange((value) => this.show(value));
  }

  render(view) {
    if (view) this.draw({ ...view.findings, language: view.language });
  }

  show({ run, rows, remarks, labeler, policy, ...notes }) {
    const { app } = this;
    if (this.run !== run) this.chosen = null;
    this.run = run;
    this.title.textContent = app.t("js.findings");
    this.by.textContent = labeler ?? "";
    this.table.setAttribute("aria-label", app.t("js.findings"));
    this.remarks.hidden = remarks.length === 0;
    this.remarks.replaceChildren(...remarks.map((each) => h("li", {}, each)));
    put(this.agreement, notes.agreement);
    put(this.calibrated, notes.calibrated);
    this.calibrated.title = notes.calibrated_title ?? "";
    this.notes.hidden = !notes.agreement && !notes.calibrated;
    this.showPolicy(policy);
    const focused = document.activeElement?.dataset?.finding;
    this.body.replaceChildren(...rows.map((row) => this.row(row)));
    if (focused) this.body.querySelector(`[data-finding="${CSS.escape(focused)}"]`)?.focus();
    this.choose(this.chosen, "redraw");
  }

  /** How uncertain labels count: chosen here, computed anew from the labels that are stored. */
  showPolicy(policy) {
    const kept = this.policy.contains(document.activeElement);
    this.policy.hidden = !policy;
    if (!policy) return;
    this.policy.setAttribute("aria-label", policy.label);
    const options = policy.options.map(({ id, words, selected }) =>
      h(
        "button",
        {
          class: "policy-option",
          role: "radio",
          "aria-checked": String(selected),
          "data-policy": id,
          onclick: () => this.app.act("policy", { policy: id }),
        },
        words,
      ),
    );
    this.policy.replaceChildren(
      h("span", { class: "policy-label" }, policy.label),
      h("span", { class: "policy-options" }, ...options),
      h("span", { class: "policy-summary", role: "status" }, policy.summary),
    );
    if (kept) this.policy.querySelector("[aria-checked=true]").focus();
  }

  row(row) {
    const { app } = this;
    const contested = row.contested.length
      ? [h("span", { class: "contested", title: row.contested.join("\n"), role: "img", "aria-label": row.contested.join(" ") }, "≠")]
      : [];
    const chance = row.chance
      ? [h("span", { class: "chance", title: row.chance.title }, row.chance.percent)]
      : [];
    const beneath = [row.counted, ...row.differing]
      .filter(Boolean)
      .map((each) => h("small", {}, each));
    const quotes = row.evidence.map((each) => h("q", { lang: "en" }, each));
    const others = row.others.map((each) => h("div", { class: "other" }, each));
    const none = h("span", { class: "none" }, app.t("js.no_evidence"));
    const name = h(
      "button",
      { class: "name", "data-finding": row.finding, "aria-expanded": "false" },
      row.name,
    );
    return h(
      "tr",
      {
        class: `finding is-${row.state}`,
        "data-row": row.finding,
        onclick: () => this.choose(this.chosen === row.finding ? null : row.finding, "table"),
      },
      h("td", { class: "icon", "aria-hidden": "true" }, h("i", {}, row.icon)),
      h(
        "th",
        { scope: "row" },
        name,
        ...contested,
        h("div", { class: "evidence" }, ...(quotes.length ? quotes : [none]), ...others),
      ),
      h("td", { class: "word" }, ...chance, row.word, ...beneath),
    );
  }

  /** Mark `finding` here and in the report; null takes the mark away. */
  choose(finding, from) {
    this.chosen = finding;
    for (const row of this.body.children) {
      const chosen = row.dataset.row === finding;
      row.classList.toggle("chosen", chosen);
      row.querySelector("button").setAttribute("aria-expanded", String(chosen));
      if (chosen && from !== "redraw") row.scrollIntoView({ block: "nearest" });
    }
    for (const pane of this.app.panes) pane.highlight?.(finding, from);
  }

  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...this.body.querySelectorAll("button.name")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    this.choose(next.dataset.finding, "table");
  }
}

function put(element, words) {
  element.hidden = !words;
  element.textContent = words ?? "";
}
