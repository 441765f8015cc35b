// The report: its tabs, its state, its text as it is written, and what belongs to it.

import { h, onChange } from "./dom.js";

const INCOMPLETE = new Set(["stopped", "cut", "failed"]);

export class ReportPane {
  constructor(app, root) {
    this.app = app;
    this.tabs = h("div", { class: "reading-tabs", role: "tablist" });
    this.state = h("div", { class: "state-line", role: "status", "aria-live": "polite" });
    this.progress = h("progress", { max: "1" });
    this.remark = h("div", { class: "output-note" });
    this.wait = h("div", { class: "output-note is-wait", role: "status", hidden: true });
    this.label = h("div", { class: "output-label" });
    this.note = h("div", { class: "output-note" });
    this.text = h("div", { class: "report-text", tabindex: "0", lang: "en", role: "region" });
    this.failure = h("div", { class: "failure", role: "alert" });
    this.offer = h("button", { id: "offer", onclick: () => app.act("offer") });
    this.notices = h("ul", { class: "notices" });
    this.copy = h("button", { class: "small", onclick: () => this.copyReport() });
    this.see = h("button", { class: "small", id: "see", onclick: () => app.dialogs.seen() });
    this.stampTitle = h("summary");
    this.stampRows = h("dl", { class: "stamp" });
    this.stamp = h("details", { class: "provenance" }, this.stampTitle, this.stampRows);
    const tools = h("div", { class: "report-tools" }, this.copy, this.see);
    root.replaceChildren(
      h(
        "div",
        { class: "report-pane" },
        ...[this.tabs, this.state, this.progress, this.remark, this.wait],
        ...[this.failure, this.offer],
        ...[this.label, this.note],
        ...[this.notices, this.text, tools, this.stamp],
      ),
    );
    this.drawn = { id: null, segments: [] };
    this.drawWait = onChange((words) => {
      this.wait.hidden = !words;
      this.wait.textContent = words ?? "";
    });
    this.drawTabs = onChange((value) => this.showTabs(value));
    this.drawState = onChange((value) => this.showState(value));
    this.drawSegments = onChange((value) => this.showSegments(value));
    this.drawStamp = onChange((value) => this.showStamp(value));
  }

  render(view, live) {
    if (!view) return;
    this.drawWait(live?.wait ?? null);
    const { segments, stamp, clipboard, ...rest } = view.report;
    this.clipboard = clipboard;
    this.hasStudy = view.study !== null;
    this.drawTabs({ readings: view.readings, language: view.language });
    this.drawState({ ...rest, hasStudy: this.hasStudy, language: view.language });
    this.drawSegments({ id: rest.id, segments });
    this.drawStamp(stamp ?? []);
  }

  showTabs({ readings }) {
    const { app } = this;
    this.tabs.setAttribute("aria-label", app.t("js.readings"));
    this.tabs.hidden = readings.length === 0;
    this.tabs.replaceChildren(
      ...readings.map((each) =>
        h(
          "button",
          {
            role: "tab",
            class: `reading-tab is-${each.state}`,
            "aria-selected": String(each.selected),
            onclick: () => app.act("select", { run: each.id }),
          },
          h("span", {}, each.title),
          h("small", {}, each.details),
        ),
      ),
    );
    this.tabs.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  showState(report) {
    const { app } = this;
    this.state.dataset.state = report.state;
    this.state.textContent = report.words;
    const loading = ["queued", "loading", "reading"].includes(report.state);
    this.progress.hidden = !loading;
    this.progress.setAttribute("aria-label", report.words);
    if (report.fraction === null || report.fraction === undefined) {
      this.progress.removeAttribute("value");
    } else {
      this.progress.value = report.fraction;
    }
    put(this.failure, report.error);
    put(this.offer, report.offer);
    put(this.remark, report.remark);
    put(this.label, report.label);
    put(this.note, [report.warning, report.language_note].filter(Boolean).join(" "));
    this.notices.hidden = !report.notices?.length;
    this.notices.replaceChildren(...(report.notices ?? []).map((each) => h("li", {}, each)));
    this.text.setAttribute("aria-label", app.t("js.report"));
    this.text.classList.toggle("incomplete", INCOMPLETE.has(report.state) && !!report.label);
    this.copy.textContent = app.t("js.copy");
    this.copy.disabled = !this.clipboard;
    this.see.textContent = app.t("js.see");
    this.see.disabled = !report.hasStudy;
    this.stampTitle.textContent = app.t("js.provenance");
  }

  /** What stands already stays, and the last words grow in place: a selection survives. */
  showSegments({ id, segments }) {
    const atEnd = this.text.scrollHeight - this.text.scrollTop - this.text.clientHeight < 24;
    const drawn = this.drawn.id === id ? this.drawn.segments : [];
    let kept = 0;
    while (kept < drawn.length && same(drawn[kept], segments[kept])) kept += 1;
    const node = this.text.childNodes[kept];
    if (isPlain(drawn[kept]) && isPlain(segments[kept])) {
      node.data = segments[kept].text;
      kept += 1;
    }
    for (const old of [...this.text.childNodes].slice(kept)) old.remove();
    this.text.append(...segments.slice(kept).map((each) => this.piece(each)));
    this.drawn = { id, segments };
    const marked = segments.some((each) => each.findings.length > 0);
    if (!marked && atEnd) this.text.scrollTop = this.text.scrollHeight;
    if (marked) this.text.scrollTop = 0;
  }

  piece(segment) {
    if (isPlain(segment)) return document.createTextNode(segment.text);
    if (segment.heading) return h("strong", { class: "section" }, segment.heading);
    const choose = () => this.app.choose(segment.findings[0], "report");
    return h(
      "span",
      {
        class: `mark is-${segment.label}`,
        role: "button",
        tabindex: "0",
        "data-findings": JSON.stringify(segment.findings),
        onclick: choose,
        onkeydown: (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          if (event.altKey) return;
          event.preventDefault();
          choose();
        },
      },
      segment.text,
    );
  }

  /** Show which words carry `finding`; scroll there unless the click came from the text. */
  highlight(finding, from) {
    let first = null;
    for (const mark of this.text.querySelectorAll(".mark")) {
      const chosen = JSON.parse(mark.dataset.findings).includes(finding);
      mark.classList.toggle("chosen", chosen);
      if (chosen) first ??= mark;
    }
    if (first && from !== "report") first.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  showStamp(rows) {
    this.stamp.hidden = rows.length === 0;
    this.copy.disabled = !this.clipboard;
    this.stampRows.replaceChildren(
      ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    );
  }

  async copyReport() {
    if (!this.clipboard) return;
    const done = await copyText(this.clipboard);
    this.copy.textContent = this.app.t(done ? "js.copied" : "js.copy_failed");
    setTimeout(() => (this.copy.textContent = this.app.t("js.copy")), 1600);
  }
}

/** Words that carry no finding and are no heading. */
function isPlain(segment) {
  return !!segment && segment.findings.length === 0 && !segment.heading;
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

function put(element, words) {
  element.hidden = !words;
  element.textContent = words ?? "";
}

/** The clipboard proper needs localhost or https; elsewhere the old way still works. */
export async function copyText(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
  }
  const area = h("textarea", { class: "offscreen" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
