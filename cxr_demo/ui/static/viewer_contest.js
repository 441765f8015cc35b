/* Which of the two renderers is quicker on this machine: measured once per page, not guessed. */
(() => {
  "use strict";
  const Cxr = (globalThis.Cxr = globalThis.Cxr || {});

  const STAGE = { width: 768, height: 768 }; // screen pixels, of a usual size
  let winner = null;

  /** Milliseconds that `renderer` takes for a quarter of the stage more than for one row of it: what
   *  it costs to fill, without what it costs to ask. */
  function measure(renderer, canvas = STAGE) {
    const side = 256;
    const data = Uint16Array.from({ length: side * side }, (_, index) => (index * 40503) & 4095);
    renderer.setImage([{ width: side, height: side, data, unit: 1, fine: 8 }]);
    const scale = Math.max(canvas.width, canvas.height) / side;
    const window = { centre: 2048, width: 4096, function: "LINEAR" };
    const draw = (bottom, step) => {
      const area = { left: 0, top: 0, right: canvas.width, bottom };
      const begun = performance.now();
      renderer.draw({ canvas, scale, at: { x: -step, y: 0 }, area, window, invert: false });
      renderer.read(0, 0, 1, 1);
      return performance.now() - begun;
    };
    const quarter = Math.ceil(canvas.height / 4);
    draw(quarter, 0); // compiles and uploads
    const row = Math.min(draw(1, 1), draw(1, 2));
    return Math.min(draw(quarter, 3), draw(quarter, 4), draw(quarter, 5)) - row;
  }

  function contest() {
    let gl;
    try {
      gl = new Cxr.GlRenderer();
    } catch (error) {
      console.info(`CxrViewer: ${error.message}; drawing on a plain canvas`);
      return "canvas2d";
    }
    const plain = new Cxr.PlainRenderer();
    const better = measure(gl) <= measure(plain) ? gl.name : plain.name;
    gl.destroy();
    return better;
  }

  /** "webgl2" or "canvas2d". */
  Cxr.quicker = () => (winner ??= contest());

  /** The browser has taken WebGL away: no more of it on this page. */
  Cxr.withoutGl = () => { winner = "canvas2d"; };
})();
