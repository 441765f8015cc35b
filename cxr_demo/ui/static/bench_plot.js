// Plotly, from this app's own address and only when it is first needed. It asks nothing of anybody.

let loading = null;

export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/cxr/bench/plotly.js";
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null;
      reject(new TypeError("plotly did not load"));
    };
    document.head.append(script);
  });
  return loading;
}

/** Draw `figure` into `place`; `onRun` is called with the run of a point that is clicked. */
export async function draw(place, figure, onRun) {
  const Plotly = await plotly();
  await Plotly.react(place, figure.data, figure.layout, { ...figure.config, responsive: false });
  place.removeAllListeners("plotly_click");
  place.on("plotly_click", ({ points }) => {
    const run = points.map((each) => [each.customdata].flat()[0]).find((each) => typeof each === "string");
    if (run) onRun(run);
  });
}

/** A picture is drawn without the page's fonts: what is measured in one and drawn in another, wider
 * one loses the ends of its words. So it is measured in the system's own, too. */
const FONT = "Arial, Helvetica, sans-serif";

/** The figure as it is on the screen, with letters as large as on the screen, twice as fine. */
export async function picture(figure, name) {
  const Plotly = await plotly();
  const height = Math.max(720, figure.layout.meta?.least ?? 0);
  const size = { format: "png", width: 1280, height, scale: 2 };
  const layout = { ...figure.layout, font: { ...figure.layout.font, family: FONT } };
  const image = await Plotly.toImage({ data: figure.data, layout }, size);
  const link = document.createElement("a");
  link.href = image;
  link.download = name;
  link.click();
}

export function resize(place) {
  if (window.Plotly && place.data && place.offsetParent) window.Plotly.Plots.resize(place);
}
