// The reading room's picker: a model, a precision, whether it fits, and what is not shown here yet.

import { h, onChange } from "./dom.js";

const FRESH_MS = 2000;

export class PickerPane {
  constructor(app, root) {
    this.app = app;
    this.asked = 0;
    this.button = h("button", {
      class: "picker-button",
      id: "model",
      type: "button",
      "aria-haspopup": "dialog",
      "aria-expanded": "false",
      popovertarget: "picker-list",
    });
    this.chips = h("div", { class: "chips", id: "precision", role: "radiogroup" });
    this.chips.addEventListener("keydown", (event) => moveAmong(this.chips, event));
    this.line = h("p", { class: "picker-line", role: "status" });
    this.marks = h("p", { class: "picker-marks" });
    this.missing = h("p", { class: "picker-missing", role: "alert" });
    this.list = h("div", { class: "picker-list", id: "picker-list", popover: "auto" });
    this.list.addEventListener("toggle", (event) => this.toggled(event.newState === "open"));
    this.list.addEventListener("keydown", (event) => this.moveInList(event));
    const rows = [this.button, this.chips, this.missing, this.line, this.marks];
    root.replaceChildren(h("div", { class: "picker" }, ...rows));
    document.querySelector(".picker-list")?.remove();
    const outer = h("div", { class: "cxr-pane picker-outer" }, this.list);
    document.body.append(outer);
    this.draw = onChange((value) => this.show(value));
  }

  /** Ask anew when the choice or the language changed, and every two seconds: memory moves. */
  render(view) {
    if (!view || this.asking) return;
    const key = JSON.stringify([view.choice, view.language]);
    if (key === this.key && performance.now() - this.asked < FRESH_MS) return;
    if (key === this.key && !this.button.checkVisibility()) return;
    this.ask(key);
  }

  async ask(key) {
    this.asking = true;
    const told = await this.app.ask("picker");
    this.asking = false;
    this.asked = performance.now();
    if (!told) return;
    this.key = key;
    this.draw(told);
  }

  show(told) {
    const first = !this.told;
    this.told = told;
    const [model, precision] = told.chosen;
    this.button.replaceChildren(h("span", {}, told.name), h("span", { class: "caret" }, "▾"));
    this.button.title = told.open;
    this.button.setAttribute("aria-label", `${told.label}: ${told.name}`);
    this.chips.setAttribute("aria-label", told.precision_label);
    const focused = document.activeElement?.dataset?.precision;
    const inside = this.chips.contains(document.activeElement);
    const pairs = told.models.find((each) => each.id === model)?.pairs ?? [];
    this.chips.replaceChildren(...pairs.map((each) => this.chip(model, each, precision)));
    if (inside) this.chips.querySelector(`[data-precision="${focused}"]`)?.focus();
    const { icon, words, reason, verdict } = told.line;
    this.line.dataset.verdict = verdict;
    this.line.hidden = !words;
    this.line.replaceChildren(...verdictParts(icon, words), after(reason));
    this.line.title = reason;
    put(this.marks, told.marks);
    this.missing.hidden = !told.missing;
    const get = { class: "small", type: "button", onclick: () => this.app.showFit(model, precision) };
    const button = h("button", get, this.app.t("js.weights.get"));
    this.missing.replaceChildren(told.missing ?? "", button);
    if (!this.list.matches(":popover-open")) return;
    if (first) this.begin();
    else this.fill();
  }

  chip(model, pair, chosen) {
    const selected = pair.precision === chosen;
    return h(
      "button",
      {
        class: "chip",
        type: "button",
        role: "radio",
        "aria-checked": String(selected),
        "aria-disabled": pair.barred ? "true" : null,
        tabindex: selected ? "0" : "-1",
        title: tip(pair),
        "data-precision": pair.precision,
        "data-verdict": pair.verdict,
        onclick: () => this.choose(model, pair),
      },
      pair.words,
      pair.icon ? h("i", { "aria-hidden": "true" }, pair.icon) : null,
      h("span", { class: "offscreen" }, pair.line.words),
    );
  }

  choose(model, pair) {
    if (pair.barred) return;
    if (!pair.here) return this.app.showFit(model, pair.precision);
    this.app.act("choose", { model, precision: pair.precision });
  }

  // ---------------------------------------------------------------- the list of all models

  toggled(open) {
    this.button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    if (!this.asking) this.ask(this.key); // weights may have come since
    const box = this.button.getBoundingClientRect();
    this.list.style.top = `${box.bottom + 4}px`;
    this.list.style.right = `${Math.max(8, innerWidth - Math.max(box.right, 640))}px`;
    if (this.told) this.begin(); // else `show` does, when the first answer is there
  }

  /** Fill the list that has just opened, and go to the pair that is chosen. */
  begin() {
    this.fill();
    this.list.querySelector("[aria-current=true]")?.focus();
  }

  fill() {
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.pair : null;
    this.foot = h("div", { class: "picker-foot", role: "status" });
    this.list.setAttribute("role", "dialog");
    this.list.setAttribute("aria-label", this.told.open);
    this.list.replaceChildren(...this.told.models.map((each) => this.row(each)), this.foot);
    if (focused) this.list.querySelector(`[data-pair="${CSS.escape(focused)}"]`)?.focus();
    else this.describe(this.current());
  }

  current() {
    const [model, precision] = this.told.chosen;
    const found = this.told.models.find((each) => each.id === model);
    return found?.pairs.find((each) => each.precision === precision);
  }

  row(model) {
    const away = h(
      "button",
      {
        class: "get",
        type: "button",
        "data-pair": `${model.id} get`,
        onclick: () => this.leave(model.id),
      },
      model.missing,
    );
    const cells = model.pairs.map((pair) => this.cell(model, pair));
    return h(
      "div",
      { class: model.here ? "picker-row" : "picker-row missing", "data-model": model.id },
      h("span", { class: "picker-name" }, model.name, model.missing ? away : null),
      h("span", { class: "picker-pairs" }, ...cells),
    );
  }

  cell(model, pair) {
    const [chosen, precision] = this.told.chosen;
    const current = model.id === chosen && pair.precision === precision;
    return h(
      "button",
      {
        class: pair.here ? "pair" : "pair away",
        type: "button",
        "aria-current": String(current),
        "aria-disabled": pair.barred ? "true" : null,
        "data-pair": `${model.id} ${pair.precision}`,
        "data-verdict": pair.verdict,
        "aria-label": `${model.name}, ${pair.words}: ${tip(pair)}`,
        onclick: () => this.pick(model, pair),
        onfocus: () => this.describe(pair),
        onmouseenter: () => this.describe(pair),
      },
      h("b", {}, pair.words),
      h("small", {}, ...verdictParts(pair.icon, pair.need)),
    );
  }

  pick(model, pair) {
    if (!pair.here) return this.leave(model.id, pair.precision);
    if (pair.barred) return;
    this.choose(model.id, pair);
    this.list.hidePopover();
    this.button.focus();
  }

  /** A model whose weights are not here: to the screen that says how to get them. */
  leave(model, precision) {
    this.list.hidePopover();
    this.app.showFit(model, precision);
  }

  describe(pair) {
    if (!pair || !this.foot) return;
    const { icon, words, reason } = pair.line;
    const said = h("p", { "data-verdict": pair.verdict }, ...verdictParts(icon, words), after(reason));
    const marked = h("p", { class: "picker-marks" });
    put(marked, pair.marks);
    this.foot.replaceChildren(said, marked);
  }

  moveInList(event) {
    const all = [...this.list.querySelectorAll("button")];
    const at = all.indexOf(document.activeElement);
    const row = document.activeElement.closest(".picker-row");
    let next = null;
    if (event.key === "ArrowRight") next = all[at + 1];
    else if (event.key === "ArrowLeft") next = all[at - 1];
    else if (event.key === "ArrowDown") next = row?.nextElementSibling?.querySelector(".pair");
    else if (event.key === "ArrowUp") next = row?.previousElementSibling?.querySelector(".pair");
    else return;
    event.preventDefault();
    next?.focus();
  }
}

/** Arrows go through a group of chips and choose, as radio buttons do. */
export function moveAmong(chips, event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const all = [...chips.children];
  const next = all[all.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
}

/** Sign and word of a verdict: never the colour alone. */
function verdictParts(icon, words) {
  return [icon ? h("i", { class: "sign fit-sign", "aria-hidden": "true" }, icon) : null, words].filter(Boolean);
}

function after(reason) {
  return reason ? ` · ${reason}` : "";
}

function tip(pair) {
  const marks = pair.marks.map(([words, how]) => [words, how].filter(Boolean).join(". "));
  return [[pair.line.words, pair.line.reason].filter(Boolean).join(": "), ...marks].join("\n");
}

function put(element, marks) {
  element.hidden = marks.length === 0;
  element.replaceChildren(
    ...marks.map(([words, how, kind]) =>
      h("span", { class: `mark-chip ${kind}`, title: how || words }, words),
    ),
  );
}

export { after, tip, verdictParts };
