// The radiograph: opening by button, by drop or from the samples, the viewer, and what must be
// known of the file.

import { h, onChange } from "./dom.js";

const MAX_BYTES = 100 * 1024 * 1024;

export class StudyPane {
  constructor(app, root) {
    this.app = app;
    this.imageId = null;
    this.problem = null; // what went wrong in the page itself, as a key of the strings
    this.title = h("h2");
    this.facts = h("span", { class: "facts" });
    this.lut = this.button("", () => this.toggleLut(), "small");
    this.lut.id = "ignore-lut";
    this.position = h("span", { class: "position" });
    this.previous = this.button("‹", () => app.act("step", { by: -1 }), "icon-button");
    this.next = this.button("›", () => app.act("step", { by: 1 }), "icon-button");
    this.close = this.button("×", () => app.act("close"), "icon-button");
    this.failure = h("div", { class: "failure", role: "alert" });
    this.notices = h("ul", { class: "notices" });
    this.viewerRoot = h("div", { class: "viewer" });
    this.empty = h("div", { class: "empty" });
    this.opening = h("div", { class: "opening", role: "status" });
    this.strip = h("div", { class: "strip" });
    this.input = h("input", { type: "file", multiple: true, class: "offscreen", tabindex: "-1" });
    this.input.id = "file-input";
    this.input.addEventListener("change", () => this.open([...this.input.files]));
    this.stage = h("div", { class: "stage" }, this.viewerRoot, this.empty, this.opening);
    const tools = [this.lut, this.position, this.previous, this.next, this.close];
    const head = h("div", { class: "pane-head" }, this.title, this.facts, ...tools);
    const parts = [head, this.failure, this.stage, this.notices, this.strip, this.input];
    root.replaceChildren(h("div", { class: "study-pane" }, ...parts));
    this.viewer = new window.CxrViewer(this.viewerRoot, { language: app.language });
    this.acceptDrops(root);
    this.draw = onChange((value) => this.show(value));
    this.drawStrip = onChange((value) => this.showStrip(value));
  }

  button(sign, action, kind) {
    return h("button", { class: kind, onclick: action }, sign);
  }

  render(view) {
    if (!view) return;
    this.draw({ ...view, report: null, findings: null, readings: null, timings: null, revision: 0 });
    this.drawStrip({ language: view.language, sample: view.study?.sample, open: !!view.study });
  }

  show({ study, opening, error, language }) {
    const { app } = this;
    this.title.textContent = app.t("js.radiograph");
    this.facts.textContent = this.facts.title = study?.title ?? "";
    this.opening.hidden = !opening;
    this.opening.textContent = app.t("js.opening");
    this.showError(error);
    this.showLut(study);
    this.showPosition(study);
    this.notices.hidden = !study?.notices.length;
    this.notices.replaceChildren(...(study?.notices ?? []).map((each) => h("li", {}, each)));
    this.viewerRoot.hidden = !study;
    this.empty.hidden = !!study;
    this.input.setAttribute("aria-label", app.t("js.open"));
    this.viewer.setLanguage(language);
    this.showImage(study?.image ?? null);
  }

  showError(error) {
    error = this.problem ? this.app.t(this.problem) : error;
    this.failure.hidden = !error;
    if (!error) return;
    const dismiss = this.button("×", () => this.dismiss(), "icon-button");
    dismiss.setAttribute("aria-label", this.app.t("js.dismiss"));
    this.failure.replaceChildren(h("span", {}, error), dismiss);
  }

  dismiss() {
    this.problem = null;
    this.failure.hidden = true;
    this.app.act("dismiss");
  }

  /** The switch for files whose own window is wrong; not there for files that bring none. */
  showLut(study) {
    this.ignoresLut = !!study?.ignore_lut;
    this.lut.hidden = !study?.file_lut;
    this.lut.textContent = this.app.t("js.ignore_lut");
    this.lut.title = this.app.t("js.ignore_lut_tip");
    this.lut.setAttribute("aria-pressed", String(this.ignoresLut));
  }

  toggleLut() {
    this.app.act("lut", { ignore: !this.ignoresLut });
  }

  showPosition(study) {
    const { app } = this;
    const many = study && (study.images > 1 || study.picked > 1);
    const words = [];
    if (study?.picked > 1) {
      words.push(app.t("js.study_of", { n: study.place + 1, total: study.picked }));
    }
    if (study?.images > 1) {
      words.push(app.t("js.image_of", { n: study.index + 1, total: study.images }));
    }
    this.position.textContent = words.join(" · ");
    for (const [button, key] of [
      [this.previous, "js.previous"],
      [this.next, "js.next"],
      [this.close, "js.close"],
    ]) {
      button.hidden = button === this.close ? !study : !many;
      button.setAttribute("aria-label", app.t(key));
      button.title = app.t(key);
    }
  }

  async showImage(image) {
    if ((image?.id ?? null) === this.imageId) return;
    this.imageId = image?.id ?? null;
    this.viewer.clear(); // at once: an old radiograph must not stand beside a new report
    if (!image) return;
    const address = `/cxr/${this.app.session}/pixels/${image.id}`;
    try {
      await window.CxrViewer.fetchInto(this.viewer, address, image);
    } catch (error) {
      if (image.id !== this.imageId) return; // another image took its place meanwhile
      this.fail("js.upload_failed");
      throw error;
    }
  }

  // ---------------------------------------------------------------- opening

  showStrip({ sample, open }) {
    const { app } = this;
    const openButton = () =>
      h(
        "button",
        { class: "open-button", id: "open", onclick: () => this.input.click() },
        app.t("js.open"),
      );
    const thumbs = () =>
      h(
        "div",
        { class: "samples", role: "group", "aria-label": app.t("js.samples") },
        ...app.samples.map((each) => this.thumb(each, each.id === sample)),
      );
    this.strip.hidden = !open;
    this.strip.replaceChildren(...(open ? [openButton(), thumbs()] : []));
    this.empty.replaceChildren(
      ...(open
        ? []
        : [
            h("p", { class: "lead" }, app.t("js.empty")),
            openButton(),
            h("p", { class: "hint" }, app.t("js.drop")),
            h("h3", {}, app.t("js.samples")),
            thumbs(),
          ]),
    );
  }

  thumb({ id, titles }, current) {
    const name = titles[this.app.language];
    return h(
      "button",
      {
        class: "sample",
        title: name,
        "data-sample": id,
        "aria-pressed": String(current),
        onclick: () => this.app.act("sample", { sample: id }),
      },
      h("img", { src: `/cxr/sample/${encodeURIComponent(id)}`, alt: "", draggable: "false" }),
      h("span", {}, name),
    );
  }

  /** Hand the files over, one by one and without their names, and open them as one list. */
  async open(files) {
    this.input.value = "";
    if (files.length === 0) return;
    this.fail(null);
    this.opening.hidden = false;
    const tokens = [];
    let problem = null;
    for (const file of files) {
      if (file.size > MAX_BYTES) {
        problem = "js.too_large";
        continue;
      }
      const token = await this.upload(file);
      if (token) tokens.push(token);
      else problem = "js.upload_failed";
    }
    this.opening.hidden = true;
    if (tokens.length > 0) await this.app.act("open", { files: tokens });
    this.fail(problem);
  }

  fail(problem) {
    this.problem = problem;
    this.showError(this.app.view.error);
  }

  async upload(file) {
    try {
      const address = `/cxr/${this.app.session}/upload`;
      const answer = await fetch(address, { method: "POST", body: file });
      return answer.ok ? (await answer.json()).file : null;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return null;
    }
  }

  acceptDrops(root) {
    const mark = (on) => root.classList.toggle("dropping", on);
    for (const name of ["dragenter", "dragover"]) {
      document.addEventListener(name, (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        mark(true);
      });
    }
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) mark(false);
    });
    document.addEventListener("drop", async (event) => {
      event.preventDefault();
      mark(false);
      document.querySelector("#tabs [role=tab]")?.click(); // it may fall onto another screen
      this.open(await droppedFiles(event.dataTransfer));
    });
  }
}

/** The files of a drop; folders are walked through. */
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files];
  const files = [];
  for (const entry of entries) await walk(entry, files);
  return files;
}

async function walk(entry, files) {
  if (entry.isFile) {
    files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const each of some) await walk(each, files);
  }
}
