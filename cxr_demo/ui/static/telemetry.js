// Live figures: memory and load of the machine, timings of the reading, and the worker's line.

import { h, onChange } from "./dom.js";

export class TelemetryPane {
  constructor(app, root, workerLine) {
    this.app = app;
    this.title = h("h2");
    this.note = h("p", { class: "device" });
    this.tiles = h("dl", { class: "tiles" });
    this.failure = h("div", { class: "failure" });
    const head = h("div", { class: "pane-head" }, this.title);
    const parts = [head, this.note, this.failure, this.tiles];
    root.replaceChildren(h("div", { class: "telemetry-pane" }, ...parts));
    this.worker = workerLine;
    this.draw = onChange((value) => this.show(value));
    this.drawWorker = onChange((value) => this.showWorker(value));
  }

  render(view, live) {
    if (!live) return;
    this.draw({ ...live, timings: view?.timings ?? [], language: this.app.language });
    this.drawWorker(live);
  }

  show({ note, tiles, timings, error }) {
    this.title.textContent = this.app.t("js.telemetry");
    this.note.textContent = note ?? "";
    this.failure.hidden = !error;
    this.failure.textContent = error ?? "";
    this.tiles.replaceChildren(...[...tiles, ...timings].map((each) => tile(...each)));
  }

  showWorker({ state, words, fraction }) {
    if (!this.worker) return;
    this.worker.dataset.state = state;
    const share = fraction === null ? "" : ` ${Math.round(fraction * 100)} %`;
    this.worker.textContent = words + share;
  }
}

function tile(key, name, value, share) {
  const bar =
    share === null || share === undefined
      ? null
      : h("span", { class: "bar" }, h("i", { style: `width:${Math.min(100, share * 100)}%` }));
  const wide = key.startsWith("tele.rss") ? "tile wide" : "tile";
  return h("div", { class: wide, "data-tile": key }, h("dt", {}, name), h("dd", {}, String(value)), bar);
}
