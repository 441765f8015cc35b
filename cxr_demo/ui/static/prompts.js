// How a report is asked for, where a model knows more than one way; else there is nothing to see.

import { h, onChange } from "./dom.js";
import { moveAmong } from "./picker.js";

export class PromptsPane {
  constructor(app, root) {
    this.app = app;
    this.chips = h("div", { class: "chips", id: "prompts", role: "radiogroup" });
    this.chips.addEventListener("keydown", (event) => moveAmong(this.chips, event));
    root.replaceChildren(this.chips);
    this.draw = onChange((value) => this.show(value));
  }

  render(view) {
    if (view) this.draw({ prompts: view.prompts, language: view.language });
  }

  show({ prompts }) {
    const focused = this.chips.contains(document.activeElement);
    this.chips.setAttribute("aria-label", this.app.t("js.prompts"));
    this.chips.replaceChildren(...prompts.map((each) => this.chip(each)));
    if (focused) this.chips.querySelector("[aria-checked=true]")?.focus();
  }

  chip({ id, words, title, chosen }) {
    return h(
      "button",
      {
        class: "chip",
        type: "button",
        role: "radio",
        "aria-checked": String(chosen),
        tabindex: chosen ? "0" : "-1",
        title,
        "data-prompt": id,
        onclick: () => this.app.act("prompt", { id }),
      },
      words,
    );
  }
}
