/* Pure functions of the viewer: greys, histogram, presets, pyramid, geometry. No DOM in here. */
(() => {
  "use strict";
  const Cxr = (globalThis.Cxr = globalThis.Cxr || {});

  // ------------------------------------------------------------------ greys

  /**
   * Centre and gain of the two linear functions, so that grey = clamp((value - centre) * gain + 0.5).
   * LINEAR (PS3.3 C.11.2.1.2.1) has its ramp between c - 0.5 - (w - 1) / 2 and c - 0.5 + (w - 1) / 2;
   * LINEAR_EXACT (C.11.2.1.3.2) between c - w / 2 and c + w / 2.
   */
  function linearTerms(window) {
    const linear = window.function === "LINEAR";
    const centre = linear ? window.centre - 0.5 : window.centre;
    const width = linear ? window.width - 1 : window.width;
    if (width > 0) return { centre, gain: 1 / width };
    // A step: values up to the centre are black, all above are white. Halfway between two whole
    // values, so that no rounding on a GPU decides.
    return { centre: Math.floor(centre) + 0.5, gain: 1e6 };
  }

  /** A function value -> grey in 0..1 for a window {centre, width, function, table?}. */
  function greyOf(window) {
    if (window.function === "SIGMOID") {
      return (value) => 1 / (1 + Math.exp((-4 * (value - window.centre)) / window.width));
    }
    if (window.function === "TABLE") return tableGrey(window);
    const { centre, gain } = linearTerms(window);
    return (value) => Math.min(1, Math.max(0, (value - centre) * gain + 0.5));
  }

  /** A VOI LUT, stretched to centre and width: untouched, index = value - first. */
  function tableGrey({ table, centre, width }) {
    const last = table.length - 1;
    return (value) => {
      const at = Math.min(last, Math.max(0, ((value - centre) / width) * last + last / 2));
      const below = Math.floor(at);
      const above = Math.min(last, below + 1);
      return (table[below] + (table[above] - table[below]) * (at - below)) / 65535;
    };
  }

  /** (65536,) uint8 greys for the samples value * unit of a pyramid level. */
  function lookup(window, invert, unit) {
    const grey = greyOf(window);
    const greys = new Uint8Array(65536);
    for (let sample = 0; sample < 65536; sample++) {
      const level = Math.floor(grey(sample / unit) * 255 + 0.5);
      greys[sample] = invert ? 255 - level : level;
    }
    return greys;
  }

  /**
   * A window as the file's own reader knows it: {level, width} in modality units.
   * Pixels are in displayed polarity, so for MONOCHROME1 the slope is negative and level and pixels
   * run against each other; the width is always positive. LINEAR's half-pixel offset is kept, so that
   * a file's WindowCenter and WindowWidth come back exactly.
   */
  function displayed(window, slope, intercept) {
    if (window.function === "LINEAR") {
      return {
        level: slope * (window.centre - 0.5) + intercept + 0.5,
        width: Math.abs(slope) * (window.width - 1) + 1,
      };
    }
    return { level: slope * window.centre + intercept, width: Math.abs(slope) * window.width };
  }

  /**
   * A window from a header, made complete. A table is cut to the values that the picture holds
   * (`min` to `max`), which then are its centre and width: dragging stretches what is seen.
   */
  function normalised(window, { min, max }) {
    const name = window.function || "LINEAR";
    if (name !== "TABLE") return { ...window, function: name };
    const last = window.table.length - 1;
    const at = (value) => window.table[Math.min(last, Math.max(0, value - (window.first || 0)))];
    const length = Math.max(2, max - min + 1);
    const table = Uint16Array.from({ length }, (_, index) => at(min + index));
    const width = table.length - 1;
    return { ...window, function: name, table, first: min, centre: min + width / 2, width };
  }

  // ------------------------------------------------------------------ histogram and presets

  /** (65536,) counts of uint16 pixels. */
  function histogram(pixels) {
    const counts = new Uint32Array(65536);
    for (let i = 0; i < pixels.length; i++) counts[pixels[i]]++;
    return counts;
  }

  /**
   * Statistics of a histogram: {min, max, low, high, percentile(q)}.
   * The percentiles leave out the lowest and the highest value where one of them alone holds more
   * than 1 % of the pixels: that is padding, a shutter or a saturated detector, not anatomy.
   */
  function statistics(counts) {
    const total = counts.reduce((sum, count) => sum + count, 0);
    let min = 0;
    let max = 65535;
    while (min < 65535 && !counts[min]) min++;
    while (max > min && !counts[max]) max--;
    const spike = (value) => max > min && counts[value] > total / 100;
    const from = spike(min) ? min + 1 : min;
    const to = spike(max) ? max - 1 : max;
    let kept = 0;
    for (let value = from; value <= to; value++) kept += counts[value];
    const percentile = (q) => {
      let left = (kept * q) / 100;
      for (let value = from; value <= to; value++) {
        left -= counts[value];
        if (left <= 0 && counts[value]) return value;
      }
      return max;
    };
    return { min, max, percentile, low: percentile(1), high: percentile(99) };
  }

  /** Percentiles between which the presets "lung" and "bone" lay black and white. */
  const PERCENTILES = { lung: [1, 75], bone: [40, 99.8] };

  /**
   * The presets of a radiograph: {file: [...], full, lung, bone}, in pixel units.
   * Radiographs have no Hounsfield units, so lung and bone cannot be fixed numbers. In displayed
   * polarity aerated lung is the dark part and bone and mediastinum the bright part of the histogram:
   * each preset spreads its part over all greys.
   */
  function presets(windows, stats) {
    const between = (low, high, label) => ({
      centre: (low + high) / 2,
      width: Math.max(1, high - low),
      function: "LINEAR_EXACT",
      label,
    });
    const cut = (label) => between(...PERCENTILES[label].map(stats.percentile), label);
    return {
      file: windows.filter((window) => window.label !== "full"),
      full: windows.find((window) => window.label === "full") || between(stats.min, stats.max, "full"),
      lung: cut("lung"),
      bone: cut("bone"),
    };
  }

  // ------------------------------------------------------------------ pyramid

  /**
   * Levels {width, height, data, unit, fine}, each half the size of the one before; a value is
   * data / unit. Averages get as many extra bits as 16 leave room for (fine), so that an 8-bit
   * picture does not band when it is shown small with a narrow window.
   */
  function pyramid(pixels, width, height, max) {
    const fine = 2 ** Math.max(0, Math.floor(Math.log2(65535 / Math.max(1, max))));
    const levels = [{ width, height, data: pixels, unit: 1, fine }];
    while (Math.min(levels.at(-1).width, levels.at(-1).height) > 128) levels.push(halved(levels.at(-1)));
    return levels;
  }

  function halved(level) {
    const width = (level.width + 1) >> 1;
    const height = (level.height + 1) >> 1;
    const data = new Uint16Array(width * height);
    const gain = level.fine / level.unit / 4;
    const from = level.data;
    for (let y = 0, to = 0; y < height; y++) {
      const top = 2 * y * level.width;
      const bottom = Math.min(2 * y + 1, level.height - 1) * level.width;
      for (let x = 0; x < width; x++, to++) {
        const left = 2 * x;
        const right = left + 1 < level.width ? left + 1 : left;
        const sum = from[top + left] + from[top + right] + from[bottom + left] + from[bottom + right];
        data[to] = sum * gain + 0.5;
      }
    }
    return { width, height, data, unit: level.fine, fine: level.fine };
  }

  /** Index of the level that bilinear sampling shows best at `scale` screen pixels per pixel:
   *  between 0.6 and 1.2 screen pixels per texel, sharp and free of aliasing. */
  function pickLevel(scale, count) {
    return Math.min(count - 1, Math.max(0, Math.floor(Math.log2(1 / scale) + 0.25)));
  }

  // ------------------------------------------------------------------ geometry

  const MAX_ZOOM = 32;

  /** View {scale, x, y}: screen pixels per pixel, and the image point in the canvas's middle. */
  function fitted(image, canvas) {
    const scale = Math.min(canvas.width / image.width, canvas.height / image.height);
    return { scale: Math.max(scale, 1e-3), x: image.width / 2, y: image.height / 2 };
  }

  /** Screen position of the image's top left corner, in whole pixels (1:1 stays exact). */
  function origin(view, canvas) {
    return {
      x: Math.round(canvas.width / 2 - view.x * view.scale),
      y: Math.round(canvas.height / 2 - view.y * view.scale),
    };
  }

  /** Zoomed to `scale`, the image point under screen point (px, py) staying where it is. */
  function zoomedAt(view, canvas, image, scale, px, py) {
    const least = Math.min(1, fitted(image, canvas).scale) / 2;
    const next = Math.min(MAX_ZOOM, Math.max(least, scale));
    const shift = 1 / view.scale - 1 / next;
    return {
      scale: next,
      x: view.x + (px - canvas.width / 2) * shift,
      y: view.y + (py - canvas.height / 2) * shift,
    };
  }

  /** The view, held so that a tenth of the canvas at least still shows the image. */
  function contained(view, canvas, image) {
    const hold = (at, size, screen) => {
      const reach = (0.4 * screen) / view.scale;
      return Math.min(size + reach, Math.max(-reach, at));
    };
    return {
      scale: view.scale,
      x: hold(view.x, image.width, canvas.width),
      y: hold(view.y, image.height, canvas.height),
    };
  }

  /** The part of the canvas that shows the image: {left, top, right, bottom} in screen pixels. */
  function visible(at, scale, image, canvas) {
    return {
      left: Math.max(0, at.x),
      top: Math.max(0, at.y),
      right: Math.min(canvas.width, Math.ceil(at.x + image.width * scale)),
      bottom: Math.min(canvas.height, Math.ceil(at.y + image.height * scale)),
    };
  }

  /** The longest round length {mm, pixels} whose bar is at most `room` wide at `mmPerPixel`. */
  function scaleBar(mmPerPixel, room) {
    const limit = mmPerPixel * room;
    const power = 10 ** Math.floor(Math.log10(limit));
    const mm = [5, 2, 1].map((step) => step * power).find((length) => length <= limit * 1.0000001);
    return { mm, pixels: mm / mmPerPixel };
  }

  Cxr.maths = {
    MAX_ZOOM, PERCENTILES, linearTerms, greyOf, lookup, displayed, normalised, histogram, statistics,
    presets, pyramid, pickLevel, fitted, origin, zoomedAt, contained, visible, scaleBar,
  };
})();
