// Whether the chosen models fit this machine, as the reading room's picker says it. A box of its own:
// free memory moves all the time, and the form around it must stay still under the user's hand.

import { fill, h, onChange } from "./dom.js";
import { after, tip, verdictParts } from "./picker.js";

export class BenchFit {
  constructor() {
    this.root = h("div", { class: "bench-fit" });
    this.draw = onChange((value) => this.show(value));
  }

  render(fit) {
    this.draw(fit);
  }

  show(fit) {
    this.root.hidden = !fit;
    if (!fit) return fill(this.root);
    const models = fit.models.map(({ name, pairs }) =>
      h("div", { class: "fit-model" }, h("strong", {}, name), ...pairs.map((each) => pairLine(each))),
    );
    fill(this.root, h("h3", {}, fit.title), ...models);
  }
}

/** "bf16  ✓ fits · 9.0 GiB" */
function pairLine(pair) {
  const { icon, words } = pair.line;
  return h(
    "p",
    { class: pair.said === pair.line.reason ? "fit-line whole" : "fit-line", "data-verdict": pair.verdict, "data-precision": pair.precision, title: tip(pair) },
    h("b", {}, pair.words),
    h("span", {}, ...verdictParts(icon, words), after(pair.said)),
  );
}
