// The screen "Will it fit?": what is compared, the table of all pairs, and the chosen one beside it.

import { h, onChange } from "./dom.js";
import { WeightsBox } from "./weights.js";

const FRESH_MS = 1000;
const GOING_MS = 300;

export class FitPane {
  constructor(app, root) {
    this.app = app;
    this.root = root;
    this.asked = -Infinity;
    this.query = {};
    this.targets = h("div", { class: "targets", role: "radiogroup" });
    this.typeWords = h("span");
    this.gbWords = h("span");
    this.typed = h("input", { id: "fit-card", type: "text", inputmode: "decimal", size: "4" });
    this.typed.addEventListener("input", () => this.compare({ gpu: "", card: this.typed.value }));
    const type = h("label", { class: "typed" }, this.typeWords, this.typed, this.gbWords);
    this.memory = h("span", { class: "memory-words" });
    this.error = h("p", { class: "failure", role: "alert" });
    this.note = h("p", { class: "fit-note" });
    this.advice = h("p", { class: "advice", role: "status" });
    this.study = h("p", { class: "hint study" });
    this.table = h("div", { class: "fit-table" });
    this.table.addEventListener("keydown", (event) => this.move(event));
    this.pair = h("section", { class: "fit-pair" });
    this.weights = new WeightsBox(this);
    const strip = h("div", { class: "fit-strip" }, this.targets, type, this.memory);
    const left = h(
      "div",
      { class: "fit-left" },
      ...[strip, this.error, this.note, this.advice, this.table, this.study],
    );
    const right = h("div", { class: "fit-right" }, this.pair, this.weights.element);
    root.replaceChildren(h("div", { class: "fit-pane" }, left, right));
    this.drawStrip = onChange((value) => this.showStrip(value));
    this.drawTable = onChange((value) => this.showTable(value));
    this.drawPair = onChange((value) => this.showPair(value));
  }

  render(view) {
    if (!view || this.asking || !this.root.checkVisibility()) return;
    const wait = this.going ? GOING_MS : FRESH_MS;
    if (performance.now() - this.asked > wait || view.language !== this.language) this.ask();
  }

  async ask() {
    this.asking = true;
    this.again = false;
    const told = await this.app.ask(`fit?${new URLSearchParams(this.query)}`);
    this.asking = false;
    this.asked = performance.now();
    if (this.again) return this.ask(); // something else was chosen meanwhile
    if (told) this.show(told);
  }

  show(told) {
    this.language = told.language;
    this.going = Boolean(told.weights.going || told.pair?.measure.going);
    this.chosen = told.chosen;
    const { targets, error, memory, advice, columns, axis, models, language } = told;
    this.study.textContent = told.study ?? "";
    this.drawStrip({ targets, error, memory, advice, language });
    this.drawTable({ columns, axis, models, chosen: told.chosen });
    this.drawPair(told.pair);
    this.weights.render({ ...told.weights, title: told.weights_title, language });
    // A screen that is drawn by its own answers must not wait for the app's next turn.
    clearTimeout(this.timer);
    if (this.going) this.timer = setTimeout(() => this.render(this.app.view), GOING_MS + 20);
  }

  /** Change what is asked for, and ask at once. */
  compare(change) {
    Object.assign(this.query, change);
    this.again = true;
    if (!this.asking) this.ask();
  }

  choose(model, precision) {
    this.compare({ model, precision: precision ?? "" });
  }

  async post(what, given) {
    await this.app.act(what, given);
    this.compare({});
  }

  // ---------------------------------------------------------------- machine and advice

  showStrip({ targets, error, memory, advice }) {
    const { app } = this;
    this.targets.setAttribute("aria-label", app.t("js.fit.gpus"));
    const typing = this.typed.value.trim() !== "";
    this.targets.replaceChildren(
      ...targets.map((each) =>
        h(
          "button",
          {
            class: "chip",
            type: "button",
            role: "radio",
            "aria-checked": String(each.selected && !typing),
            "data-gpu": each.id,
            onclick: () => this.useGpu(each.id),
          },
          each.words,
        ),
      ),
    );
    this.typeWords.textContent = app.t("js.fit.type");
    this.gbWords.textContent = app.t("js.fit.gb");
    this.memory.replaceChildren(
      memory.words ? meter(memory.used) : "",
      memory.words,
    );
    put(this.error, error);
    put(this.note, memory.note);
    const [title, sentence] = advice;
    this.advice.replaceChildren(h("b", {}, title), ` ${sentence}`);
  }

  useGpu(gpu) {
    this.typed.value = "";
    this.compare({ gpu, card: "" });
  }

  // ---------------------------------------------------------------- the table

  showTable({ columns, axis, models, chosen }) {
    const focused = this.table.contains(document.activeElement)
      ? document.activeElement.dataset.key
      : null;
    const head = columns.map((each) =>
      h(
        "th",
        { scope: "col", class: `c-${each.id}`, title: each.tip || null },
        each.words,
        each.unit ? h("small", { class: "unit" }, each.unit) : null,
        each.id === "bar" ? h("small", {}, axis.scale) : null,
      ),
    );
    const bodies = models.map((each) => this.model(each, axis, chosen));
    const table = h(
      "table",
      { "aria-label": this.app.t("js.fit.table") },
      h("thead", {}, h("tr", {}, ...head)),
      ...bodies,
    );
    const top = this.table.scrollTop;
    this.table.replaceChildren(table, legend(axis));
    this.table.scrollTop = top;
    if (focused) this.table.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  model(model, axis, chosen) {
    const current = model.id === chosen[0];
    const name = h(
      "th",
      { scope: "rowgroup", rowspan: String(Math.max(1, model.rows.length)), class: "c-model" },
      h(
        "button",
        {
          class: "model-name",
          type: "button",
          "data-key": model.id,
          onclick: () => this.choose(model.id, current ? chosen[1] : ""),
        },
        model.name,
      ),
      badge(model.weights),
    );
    const rows = model.rows.length
      ? model.rows.map((row, at) => this.row(model, row, axis, chosen, at === 0 ? name : null))
      : [h("tr", {}, name, h("td", { class: "none", colspan: "8" }, "–"))];
    return h("tbody", { class: current ? "current" : null, "data-model": model.id }, ...rows);
  }

  row(model, row, axis, chosen, name) {
    const current = model.id === chosen[0] && row.precision === chosen[1];
    const choose = () => this.choose(model.id, row.precision);
    const number = (id) => h("td", { class: row.highest === id ? "n top" : "n" }, row[id]);
    const button = h(
      "button",
      {
        class: "precision",
        type: "button",
        "aria-pressed": String(current),
        "data-key": `${model.id} ${row.precision}`,
      },
      row.words,
    );
    return h(
      "tr",
      {
        class: current ? "chosen" : null,
        "data-verdict": row.verdict,
        title: row.reason,
        onclick: choose,
      },
      name,
      h("td", { class: "c-precision" }, button),
      number("load"),
      number("prefill"),
      number("decode"),
      h("td", { class: "c-bar" }, bar(row, axis)),
      h("td", { class: "c-verdict" }, h("i", { class: "sign fit-sign", "aria-hidden": "true" }, row.icon), row.verdict_words),
      h("td", { class: "n" }, row.smallest),
      h("td", { class: "c-basis", title: row.basis }, row.basis),
    );
  }

  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const all = [...this.table.querySelectorAll("button.precision, .current .model-name:only-child")];
    const next = all[all.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.click();
  }

  // ---------------------------------------------------------------- the chosen pair

  showPair(pair) {
    this.pair.hidden = !pair;
    if (!pair) return;
    this.pair.setAttribute("aria-label", this.app.t("js.fit.detail"));
    const kept = this.pair.contains(document.activeElement);
    const facts = pair.facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
    this.pair.replaceChildren(
      h(
        "div",
        { class: "pane-head" },
        h("h2", {}, pair.title),
        h(
          "span",
          { class: "verdict", "data-verdict": pair.verdict },
          h("i", { class: "sign fit-sign", "aria-hidden": "true" }, pair.icon),
          pair.words,
        ),
      ),
      h("p", { class: "reason" }, pair.reason),
      h("dl", { class: "facts-list" }, ...facts),
      ...(pair.elsewhere ? [h("p", { class: "hint" }, pair.elsewhere)] : []),
      ...(pair.confirmed ? [h("p", { class: "confirmed-line" }, pair.confirmed)] : []),
      ...pair.marks.map(([words, how, kind]) =>
        h("p", { class: `mark-line ${kind}` }, h("b", {}, words), how ? ` · ${how}` : ""),
      ),
      this.measure(pair.measure),
    );
    if (kept) this.pair.querySelector("button")?.focus();
  }

  measure(told) {
    const [model, precision] = this.chosen;
    if (told.going) {
      const progress = h("progress", { max: "1", "aria-label": told.going });
      if (told.share !== null) progress.value = told.share;
      const stop = () => this.post("measure", { do: "stop" });
      const words = [told.going, told.left].filter(Boolean).join(" · ");
      return h(
        "div",
        { class: "going" },
        h("p", { role: "status" }, words),
        progress,
        h("button", { class: "small", type: "button", id: "fit-stop", onclick: stop }, told.stop),
      );
    }
    const start = () => this.post("measure", { do: "start", model, precision });
    const attributes = { class: "small", type: "button", id: "fit-measure", onclick: start };
    const button = h("button", { ...attributes, disabled: !told.can }, told.words);
    const failure = told.error ? h("p", { class: "failure", role: "alert" }, told.error) : null;
    return h("div", { class: "measure" }, button, h("p", { class: "hint" }, told.why), failure);
  }
}

function badge(weights) {
  return h(
    "span",
    { class: "stock", "data-state": weights.state },
    h("i", { class: "sign", "aria-hidden": "true" }, weights.icon),
    weights.words,
    weights.copies ? h("span", { class: "copies" }, weights.copies) : null,
  );
}

/** How much of a memory others hold. */
function meter(used) {
  const share = Math.min(100, Math.max(0, used * 100));
  return h("span", { class: "meter", "aria-hidden": "true" }, h("i", { style: `width:${share}%` }));
}

/** Needed bytes from 0 on, on the axis that all rows share; the line is what is free. */
function bar(row, axis) {
  const kind = row.estimated ? "need estimated" : "need";
  const width = Math.min(100, row.share * 100);
  const line =
    axis.free === null ? null : h("s", { class: "free", style: `left:${axis.free * 100}%` });
  return h(
    "span",
    { class: "fit-bar", "aria-hidden": "true" },
    h("i", { class: kind, "data-verdict": row.verdict, style: `width:${width}%` }),
    line,
  );
}

function legend(axis) {
  const beyond = axis.free === null ? " →" : "";
  return h(
    "p",
    { class: "legend", "aria-hidden": "true" },
    h("span", {}, h("i", { class: "need" }), axis.measured),
    h("span", {}, h("i", { class: "need estimated" }), `≈ ${axis.estimate}`),
    h("span", {}, h("s", { class: "free" }), axis.free_words + beyond),
  );
}

function put(element, words) {
  element.hidden = !words;
  element.textContent = words ?? "";
}
