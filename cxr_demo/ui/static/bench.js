// The Benchmarks screen: "run" (choose, start, progress) and "results", over one small poll.
// What is shown comes from the server in the page's language; the worker goes on without any page.

import { BenchForm } from "./bench_form.js";
import { BenchProgress } from "./bench_progress.js";
import { BenchResults } from "./bench_results.js";
import { fill, h, onChange } from "./dom.js";

const RUNNING_MS = 1000;
const IDLE_MS = 3000;
const CHECKING_MS = 400;

export class BenchPane {
  constructor(app, root) {
    this.app = app;
    this.root = root;
    this.part = "run";
    this.state = null;
    this.timer = null;
    this.note = h("div", { class: "failure", role: "alert", hidden: true });
    this.now = h("button", { class: "bench-now", hidden: true, onclick: () => this.show("run") });
    this.parts = h("div", { class: "segments", role: "tablist" });
    this.form = new BenchForm(this);
    this.progress = new BenchProgress(this);
    this.results = new BenchResults(this);
    this.run = h("div", { class: "bench-run" }, this.form.root, this.progress.root);
    const bar = h("div", { class: "bench-bar" }, this.parts, this.now, this.results.filters);
    fill(
      root,
      h("div", { class: "bench" }, bar, this.note, this.run, this.results.root),
    );
    this.drawFrame = onChange(() => this.frame());
    this.drawNow = onChange((value) => this.showNow(value));
    this.show("run");
  }

  /** Called at every turn of the page's own poll; asks for nothing while the tab is out of sight. */
  render() {
    const { language } = this.app;
    this.drawFrame({ language, part: this.part });
    if (this.language !== language) {
      this.language = language;
      this.version = null;
      if (this.inSight()) this.turn();
    } else if (this.timer === null && this.inSight()) this.turn();
  }

  inSight() {
    return !document.hidden && this.root.offsetParent !== null;
  }

  /** Words of this screen. */
  t(key, params) {
    return this.app.t(key, params);
  }

  frame() {
    const tab = (part, words) =>
      h(
        "button",
        {
          role: "tab",
          class: "segment",
          "data-part": part,
          "aria-selected": String(this.part === part),
          onclick: () => this.show(part),
        },
        words,
      );
    const kept = this.parts.contains(document.activeElement);
    this.parts.setAttribute("aria-label", this.t("js.bench.parts"));
    fill(
      this.parts,
      tab("run", this.t("js.bench.run")),
      tab("results", this.t("js.bench.results")),
    );
    if (kept) this.parts.querySelector("[aria-selected=true]").focus();
  }

  show(part) {
    this.part = part;
    this.run.hidden = part !== "run";
    this.results.root.hidden = this.results.filters.hidden = part !== "results";
    this.drawFrame({ language: this.app.language, part });
    this.drawNow({ ...this.state?.now, part });
    if (part === "results" && this.state) this.results.refresh();
  }

  /** Go to the results of one evaluation. */
  open(board) {
    this.show("results");
    this.results.choose({ place: null, board, labeler: null });
  }

  // ---------------------------------------------------------------- the poll

  async turn() {
    clearTimeout(this.timer);
    this.timer = -1;
    const { language } = this.app;
    const known = this.version ? `&known=${this.version}` : "";
    const state = await this.ask(`state?lang=${language}${known}`);
    if (!state) this.say(this.t("js.bench.stale"));
    else if (language === this.app.language) this.take(state);
    this.timer = null;
    if (!this.inSight()) return; // the page's own turn begins again when the tab is back
    const wait = this.checking ? CHECKING_MS : this.running ? RUNNING_MS : IDLE_MS;
    this.timer = setTimeout(() => this.turn(), wait);
  }

  take(state) {
    if (state.same) return this.say(this.state.error ?? this.problem); // nothing else is new
    this.state = state;
    this.version = state.version;
    this.running = state.running;
    this.checking = state.checking;
    this.say(state.error ?? this.problem);
    this.form.render(state);
    this.progress.render(state);
    this.drawNow({ ...state.now, part: this.part });
    if (this.part === "results") this.results.refresh();
  }

  /** A line on what runs, on the results' side too. */
  showNow({ words, state, part }) {
    this.now.hidden = !words || part === "run";
    this.now.dataset.state = state ?? "";
    this.now.textContent = this.now.title = words ?? "";
  }

  say(error) {
    this.note.hidden = !error;
    this.note.textContent = error ?? "";
  }

  // ---------------------------------------------------------------- asking the server

  /** The JSON at `what`, or null if the server is gone (the page says so above everything). */
  async ask(what, body) {
    const given = body && {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...body, lang: this.app.language }),
    };
    try {
      const answer = await fetch(`/cxr/bench/${what}`, given);
      return answer.ok ? await answer.json() : null;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return null;
    }
  }

  /** Ask for an action; its answer is the new state. */
  async act(what, body = {}) {
    const answer = await this.ask(what, body);
    this.problem = answer === null ? this.t("js.lost") : answer.error;
    this.say(this.problem);
    if (answer === null) return null;
    this.version = null;
    this.turn();
    return answer;
  }
}
