// The page: one session, one poll, one view. Panes draw what the view says and nothing else.

import "./viewer_maths.js";
import "./viewer_contest.js";
import "./viewer_texts.js";
import "./viewer_gl.js";
import "./viewer_plain.js";
import "./viewer_chrome.js";
import "./viewer_controls.js";
import "./viewer_fetch.js";
import "./viewer.js";
import { BenchPane } from "./bench.js";
import { h } from "./dom.js";
import { Dialogs } from "./dialogs.js";
import { FindingsPane } from "./findings.js";
import { FitPane } from "./fit.js";
import { PickerPane } from "./picker.js";
import { PromptsPane } from "./prompts.js";
import { ReportPane } from "./report.js";
import { StudyPane } from "./study.js";
import { TelemetryPane } from "./telemetry.js";

const BUSY_MS = 25;
const IDLE_MS = 700;
const LOST_MS = 1500;
const LEAVING_MS = 1500;

class App {
  constructor() {
    this.session = null;
    this.view = null;
    this.live = null;
    this.revision = 0;
    this.language = document.documentElement.lang === "en" ? "en" : "pt";
    this.strings = null;
    this.samples = [];
    this.keys = [];
    this.panes = [];
    this.timer = null;
    this.polling = false;
    this.kicked = false;
    this.quietUntil = 0;
  }

  /** Words of the page in the current language. */
  t(key, params = {}) {
    const words = this.strings?.[this.language]?.[key] ?? "";
    return words.replace(/\{(\w+)\}/g, (all, name) => params[name] ?? all);
  }

  async start(session) {
    if (!session || session === this.session) return;
    this.session = session;
    this.revision = 0;
    const { strings, samples, keys } = await (await fetch("/cxr/strings")).json();
    this.strings = strings;
    this.samples = samples;
    this.keys = keys;
    this.dialogs = new Dialogs(this);
    await mounted("study", "picker", "prompts", "report", "findings", "telemetry");
    this.panes = [
      new StudyPane(this, places.get("study")),
      new ReportPane(this, places.get("report")),
      new FindingsPane(this, places.get("findings")),
      new TelemetryPane(this, places.get("telemetry"), document.getElementById("worker-line")),
      new PickerPane(this, places.get("picker")),
      new PromptsPane(this, places.get("prompts")),
    ];
    mounted("fit").then(() => {
      this.fit = new FitPane(this, places.get("fit")); // when its tab is first opened
      this.panes.push(this.fit);
      if (this.wantedFit) this.fit.choose(...this.wantedFit);
    });
    mounted("bench").then(() => this.panes.push(new BenchPane(this, places.get("bench"))));
    this.bindKeys();
    // Gradio tells the server that a page is left, which the page outlives for a moment: it would
    // hear that its session is gone. One that stays after all asks, and says so.
    window.addEventListener("beforeunload", () => {
      this.quietUntil = performance.now() + LEAVING_MS;
    });
    await this.poll();
    document.documentElement.classList.add("cxr-ready");
  }

  // ---------------------------------------------------------------- the poll

  /** Ask now instead of at the next turn. */
  kick() {
    if (this.polling) this.kicked = true;
    else this.poll();
  }

  async poll() {
    clearTimeout(this.timer);
    const quiet = this.quietUntil - performance.now();
    if (quiet > 0) {
      this.timer = setTimeout(() => this.poll(), quiet);
      return;
    }
    this.polling = true;
    let wait = LOST_MS;
    try {
      // While something goes on, the answer comes with the next change, token by token.
      const hold = this.view?.busy || this.view?.opening ? "&hold=1" : "";
      const answer = await fetch(`/cxr/${this.session}/view?since=${this.revision}${hold}`);
      if (answer.ok) {
        this.take(await answer.json());
        this.lost(null);
        wait = this.view?.busy || this.view?.opening ? BUSY_MS : IDLE_MS;
      } else {
        // The server is there but does not know this page: it was started again.
        this.lost(answer.status === 410 || answer.status === 401 ? "js.restarted" : "js.lost");
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.lost("js.lost");
    } finally {
      this.polling = false;
      this.timer = setTimeout(() => this.poll(), this.kicked ? 0 : wait);
      this.kicked = false;
    }
  }

  take({ live, view }) {
    this.live = live;
    // Answers may overtake each other; an older view never replaces a newer one.
    if (view && view.revision > this.revision) {
      this.revision = view.revision;
      this.view = view;
      this.speak(view.language);
    }
    for (const pane of this.panes) pane.render(this.view, this.live);
    this.buttons();
  }

  /** The words that stand in the page itself. */
  speak(language) {
    if (this.spoken === language) return;
    this.spoken = this.language = language;
    document.documentElement.lang = language === "pt" ? "pt-BR" : "en";
    for (const place of document.querySelectorAll("[data-t]")) {
      place.textContent = this.t(place.dataset.t);
    }
    for (const place of document.querySelectorAll("[data-t-title]")) {
      place.title = this.t(place.dataset.tTitle);
      place.setAttribute("aria-label", place.title);
    }
    this.dialogs?.speak();
  }

  /** Say, above everything, that what is seen may be old; never empty the screen. */
  lost(key) {
    if (this.lostKey === key) return;
    this.lostKey = key;
    document.getElementById("cxr-lost")?.remove();
    if (!key) return;
    const again = h("button", { onclick: () => location.reload() }, this.t("js.reload"));
    document.body.append(
      h("div", { id: "cxr-lost", role: "alert" }, this.t(key), key === "js.restarted" ? again : null),
    );
  }

  buttons() {
    const view = this.view;
    if (!view) return;
    setDisabled("generate", !view.study || view.busy);
    setDisabled("stop", !view.busy);
  }

  // ---------------------------------------------------------------- commands

  /** The JSON at `what` of this session, or null if the server is gone. */
  async ask(what) {
    try {
      const answer = await fetch(`/cxr/${this.session}/${what}`);
      return answer.ok ? await answer.json() : null;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return null;
    }
  }

  /** Ask the server for `action`; the next view shows what came of it. */
  async act(action, given = {}) {
    const asked = fetch(`/cxr/${this.session}/${action}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(given),
    });
    this.kick();
    try {
      await asked;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.lost("js.lost");
    }
    this.kick();
  }

  /** Go to another tab, by the key of its title. */
  showTab(name) {
    document.getElementById(`tab-${name}-button`)?.click();
  }

  /** The screen that says how to get the weights of `model`, and whether it fits. */
  showFit(model, precision) {
    this.wantedFit = [model, precision];
    this.showTab("fit");
    this.fit?.choose(model, precision);
  }

  bindKeys() {
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || document.querySelector("dialog[open], :popover-open")) return;
      const typing = event.target.matches?.("input:not([type=radio]), textarea, select");
      if (event.altKey && event.key === "Enter") press("generate", event);
      else if (event.key === "Escape" && this.view?.busy) press("stop", event);
      else if (event.altKey && event.key.toLowerCase() === "o") press("open", event);
      else if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      else if (!document.getElementById("room")?.offsetParent) return; // another screen is shown
      else if (event.key === "PageDown") this.act("step", { by: 1 });
      else if (event.key === "PageUp") this.act("step", { by: -1 });
      else if (event.key === "?") this.dialogs.keys();
      else return;
      event.preventDefault();
    });
    document.getElementById("cxr-help")?.addEventListener("click", () => this.dialogs.keys());
  }
}

function press(id, event) {
  event.preventDefault();
  buttonOf(id)?.click();
}

function setDisabled(id, disabled) {
  const button = buttonOf(id);
  if (button && button.disabled !== disabled) button.disabled = disabled;
}

function buttonOf(id) {
  const place = document.getElementById(id);
  return place?.matches("button") ? place : place?.querySelector("button");
}

// Gradio builds its panes when it likes: each reports its element here.
const places = new Map();
const waiting = new Set();

function arrived(name, element) {
  places.set(name, element);
  for (const check of [...waiting]) check();
}

function mounted(...names) {
  return new Promise((resolve) => {
    const check = () => {
      if (!names.every((name) => places.has(name))) return;
      waiting.delete(check);
      resolve();
    };
    waiting.add(check);
    check();
  });
}

const app = new App();
window.cxrApp = app;
for (const [name, value] of window.cxrQueue ?? []) route(name, value);
window.cxrQueue = { push: ([name, value]) => route(name, value) };

function route(name, value) {
  if (name === "session") app.start(value);
  else arrived(name, value);
}
