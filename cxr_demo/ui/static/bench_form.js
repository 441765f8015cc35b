// Choosing an evaluation: what, with which models, precisions and pipelines, and where the data lie.

import { BenchFit } from "./bench_fit.js";
import { fill, h, onChange } from "./dom.js";

export class BenchForm {
  constructor(pane) {
    this.pane = pane;
    this.root = h("form", { class: "bench-form", onsubmit: (event) => event.preventDefault() });
    this.wish = null;
    this.typed = {};
    this.fit = new BenchFit();
    this.draw = onChange((value) => this.show(value));
  }

  render({ setup: { fit, ...setup } }) {
    this.setup = setup;
    this.fit.render(fit);
    this.wish ??= structuredClone(setup.wish);
    this.draw({ setup, wish: this.wish });
  }

  /** Take a choice over; the server keeps it for the next time, and says what it comes to. */
  change(changed) {
    this.wish = { ...this.wish, ...changed };
    this.draw({ setup: this.setup, wish: this.wish });
    this.pane.act("wish", { wish: this.wish });
  }

  show({ setup, wish }) {
    const focus = document.activeElement;
    const kept = this.root.contains(focus) ? focus.dataset.at : null;
    const caret = kept && focus.matches("input[type=text]") ? focus.selectionStart : null;
    const scroll = this.root.querySelector(".bench-scroll")?.scrollTop;
    const body = h(
      "div",
      { class: "bench-scroll" },
      this.evaluations(setup, wish),
      this.models(setup, wish),
      this.folders(setup, wish),
    );
    fill(this.root, body, this.start(setup));
    if (scroll) body.scrollTop = scroll;
    const again = kept && this.root.querySelector(`[data-at="${CSS.escape(kept)}"]`);
    again?.focus();
    if (again && caret !== null) again.setSelectionRange(caret, caret);
    this.reveal(setup);
  }

  /** What a check has said may lie below the edge of a small screen: bring it into view, once. */
  reveal({ folders }) {
    const asked = folders.find((each) => each.dataset === this.asked);
    if (!asked) return;
    this.root.querySelector(`.folder[data-dataset="${asked.dataset}"]`).scrollIntoView({ block: "nearest" });
    if (!asked.busy) this.asked = null;
  }

  // ---------------------------------------------------------------- which evaluation

  evaluations(setup, wish) {
    const rows = setup.evaluations.map((each) =>
      h(
        "div",
        { class: "choice-row" },
        h(
          "label",
          { class: each.id === wish.evaluation ? "choice selected" : "choice" },
          h("input", {
            type: "radio",
            name: "evaluation",
            "data-at": `evaluation-${each.id}`,
            checked: each.id === wish.evaluation,
            onchange: () => this.change({ evaluation: each.id, ...each.defaults }),
          }),
          h("span", {}, h("strong", {}, each.title), each.id === wish.evaluation ? h("small", {}, each.text) : null),
        ),
        each.id === wish.evaluation ? this.options(each, wish) : null,
      ),
    );
    return section(this.pane.t("js.bench.evaluation"), ...rows);
  }

  options(evaluation, wish) {
    const rows = evaluation.options.map(({ name, label, choices, kind, most }) =>
      kind === "count"
        ? h(
            "label",
            { class: "option" },
            h("span", {}, label),
            h("input", {
              type: "number",
              min: 1,
              max: most,
              "data-at": `option-${name}`,
              value: wish[name] ?? "",
              onchange: ({ target }) => {
                const value = counted(target.valueAsNumber, most) ?? evaluation.defaults[name];
                target.value = value ?? ""; // what will be run, whatever was typed
                this.change({ [name]: value });
              },
            }),
          )
        : h(
            "div",
            { class: "option", role: "radiogroup", "aria-label": label },
            h("span", {}, label),
            segments(choices, wish[name], `option-${name}`, (value) => this.change({ [name]: value })),
          ),
    );
    return rows.length ? h("div", { class: "options" }, ...rows) : null;
  }

  // ---------------------------------------------------------------- which arms

  models(setup, wish) {
    const able = setup.models.filter((each) => each.able);
    const rows = able.map((each) =>
      h(
        "label",
        { class: "tick" },
        h("input", {
          type: "checkbox",
          "data-at": `model-${each.id}`,
          checked: wish.models.includes(each.id),
          onchange: () => this.toggle("models", each.id),
        }),
        h("span", {}, each.name, each.note ? h("small", {}, each.note) : null),
      ),
    );
    const chips = (name, list) =>
      list.map((each) =>
        h(
          "label",
          {
            class: `chip${wish[name].includes(each.id) ? " selected" : ""}${each.barred ? " barred" : ""}`,
            title: each.barred || null,
          },
          h("input", {
            type: "checkbox",
            "data-at": `${name}-${each.id}`,
            checked: wish[name].includes(each.id),
            disabled: !!each.barred && !wish[name].includes(each.id), // a chosen one can be let go
            onchange: () => this.toggle(name, each.id),
          }),
          h("span", {}, each.words),
        ),
      );
    return section(
      this.pane.t("js.bench.models"),
      h("div", { class: "ticks" }, ...rows),
      ...setup.unable.map((words) => h("p", { class: "unable" }, words)),
      h("div", { class: "chips" }, h("span", {}, this.pane.t("js.bench.precisions")), ...chips("precisions", setup.precisions)),
      setup.barred ? h("p", { class: "unable" }, setup.barred) : null,
      h("div", { class: "chips" }, h("span", {}, this.pane.t("js.bench.pipelines")), ...chips("pipelines", setup.pipelines)),
      setup.ways.length ? h("div", { class: "chips" }, h("span", {}, this.pane.t("js.bench.ways")), ...chips("ways", setup.ways)) : null,
      this.fit.root,
    );
  }

  toggle(name, id) {
    const now = this.wish[name];
    this.change({ [name]: now.includes(id) ? now.filter((each) => each !== id) : [...now, id] });
  }

  // ---------------------------------------------------------------- where the data lie

  folders(setup) {
    if (setup.folders.length === 0) return null;
    return section(
      this.pane.t("js.bench.folders"),
      ...setup.folders.map((each) => this.folder(each)),
    );
  }

  folder({ dataset, title, folder, busy, mark, facts, missing, error }) {
    const { pane } = this;
    const input = h("input", {
      type: "text",
      id: `folder-${dataset}`,
      "data-at": `folder-${dataset}`,
      value: this.typed[dataset] ?? folder,
      placeholder: pane.t("js.bench.folder_hint"),
      spellcheck: "false",
      autocomplete: "off",
      oninput: (event) => (this.typed[dataset] = event.target.value),
      onkeydown: (event) => event.key === "Enter" && check(event),
    });
    const check = (event) => {
      event.preventDefault();
      this.asked = dataset;
      pane.act("check", { dataset, folder: input.value });
    };
    return h(
      "div",
      { class: "folder", "data-dataset": dataset },
      h("label", { for: `folder-${dataset}` }, title),
      h(
        "div",
        { class: "folder-line" },
        input,
        h("button", { class: "small", type: "button", disabled: busy, "data-at": `check-${dataset}`, onclick: check }, pane.t("js.bench.check")),
      ),
      busy ? h("p", { class: "folder-busy", role: "status" }, pane.t("js.bench.checking")) : null,
      error ? h("p", { class: "folder-error" }, error) : null,
      mark ? h("p", { class: "synthetic" }, mark) : null,
      ...facts.map((words) => h("p", { class: words.startsWith("✓") ? "folder-fact is-there" : "folder-fact" }, words)),
      ...missing.map((words) => h("p", { class: "folder-missing" }, words)),
    );
  }

  // ---------------------------------------------------------------- the start

  start({ arms, labeler, ready, unfit, ...words }) {
    const { pane } = this;
    return h(
      "div",
      { class: "bench-start" },
      labeler ? h("p", { class: "bench-labeler" }, labeler) : null,
      h("p", { class: "bench-arms", role: "status" }, arms),
      unfit && !ready ? h("p", { class: "bench-why bench-unfit" }, unfit) : null,
      ready ? h("p", { class: "bench-why" }, ready) : null,
      h(
        "div",
        { class: "bench-buttons" },
        ...(words.estimate ? [h("button", { class: "small", type: "button", id: "bench-estimate", disabled: !!ready, onclick: () => this.begin("estimate") }, pane.t("js.bench.estimate"))] : []),
        h("button", { class: "primary", type: "button", id: "bench-start", disabled: !!ready, onclick: () => this.begin("start") }, words.start),
      ),
    );
  }

  /** Start; where a model does not fit or the labels would come from the rules only, ask first. */
  async begin(what, agreed = false) {
    const { pane } = this;
    const answer = await pane.act(what, { wish: this.wish, agreed });
    if (!answer?.question) return;
    const yes = h("button", { class: "primary", type: "button", id: "bench-agree" }, answer.yes);
    yes.addEventListener("click", () => {
      pane.app.dialogs.dialog.close();
      this.begin(what, true);
    });
    const words = answer.question.map((each) => h("p", {}, each));
    pane.app.dialogs.show(answer.title, h("div", { class: "bench-ask" }, ...words, yes));
    yes.focus();
  }
}

function section(title, ...content) {
  return h("section", {}, h("h2", {}, title), ...content);
}

/** The whole number from 1 to `most` that is next to `typed`; null if nothing was typed. */
function counted(typed, most) {
  return Number.isNaN(typed) ? null : Math.min(Math.max(Math.round(typed), 1), most ?? Infinity);
}

function segments(choices, value, at, choose) {
  return h(
    "div",
    { class: "segments" },
    ...choices.map(({ id, words }) =>
      h(
        "button",
        {
          type: "button",
          role: "radio",
          class: "segment",
          "data-at": `${at}-${id}`,
          "aria-checked": String(id === value),
          onclick: () => choose(id),
        },
        words,
      ),
    ),
  );
}

export { section, segments };
