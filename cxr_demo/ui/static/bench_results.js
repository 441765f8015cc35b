// Results: one evaluation at a time, by one labeler and one policy; a table or one figure.

import { section, segments } from "./bench_form.js";
import { draw, picture, resize } from "./bench_plot.js";
import { runDialog } from "./bench_run.js";
import { table } from "./bench_table.js";
import { fill, h, onChange } from "./dom.js";

const LEAST = 470; // pixels that a figure needs to be legible, if it says nothing else

export class BenchResults {
  constructor(pane) {
    this.pane = pane;
    this.choice = { place: null, board: null, labeler: null, policy: null, show: null, theme: "dark" };
    this.picked = null; // the view that the user chose; before that, the server's first one
    this.filters = h("div", { class: "bench-filters" });
    this.tabs = h("div", { class: "bench-views", role: "tablist" });
    this.head = h("div", { class: "bench-head" });
    this.display = h("div", { class: "bench-display" });
    this.chart = h("div", { class: "bench-chart" });
    new ResizeObserver(() => resize(this.chart)).observe(this.chart);
    this.tables = h("div", { class: "bench-tables" });
    this.empty = h("div", { class: "bench-empty" });
    this.saying = h("p", { class: "bench-saying" });
    this.body = h("div", { class: "bench-body" }, this.chart, this.saying, this.tables, this.empty);
    const top = h("div", { class: "bench-top" }, this.tabs, this.display);
    this.root = h("div", { class: "bench-results" }, top, this.head, this.body);
    this.drawFilters = onChange((value) => this.showFilters(value));
    this.drawTabs = onChange((value) => this.showTabs(value));
    this.drawBody = onChange((value) => this.showBody(value));
  }

  /** Choose another evaluation, labeler, policy, view or theme. */
  choose(changed) {
    Object.assign(this.choice, changed);
    this.picked = changed.show ?? this.picked;
    if ("place" in changed) {
      this.place = changed.place;
      this.choice.labeler = null; // phantoms may have the rules only: nobody chose those for patients
    }
    this.known = null;
    this.refresh();
  }

  address(what) {
    const { language } = this.pane.app;
    // What nobody picked is chosen anew each time: an empty place does not stay for want of results.
    const asked = { ...this.choice, place: this.place, show: this.picked, lang: language };
    const given = Object.entries(asked).filter(([, value]) => value);
    return `${what}?${new URLSearchParams(given)}`;
  }

  /** Ask for what is chosen, if anything of it can have changed. */
  async refresh() {
    const asked = this.address("results");
    const known = `${asked} ${this.pane.state?.results ?? ""}`;
    if (known === this.known || this.asking === known) return;
    this.asking = known;
    const found = await this.pane.ask(asked);
    this.asking = null;
    if (!found || asked !== this.address("results")) return;
    this.known = known;
    const { show } = found.chosen;
    Object.assign(this.choice, found.chosen);
    this.known = `${this.address("results")} ${this.pane.state?.results ?? ""}`;
    this.found = found;
    const { language } = this.pane.app;
    this.drawFilters({ places: found.places, boards: found.boards, labelers: found.labelers, policies: found.policies, choice: this.choice, language });
    this.drawTabs({ views: found.views, show, language });
    this.drawBody({ ...found, boards: null, choice: this.choice });
  }

  // ---------------------------------------------------------------- what is looked at

  showFilters({ places, boards, labelers, policies }) {
    const { pane, choice } = this;
    const select = h(
      "select",
      { id: "bench-board", "data-at": "board", "aria-label": pane.t("js.bench.board"), onchange: (event) => this.choose({ board: event.target.value, labeler: null }) },
      ...boards.map((each) => h("option", { value: each.id, selected: each.id === choice.board }, each.title)),
    );
    const any = boards.length > 0;
    const group = (label, choices, name, kind = "filter bare") =>
      choices.length
        ? h(
            "div",
            { class: kind, role: "radiogroup", "aria-label": label },
            h("span", {}, label),
            segments(choices, choice[name], name, (value) => this.choose({ [name]: value })),
          )
        : null;
    const at = (element) =>
      element.contains(document.activeElement) ? document.activeElement.dataset.at : null;
    const kept = at(this.filters) ?? at(this.display);
    const themes = [
      { id: "dark", words: pane.t("js.bench.dark") },
      { id: "light", words: pane.t("js.bench.light") },
    ];
    fill(
      this.filters,
      group(pane.t("js.bench.place"), places, "place"),
      h("label", { class: "filter wide", hidden: !any }, h("span", {}, pane.t("js.bench.board")), select),
      this.exports(any),
    );
    this.display.hidden = !any;
    fill(
      this.display,
      group(pane.t("js.bench.labeler"), labelers, "labeler"),
      group(pane.t("js.bench.policy"), policies, "policy", "filter"),
      group(pane.t("js.bench.theme"), themes, "theme"),
    );
    const again = kept && `[data-at="${CSS.escape(kept)}"]`;
    if (again) (this.filters.querySelector(again) ?? this.display.querySelector(again))?.focus();
  }

  exports(any) {
    const { pane } = this;
    const link = (what, words) =>
      h("button", { class: "small", type: "button", "data-at": `export-${what}`, onclick: () => this.save(what) }, words);
    const files = any ? [link("csv", "CSV"), link("png", "PNG"), link("html", "HTML")] : [];
    const full = { class: "small", type: "button", "data-at": "full", title: pane.t("js.bench.full_tip"), onclick: () => this.full() };
    return h(
      "div",
      { class: "filter exports", role: "group", "aria-label": pane.t("js.bench.export") },
      h("span", {}, pane.t("js.bench.export")),
      h("div", { class: "bench-buttons" }, ...files, link("carry", pane.t("js.bench.carry"))),
      ...(any ? [h("button", full, pane.t("js.bench.full"))] : []),
    );
  }

  save(what) {
    if (what === "carry") return this.carry(this.found.carry);
    if (what === "png") return this.savePicture();
    const link = h("a", { href: `/cxr/bench/${this.address(`export.${what}`)}`, download: "" });
    link.click();
  }

  savePicture() {
    const { figure, file } = this.found;
    if (figure) picture(figure, `${file}.png`);
    else this.pane.say(this.pane.t("js.bench.png_hint"));
  }

  /** The figure or the tables over the whole screen, for a projector; Esc ends it. */
  full() {
    this.body.requestFullscreen();
  }

  showTabs({ views, show }) {
    const kept = this.tabs.contains(document.activeElement);
    this.tabs.hidden = views.length === 0;
    this.tabs.setAttribute("aria-label", this.pane.t("js.bench.views"));
    fill(
      this.tabs,
      ...views.map(({ id, words }) =>
        h(
          "button",
          { role: "tab", class: "bench-view", "data-view": id, "aria-selected": String(id === show), onclick: () => this.choose({ show: id }) },
          words,
        ),
      ),
    );
    if (kept) this.tabs.querySelector("[aria-selected=true]")?.focus();
  }

  // ---------------------------------------------------------------- one table or one figure

  showBody({ head, figure, tables, empty, saying, computing, choice }) {
    const open = (run) => this.open(run);
    const scroll = this.tables.scrollTop;
    this.root.dataset.theme = choice.theme;
    this.head.hidden = !head?.words && !head?.marks.length && !computing;
    fill(
      this.head,
      ...(head?.marks ?? []).map(({ kind, words }) => h("span", { class: `bench-mark is-${kind}` }, words)),
      h("span", { class: "bench-facts" }, head?.words ?? ""),
      computing ? h("span", { class: "bench-computing", role: "status" }, computing) : null,
    );
    this.chart.hidden = !figure;
    this.chart.style.minHeight = `${figure?.layout.meta?.least ?? LEAST}px`;
    if (figure) draw(this.chart, figure, open);
    this.tables.hidden = tables.length === 0;
    fill(this.tables, ...tables.map((each) => table(each, open)));
    this.tables.scrollTop = scroll;
    this.empty.hidden = !empty;
    fill(
      this.empty,
      ...(empty ? [h("h3", {}, empty.title), h("p", {}, empty.text), this.lines(empty), this.ways(empty)] : []),
    );
    this.saying.hidden = !saying;
    this.saying.textContent = saying ?? "";
  }

  lines({ lines }) {
    const line = ({ found, words }) =>
      h("li", { class: found ? "is-there" : "is-missing" }, h("span", { "aria-hidden": "true" }, found ? "✓" : "✗"), words);
    return lines.length ? h("ul", {}, ...lines.map(line)) : null;
  }

  ways({ way }) {
    const go = () => this.pane.show("run");
    return h("button", { class: "primary", type: "button", onclick: go }, way);
  }

  async open(run) {
    await runDialog(this.pane, run, this.choice);
  }

  // ---------------------------------------------------------------- to another machine

  /** Which run to carry, and whether with images' keys, targets and texts. */
  carry({ title, runs, words, full, file }) {
    const { pane } = this;
    const which = h("select", { id: "carry-run" }, ...runs.map(({ run, name }) => h("option", { value: run }, name)));
    const whole = h("input", { type: "checkbox", id: "carry-full" });
    const go = h("button", { class: "primary", type: "button", id: "carry-go" }, pane.t("js.bench.carry_go"));
    const gone = h("p", { role: "status" });
    go.addEventListener("click", async () => {
      go.disabled = true; // its intervals may have to be computed first
      gone.textContent = pane.t("js.bench.carry_writing");
      gone.textContent = await this.takeAway(which.value, whole.checked);
      go.disabled = false;
    });
    const into = h("input", { type: "file", id: "carry-file", "aria-label": file });
    const said = h("p", { role: "status" });
    into.addEventListener("change", async () => {
      said.textContent = pane.t("js.bench.carry_reading");
      const answer = await fetch(`/cxr/bench/carry?lang=${pane.app.language}`, { method: "POST", body: into.files[0] });
      said.textContent = answer.ok ? (await answer.json()).words : pane.t("js.upload_failed");
      pane.version = null;
      pane.turn();
    });
    pane.app.dialogs.show(
      title,
      h(
        "div",
        { class: "bench-carry" },
        ...(runs.length
          ? [section(pane.t("js.bench.carry_out"), h("p", {}, words), h("div", {}, which), h("label", { class: "tick" }, whole, h("span", {}, full)), go, gone)]
          : []),
        section(pane.t("js.bench.carry_in"), h("p", {}, file), into, said),
      ),
    );
  }

  /** Save one run as a file; what is to be said of it afterwards. */
  async takeAway(run, full) {
    const { pane } = this;
    const given = new URLSearchParams({ run, full: full ? "1" : "", lang: pane.app.language });
    const answer = await fetch(`/cxr/bench/carry?${given}`);
    if (!answer.ok) return (await answer.json()).error;
    const [, name] = answer.headers.get("Content-Disposition").split("UTF-8''");
    const address = URL.createObjectURL(await answer.blob());
    h("a", { href: address, download: decodeURIComponent(name) }).click();
    URL.revokeObjectURL(address);
    return pane.t("js.bench.carry_done");
  }
}
