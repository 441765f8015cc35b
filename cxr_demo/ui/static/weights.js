// The weights of the chosen model: where they are, what goes on, and what can be done about them.

import { h, onChange } from "./dom.js";
import { copyText } from "./report.js";

export class WeightsBox {
  constructor(pane) {
    this.pane = pane;
    this.app = pane.app;
    this.element = h("section", { class: "weights", id: "weights" });
    this.title = h("h2");
    this.badge = h("span");
    this.says = h("p", { class: "says" });
    this.goingWords = h("p", { role: "status" });
    this.progress = h("progress", { max: "1" });
    this.figures = h("p", { class: "figures" });
    const goingParts = [this.goingWords, this.progress, this.figures];
    this.going = h("div", { class: "going" }, ...goingParts);
    this.outcome = h("div", { class: "outcome" });
    this.actions = h("div", { class: "weights-actions" });
    this.facts = h("dl", { class: "facts-list" });
    const head = h("div", { class: "pane-head" }, this.title, this.badge);
    const parts = [head, this.says, this.going, this.outcome, this.actions, this.facts];
    this.element.replaceChildren(...parts);
    this.drawHead = onChange((value) => this.showHead(value));
    this.drawGoing = onChange((value) => this.showGoing(value));
    this.drawOutcome = onChange((value) => this.showOutcome(value));
    this.drawActions = onChange((value) => this.showActions(value));
  }

  render(told) {
    this.told = told;
    const { title, name, badge, says, facts, copies, command, command_label, language } = told;
    this.drawHead({ title, name, badge, says, facts, copies, command, command_label, language });
    this.drawGoing(told.going);
    this.drawOutcome({ outcome: told.outcome, language });
    this.drawActions({ id: told.id, actions: told.actions });
  }

  showHead({ title, name, badge, says, facts, copies, command, command_label }) {
    this.title.textContent = `${title} · ${name}`;
    this.badge.className = "stock";
    this.badge.dataset.state = badge.state;
    const sign = h("i", { class: "sign", "aria-hidden": "true" }, badge.icon);
    this.badge.replaceChildren(sign, badge.words);
    this.says.textContent = says;
    const rows = copies[1] ? [copies, ...facts] : facts;
    this.facts.replaceChildren(
      ...rows.flatMap(([each, value]) => [h("dt", {}, each), h("dd", {}, value)]),
      h("dt", {}, command_label),
      h("dd", {}, h("code", {}, command), this.copier(command)),
    );
  }

  showGoing(going) {
    this.element.dataset.going = String(Boolean(going));
    this.going.hidden = !going;
    if (!going) return;
    // In place: a screen reader says the words when they change, not with every byte.
    if (this.goingWords.textContent !== going.words) this.goingWords.textContent = going.words;
    this.progress.setAttribute("aria-label", going.words);
    if (going.share === null) this.progress.removeAttribute("value");
    else this.progress.value = going.share;
    this.figures.textContent = going.figures;
  }

  showOutcome({ outcome }) {
    this.outcome.hidden = !outcome;
    if (!outcome) return;
    const { app } = this;
    const failed = outcome.state === "failed";
    const away = h(
      "button",
      {
        class: "icon-button",
        type: "button",
        "aria-label": app.t("js.fit.dismiss"),
        onclick: () => this.do("forget"),
      },
      "×",
    );
    const text = outcome.text ? h("pre", { tabindex: "0" }, outcome.text) : null;
    const parts = [h("p", {}, outcome.words), outcome.hint ? h("p", { class: "hint" }, outcome.hint) : null];
    this.outcome.replaceChildren(
      h(
        "div",
        { class: failed ? "failure" : `success ${outcome.state}`, role: failed ? "alert" : "status" },
        h("div", {}, ...parts.filter(Boolean)),
        outcome.text ? this.copier(outcome.text) : null,
        away,
      ),
      ...(text ? [text] : []),
    );
  }

  showActions({ actions }) {
    const kept = this.actions.contains(document.activeElement);
    this.actions.replaceChildren(
      ...actions.map((each) =>
        h(
          "button",
          {
            class: `small${each.primary ? " primary" : ""}${each.danger ? " danger" : ""}`,
            type: "button",
            "data-do": each.id,
            onclick: () => this.press(each.id),
          },
          each.words,
        ),
      ),
    );
    if (kept) this.actions.querySelector("button")?.focus();
  }

  press(id) {
    const dialogs = {
      fetch: "askFetch",
      urls: "askUrls",
      import: "askImport",
      delete: "askDelete",
      delete_copy: "askDeleteCopy",
    };
    const precision = this.pane.chosen[1];
    if (dialogs[id]) this[dialogs[id]](precision);
    else this.do(id, { precision });
  }

  do(what, more = {}) {
    return this.pane.post("weights", { model: this.told.id, do: what, ...more });
  }

  // ---------------------------------------------------------------- questions before a deed

  /** Licence and gate first; nothing goes online before the button in this dialog. */
  askFetch() {
    const { app, told } = this;
    this.question(app.t("js.weights.fetch_title", { name: told.name }), {
      body: [this.online(), this.terms(), this.terminal()],
      label: app.t("js.weights.now"),
      act: () => this.do("fetch"),
    });
  }

  askUrls() {
    const { app, told } = this;
    this.question(told.actions.find((each) => each.id === "urls").words, {
      body: [this.online(), this.terminal("urls")],
      label: app.t("js.weights.ask"),
      act: () => this.do("urls"),
    });
  }

  askImport() {
    const { app, told } = this;
    const folder = h("input", { type: "text", id: "import-folder", size: "60" });
    this.question(app.t("js.weights.import_title", { name: told.name }), {
      body: [
        h("p", {}, app.t("js.weights.import_note")),
        h("label", { class: "typed" }, app.t("js.weights.import_folder"), folder),
      ],
      label: app.t("js.weights.import_now"),
      ready: () => folder.value.trim() !== "" || folder.focus(),
      act: () => this.do("import", { folder: folder.value.trim() }),
    });
    folder.focus();
    folder.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // else the button that gets the focus back is pressed by it
      document.getElementById("weights-go").click();
    });
  }

  askDelete() {
    const { app, told } = this;
    this.question(app.t("js.weights.delete_title", { name: told.name }), {
      body: [h("p", {}, app.t("js.weights.delete_note", { folder: told.folder }))],
      label: app.t("js.weights.delete_now"),
      danger: true,
      act: () => this.do("delete"),
    });
  }

  /** Without the published files a copy cannot be made again, so it is not gone by one click. */
  askDeleteCopy(precision) {
    const { app, told } = this;
    const words = told.actions.find((each) => each.id === "delete_copy").words.replace("…", "");
    this.question(`${words} · ${told.name}`, {
      body: [h("p", {}, app.t("js.weights.delete_copy_note"))],
      label: app.t("js.weights.delete_now"),
      danger: true,
      act: () => this.do("delete_copy", { precision }),
    });
  }

  /** `ready`: whether what was asked is answered; the dialog stays until it is. */
  question(title, { body, label, act, ready = () => true, danger = false }) {
    const { dialogs } = this.app;
    const go = () => {
      if (!ready()) return;
      dialogs.dialog.close();
      act();
    };
    const kind = danger ? "danger" : "primary";
    const yes = { class: `small ${kind}`, type: "button", id: "weights-go", onclick: go };
    const no = { class: "small", type: "button", onclick: () => dialogs.dialog.close() };
    const buttons = h(
      "div",
      { class: "weights-actions" },
      h("button", yes, label),
      h("button", no, this.app.t("js.weights.cancel")),
    );
    dialogs.show(title, h("div", { class: "question" }, ...body, buttons));
  }

  online() {
    return h("div", {}, ...this.told.confirm.map((each) => h("p", {}, each)));
  }

  terms() {
    const rows = this.told.facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
    return h("dl", { class: "facts-list" }, ...rows);
  }

  terminal(action = "fetch") {
    const command = this.told.command.replace(" fetch ", ` ${action} `);
    return h("p", { class: "hint" }, `${this.told.command_label}: `, h("code", {}, command));
  }

  copier(text) {
    const button = h("button", { class: "small", type: "button" }, this.app.t("js.copy"));
    button.addEventListener("click", async () => {
      const done = await copyText(text);
      button.textContent = this.app.t(done ? "js.copied" : "js.copy_failed");
      setTimeout(() => (button.textContent = this.app.t("js.copy")), 1600);
    });
    return button;
  }
}
