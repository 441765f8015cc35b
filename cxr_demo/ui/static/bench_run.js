// One run: its recipe, hashes and versions, its findings, and images beside what was said of them.

import { draw } from "./bench_plot.js";
import { table } from "./bench_table.js";
import { fill, h } from "./dom.js";

/** Milliseconds between two looks for intervals that are still on their way. */
const LOOK_MS = 1500;

/** `again`: it is open, and the page's language has changed. */
export async function runDialog(pane, run, choice, again = false) {
  const { app } = pane;
  const { language } = app;
  const words = app.t("js.bench.opening_run");
  if (!again) app.dialogs.show(app.t("js.bench.run_title"), h("p", { role: "status" }, words), h("progress"));
  const asked = new URLSearchParams({ run, labeler: choice.labeler ?? "", policy: choice.policy ?? "", theme: choice.theme ?? "dark", lang: language });
  const found = await pane.ask(`run?${asked}`);
  if (!app.dialogs.dialog.open) return; // closed while it was asked for
  if (language !== app.language) return again ? undefined : runDialog(pane, run, choice);
  if (!found) return app.dialogs.show(app.t("js.bench.run_title"), h("p", { class: "failure" }, app.t("js.lost")));
  const facts = found.facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  const chart = h("div", { class: "run-figure" });
  chart.style.height = `${Math.max(600, found.figure?.layout.meta.least ?? 0)}px`;
  const [first, rest] = [h("div", {}), h("div", {})];
  const show = ({ tables: [findings, ...others] }) => {
    fill(first, ...(findings ? [table(findings)] : [])); // ten columns: it takes the whole width
    fill(rest, ...others.map((each) => table(each)));
  };
  show(found);
  const examples = h("div", { class: "examples" });
  app.dialogs.show(
    found.title,
    ...found.marks.map((each) => h("p", { class: "synthetic" }, each)),
    ...(found.saying ? [h("p", { class: "bench-saying" }, found.saying)] : []),
    first,
    h("div", { class: "run-columns" }, rest, h("dl", { class: "stamp" }, ...facts)),
    ...(found.figure ? [chart] : []),
    h("h3", {}, found.examples_title),
    h("p", { class: "table-note" }, found.examples_note),
    examples,
  );
  app.dialogs.follow(() => runDialog(pane, run, choice, true));
  if (found.figure) draw(chart, found.figure, () => {});
  fill(examples, ...found.examples.map((each) => example(each, app)));
  for (let now = found; now?.computing; ) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    if (!first.isConnected || !app.dialogs.dialog.open || language !== app.language) return;
    now = await pane.ask(`run?${asked}`);
    if (now) show(now);
  }
}

/** Image, what the model wrote, and for each finding target and labels side by side. */
function example({ image, alt, head, report, columns, rows, error }, app) {
  const picture = image
    ? h("img", { src: `/cxr/bench/${image}`, alt, loading: "lazy", width: "320", height: "320" })
    : h("p", { class: "no-image" }, alt);
  if (image) {
    picture.addEventListener("error", () => {
      picture.replaceWith(h("p", { class: "no-image" }, app.t("js.bench.no_image")));
    });
  }
  const line = ({ finding, cells, differs }) =>
    h(
      "tr",
      { class: differs ? "differs" : null },
      h("th", { scope: "row" }, finding),
      ...cells.map(({ words, state }) => h("td", { class: `is-${state}` }, words)),
      h("td", {}, differs ? h("span", { title: differs, role: "img", "aria-label": differs }, "≠") : ""),
    );
  return h(
    "article",
    { class: "example" },
    picture,
    h(
      "div",
      { class: "example-text" },
      h("p", { class: "example-head" }, head),
      error ? h("p", { class: "failure" }, error) : null,
      report ? h("p", { class: "output-label" }, app.t("js.bench.unverified")) : null,
      h("blockquote", { lang: "en" }, report),
    ),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...columns.map((each) => h("th", { scope: "col" }, each)), h("th", {}))),
      h("tbody", {}, ...rows.map(line)),
    ),
  );
}
