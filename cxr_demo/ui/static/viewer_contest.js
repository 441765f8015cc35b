/* Which of the two renderers is quicker on this machine: measured once per page, not guessed. */
(() => {
  "use strict";
  const Cxr = (globalThis.Cxr = globalThis.Cxr || {});

  const QUICK_MS = 3; // for an eighth of the stage; a GPU needs less, its read-back included
  let winner = null;

  /** Milliseconds to draw and read back an eighth of `canvas` {width, height}: the best of two after
   *  a first one that compiles and uploads. */
  function measure(renderer, canvas) {
    const side = 256;
    const data = Uint16Array.from({ length: side * side }, (_, index) => (index * 40503) & 4095);
    renderer.setImage([{ width: side, height: side, data, unit: 1, fine: 8 }]);
    const area = { left: 0, top: 0, right: canvas.width, bottom: Math.ceil(canvas.height / 8) };
    const window = { centre: 2048, width: 4096, function: "LINEAR" };
    const times = [0, 1, 2].map((step) => {
      const begun = performance.now();
      const scale = Math.max(canvas.width, canvas.height) / side;
      renderer.draw({ canvas, scale, at: { x: -step, y: 0 }, area, window, invert: false });
      renderer.read(0, 0, 1, 1);
      return performance.now() - begun;
    });
    return Math.min(...times.slice(1));
  }

  function contest(canvas) {
    let gl;
    try {
      gl = new Cxr.GlRenderer();
    } catch (error) {
      console.info(`CxrViewer: ${error.message}; drawing on a plain canvas`);
      return "canvas2d";
    }
    const glTime = measure(gl, canvas);
    gl.destroy();
    if (glTime <= QUICK_MS) return gl.name;
    const plain = new Cxr.PlainRenderer();
    return measure(plain, canvas) < glTime ? plain.name : gl.name;
  }

  /** "webgl2" or "canvas2d" for a stage of `canvas` screen pixels. */
  Cxr.quicker = (canvas) => (winner ??= contest(canvas));

  /** The browser has taken WebGL away: no more of it on this page. */
  Cxr.withoutGl = () => { winner = "canvas2d"; };
})();
