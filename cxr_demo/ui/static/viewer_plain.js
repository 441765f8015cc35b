/* Draws a radiograph on a plain 2D canvas: only what the screen shows, at the screen's resolution. */
(() => {
  "use strict";
  const Cxr = (globalThis.Cxr = globalThis.Cxr || {});

  const BLACK = 0xff000000;

  /** Columns (or rows) `from` to `to` of the screen as texel pairs and the weight of the second. */
  function taps(from, to, at, pace, size) {
    const first = new Int32Array(to - from);
    const second = new Int32Array(to - from);
    const weight = new Float32Array(to - from);
    for (let i = 0; i < first.length; i++) {
      const place = (from + i + 0.5 - at) * pace - 0.5;
      const below = Math.floor(place);
      first[i] = Math.min(size - 1, Math.max(0, below));
      second[i] = Math.min(size - 1, Math.max(0, below + 1));
      weight[i] = place - below;
    }
    return { first, second, weight };
  }

  const same = (a, b) =>
    a.scale === b.scale && ["x", "y"].every((axis) => a.at[axis] === b.at[axis])
    && ["left", "top", "right", "bottom"].every((side) => a.area[side] === b.area[side]);

  /** Which columns `from`..`to` of row `y` the kept samples hold, and at what index they `start`. */
  function overlap(kept, at, area, y) {
    const right = at.x - kept.at.x; // how far the picture moved
    const row = area.top + y - (at.y - kept.at.y) - kept.area.top;
    if (row < 0 || row >= kept.area.bottom - kept.area.top) return null;
    const from = Math.max(area.left, kept.area.left + right) - area.left;
    const to = Math.min(area.right, kept.area.right + right) - area.left;
    const start = row * kept.columns + from + area.left - right - kept.area.left;
    return to > from ? { from, to, start } : null;
  }

  /** Samples columns `from`..`to` of row `y`, bilinearly: two texel rows into a line, then along it. */
  function sampleSpan(y, from, to, { level, unit, columns, across, down, samples, line }) {
    if (to <= from) return;
    const { first, second, weight } = across;
    const texels = level.data;
    const gain = unit / level.unit;
    const top = down.first[y] * level.width;
    const bottom = down.second[y] * level.width;
    const part = down.weight[y];
    for (let x = first[from]; x <= second[to - 1]; x++) {
      line[x] = (texels[top + x] + (texels[bottom + x] - texels[top + x]) * part) * gain + 0.5;
    }
    const row = y * columns;
    for (let x = from; x < to; x++) {
      const left = line[first[x]];
      samples[row + x] = left + (line[second[x]] - left) * weight[x];
    }
  }

  class PlainRenderer {
    constructor() {
      this.name = "canvas2d";
      this.canvas = document.createElement("canvas");
      this.context = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
      this.levels = [];
      this.kept = null;
    }

    /** Levels of `Cxr.maths.pyramid`. */
    setImage(levels) {
      this.levels = levels;
      this.kept = null;
    }

    /** Draws {canvas: {width, height}, scale, at, area, window, invert}. Samples are kept while
     *  the picture does not move, so that a new window costs one table look-up per pixel. */
    draw(frame) {
      const { width, height } = frame.canvas;
      if (this.canvas.width !== width || this.canvas.height !== height) {
        Object.assign(this.canvas, { width, height });
        this.kept = null;
      }
      const { left, top, right, bottom } = frame.area;
      const shown = this.levels.length > 0 && right > left && bottom > top;
      if (!shown || !this.kept || !same(this.kept, frame)) {
        this.context.fillStyle = "#000";
        this.context.fillRect(0, 0, width, height);
        if (!shown) return;
        this.sample(frame);
      }
      this.shade(frame);
      this.context.putImageData(this.data, left, top);
    }

    /** One sample per screen pixel of the area. What an earlier frame at the same zoom has sampled is
     *  taken over: the picture moves by whole screen pixels, so the samples are the same. */
    sample({ scale, at, area }) {
      const index = Cxr.maths.pickLevel(scale, this.levels.length);
      const level = this.levels[index];
      const pace = 1 / (scale * 2 ** index);
      const columns = area.right - area.left;
      const rows = area.bottom - area.top;
      const job = {
        level, columns,
        across: taps(area.left, area.right, at.x, pace, level.width),
        down: taps(area.top, area.bottom, at.y, pace, level.height),
        // Between two texels there are values that want more bits than the texels have.
        unit: pace === 1 ? level.unit : level.fine,
        samples: this.spare?.length === columns * rows ? this.spare : new Uint16Array(columns * rows),
        line: new Float64Array(level.width),
      };
      const old = this.kept?.scale === scale ? this.kept : null;
      for (let y = 0; y < rows; y++) this.sampleRow(y, job, old && overlap(old, at, area, y));
      // Buffers of the same size are used again: clearing new ones costs as much as filling them.
      this.spare = this.kept?.samples;
      if (this.data?.width !== columns || this.data.height !== rows) this.data = new ImageData(columns, rows);
      this.kept = { scale, at, area, columns, samples: job.samples, unit: job.unit };
    }

    sampleRow(y, job, known) {
      if (!known) return sampleSpan(y, 0, job.columns, job);
      const taken = this.kept.samples.subarray(known.start, known.start + known.to - known.from);
      job.samples.set(taken, y * job.columns + known.from);
      sampleSpan(y, 0, known.from, job);
      sampleSpan(y, known.to, job.columns, job);
    }

    shade({ window, invert }) {
      const { samples, unit } = this.kept;
      const greys = Cxr.maths.lookup(window, invert, unit);
      const colours = new Uint32Array(65536);
      for (let i = 0; i < 65536; i++) colours[i] = BLACK | (greys[i] * 0x010101);
      const to = new Uint32Array(this.data.data.buffer);
      for (let i = 0; i < samples.length; i++) to[i] = colours[samples[i]];
    }

    /** Greys (height * width,) uint8 of the frame just drawn, from the top. */
    read(left = 0, top = 0, width = this.canvas.width, height = this.canvas.height) {
      const rgba = this.context.getImageData(left, top, width, height).data;
      const greys = new Uint8Array(width * height);
      for (let i = 0; i < greys.length; i++) greys[i] = rgba[4 * i];
      return greys;
    }

    destroy() {
      this.setImage([]);
      this.canvas.remove();
    }
  }

  Cxr.PlainRenderer = PlainRenderer;
})();
