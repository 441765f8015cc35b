// What opens above the page: what the model saw, and the keyboard.

import { h } from "./dom.js";

export class Dialogs {
  constructor(app) {
    this.app = app;
    this.again = null; // draws what is open once more, in the page's language
    this.dialog = h("dialog", { class: "cxr-dialog" });
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close(); // the backdrop
    });
    document.body.append(this.dialog);
  }

  show(title, ...content) {
    this.again = null;
    const close = h(
      "button",
      { class: "icon-button", "aria-label": this.app.t("js.dismiss") },
      "×",
    );
    close.addEventListener("click", () => this.dialog.close());
    const head = h("div", { class: "pane-head" }, h("h2", {}, title), close);
    this.dialog.setAttribute("aria-label", title);
    const disclaimer = h("p", { class: "dialog-disclaimer" }, this.app.t("disclaimer"));
    this.dialog.replaceChildren(head, ...content, disclaimer);
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** `again` draws what is open once more; it gets the page's other language within reach. */
  follow(again) {
    const { app, dialog } = this;
    this.again = again;
    const other = app.language === "pt" ? "en" : "pt";
    const change = h("button", { class: "small", lang: other }, other === "pt" ? "Português" : "English");
    // Behind a dialog the page's own switch is out of reach for hands, not for scripts.
    change.addEventListener("click", () => document.querySelector(`#language input[value=${other}]`).click());
    dialog.querySelector(".pane-head .icon-button").before(change);
  }

  /** The page speaks another language. */
  async speak() {
    if (!this.dialog.open || !this.again) return;
    const at = this.dialog.scrollTop;
    await this.again();
    this.dialog.scrollTop = at;
  }

  /** The exact image and prompt that the model is given, asked of the model's process. */
  async seen() {
    const { app } = this;
    const title = app.t("js.see");
    const study = app.view.study.image.id;
    this.show(title, h("p", { role: "status" }, app.t("js.seeing")), h("progress"));
    const seen = (await app.ask("seen")) ?? { error: app.t("js.lost") };
    // Another radiograph may be open by now: its window must not show the old one.
    if (!this.dialog.open) return;
    if (app.view.study?.image.id !== study) return this.dialog.close();
    if (seen.error) return this.show(title, h("p", { class: "failure" }, seen.error));
    const size = app.t("js.see_size", { w: seen.width, h: seen.height });
    this.show(
      title,
      h(
        "div",
        { class: "seen" },
        h("img", { src: seen.png, alt: title, width: seen.width, height: seen.height }),
        h(
          "div",
          {},
          h("p", {}, `${size} · ${seen.preprocessing}`),
          h("h3", {}, `${app.t("js.see_prompt")} · ${seen.prompt_id}`),
          h("pre", { lang: "en" }, seen.prompt),
        ),
      ),
    );
  }

  keys() {
    const { app } = this;
    const list = app.keys.flatMap((each) => [
      h("dt", {}, h("kbd", {}, each.keys)),
      h("dd", {}, each[app.language]),
    ]);
    this.show(app.t("js.keys"), h("dl", { class: "keys" }, ...list));
    this.follow(() => this.keys());
  }
}
