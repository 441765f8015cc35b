/*
 * A 16-bit radiograph viewer without dependencies.
 *
 *   const viewer = new CxrViewer(element, { language: "pt" });
 *   viewer.load({ id, width, height, pixels, windows, slope, intercept, spacing, meta });
 *
 * Pixels are uint16 in displayed polarity (larger is whiter); windows are in the same units. What the
 * user reads as WW and WL is in the file's modality units (see Cxr.maths.displayed). "Screen pixels"
 * below are physical ones: CSS pixels times devicePixelRatio.
 *
 * Classic scripts: load all viewer*.js, in any order, before the first `new CxrViewer`.
 */
(() => {
  "use strict";
  const Cxr = (globalThis.Cxr = globalThis.Cxr || {});

  /** Drag this many CSS pixels to double the window's width, or to move its level by one width. */
  const DRAG = 400;

  const whenIdle = (act) => (globalThis.requestIdleCallback ?? setTimeout)(act);

  class CxrViewer {
    /**
     * `root`: an element with a size of its own; it is filled.
     * options: language "pt" | "en"; texts {pt: {...}, en: {...}} over the words of viewer_texts.js
     * (empty, emptyHint, ...); hotkeys "page" (default) or "focus" (only while the viewer has focus);
     * renderer "auto" | "webgl2" | "canvas2d"; onFiles(FileList) when files are dropped on the viewer;
     * onChange(state) after every frame.
     */
    constructor(root, options = {}) {
      this.options = { language: "pt", hotkeys: "page", renderer: "auto", ...options };
      this.root = root;
      this.image = null;
      this.fetching = null;
      this.phase = "empty";
      this.invert = false;
      this.draws = 0;
      this.times = [];
      this.size = { width: 1, height: 1 };
      this.chrome = new Cxr.Chrome(this);
      this.controls = new Cxr.Controls(this, this.chrome.stage);
      this.observer = new ResizeObserver((entries) => this.resized(entries.at(-1)));
      this.observe();
      this.setLanguage(this.options.language);
      if (this.options.renderer === "auto") whenIdle(() => Cxr.quicker()); // not first while opening
    }

    // ---------------------------------------------------------------- what the page calls

    /**
     * Shows a radiograph: {id, width, height, pixels: Uint16Array(width * height), windows: [{centre,
     * width, function, label, first?, table?}], slope, intercept, spacing: [row mm, column mm] | null,
     * meta: {modality, view, bits}}. Throws RangeError if the sizes do not agree.
     */
    load(study) {
      this.cancel();
      const { width, height, pixels } = study;
      if (!(width > 0 && height > 0) || pixels.length !== width * height || !study.windows.length) {
        this.fail();
        const given = `${pixels.length} pixels and ${study.windows.length} windows`;
        throw new RangeError(`${given} for ${width} x ${height}`);
      }
      const stats = Cxr.maths.statistics(Cxr.maths.histogram(pixels));
      const windows = study.windows.map((window) => Cxr.maths.normalised(window, stats));
      const levels = Cxr.maths.pyramid(pixels, width, height, stats.max);
      this.image = { slope: 1, intercept: 0, spacing: null, meta: {}, ...study, windows, stats, levels };
      this.presets = Cxr.maths.presets(windows, stats);
      this.phase = "shown";
      this.chooseRenderer();
      this.renderer.setImage(levels);
      this.chrome.refill();
      this.reset();
    }

    /** Empties the viewer and gives up any fetch that is under way. */
    clear() {
      this.cancel();
      this.drop("empty");
    }

    /** Words in "pt" or "en" from now on. */
    setLanguage(language) {
      const known = language in Cxr.texts ? language : "en";
      if (known === this.language) return;
      this.language = known;
      this.words = { ...Cxr.texts[this.language], ...this.options.texts?.[this.language] };
      this.chrome.refill();
      this.redraw();
    }

    /** Everything a test or the page may want to know. `window` and `level` are in modality units. */
    state() {
      const shown = this.image ? this.shownWindow() : null;
      return {
        phase: this.phase,
        id: this.image?.id ?? null,
        window: shown?.width ?? null,
        level: shown?.level ?? null,
        voi: this.image ? { ...this.window } : null,
        preset: this.image ? this.preset : null,
        zoom: this.image ? this.view.scale : null,
        fitting: this.image ? this.fitting : null,
        pan: this.image ? { x: this.view.x, y: this.view.y } : null,
        invert: this.invert,
        language: this.language,
        help: this.chrome.helpOpen,
        renderer: this.renderer?.name ?? null,
        canvas: { ...this.size, ratio: this.ratio() },
        draws: this.draws,
        fps: this.fps(),
      };
    }

    destroy() {
      this.cancel();
      cancelAnimationFrame(this.pending);
      clearTimeout(this.stillness);
      this.observer.disconnect();
      this.controls.destroy();
      this.renderer?.destroy();
      this.chrome.destroy();
      this.image = null;
    }

    /** See viewer_fetch.js: fetches pixels into the viewer; a newer load cancels the older. */
    static fetchInto(viewer, url, header) {
      return Cxr.fetchInto(viewer, url, header);
    }

    // ---------------------------------------------------------------- loading

    /** A load begins: the old picture goes, an older load is aborted. Returns the new AbortSignal. */
    begin() {
      this.cancel();
      this.fetching = new AbortController();
      this.drop("loading");
      return this.fetching.signal;
    }

    /** How far the load is, 0..1. */
    progress(fraction) {
      this.chrome.showProgress(fraction);
    }

    /** The load failed: says so in place of a picture. */
    fail() {
      this.drop("failed");
    }

    cancel() {
      this.fetching?.abort();
      this.fetching = null;
    }

    drop(phase) {
      this.image = null;
      this.phase = phase;
      this.invert = false;
      this.renderer?.setImage([]);
      this.chrome.refill();
      this.redraw();
    }

    // ---------------------------------------------------------------- what keys, pointer and buttons do

    /** "file" (again: the file's next one), "full", "lung" or "bone"; `index` picks a file window. */
    choose(name, index) {
      if (!this.image) return;
      const own = this.presets.file;
      if (name === "file" && !own.length) return;
      if (name === "file") {
        const next = this.preset === "file" ? (this.own + 1) % own.length : 0;
        this.own = index ?? next;
      }
      this.preset = name;
      this.window = { ...(name === "file" ? own[this.own] : this.presets[name]) };
      this.redraw();
    }

    /** Turns by `right` and `up` CSS pixels of dragging, from `start`: wider; brighter. */
    turn(start, right, up) {
      const range = Math.max(1, this.image.stats.max - this.image.stats.min);
      const { centre, width } = start;
      const least = this.window.function === "LINEAR" ? 2 : 1;
      const within = (value, low, high) => Math.min(high, Math.max(low, value));
      const pace = within(width, range / 64, range * 2) / DRAG;
      this.window.width = within(width + right * pace, least, range * 8);
      const { min, max } = this.image.stats;
      this.window.centre = within(centre - up * pace, min - range, max + range);
      this.preset = null;
      this.redraw();
    }

    /** Zooms by `factor`, what lies under screen point (x, y) stays there. */
    zoomBy(factor, x = this.size.width / 2, y = this.size.height / 2) {
      this.look(Cxr.maths.zoomedAt(this.view, this.size, this.image, this.view.scale * factor, x, y));
    }

    /** Moves the picture by (x, y) screen pixels. */
    panBy(x, y) {
      const { scale } = this.view;
      this.look({ scale, x: this.view.x - x / scale, y: this.view.y - y / scale });
    }

    look(view) {
      this.fitting = false;
      this.view = Cxr.maths.contained(view, this.size, this.image);
      this.redraw();
    }

    fit() {
      if (!this.image) return;
      this.fitting = true;
      this.view = Cxr.maths.fitted(this.image, this.size);
      this.redraw();
    }

    exact() {
      if (this.image) this.zoomBy(1 / this.view.scale);
    }

    toggleInvert() {
      if (!this.image) return;
      this.invert = !this.invert;
      this.redraw();
    }

    /** Back to how the study opened: its first window, not inverted, fitted. */
    reset() {
      if (!this.image) return;
      this.invert = false;
      this.preset = null;
      this.choose(this.presets.file.length ? "file" : "full", 0);
      this.window = { ...this.image.windows[0] };
      this.fit();
    }

    // ---------------------------------------------------------------- drawing

    ratio() {
      return globalThis.devicePixelRatio || 1;
    }

    shownWindow() {
      return Cxr.maths.displayed(this.window, this.image.slope, this.image.intercept);
    }

    /** Watches the stage, and the screen's pixel ratio with it where the browser can. */
    observe() {
      try {
        this.observer.observe(this.chrome.stage, { box: "device-pixel-content-box" });
      } catch {
        this.observer.observe(this.chrome.stage); // Safari knows content boxes only
      }
    }

    resized(entry) {
      const exact = entry.devicePixelContentBoxSize?.[0];
      const count = (css, device) => {
        const near = css * this.ratio();
        // The browser knows which way it rounds; emulated screens leave it at CSS pixels.
        return Math.max(1, device && Math.abs(device - near) <= 1 ? device : Math.round(near));
      };
      const { width, height } = entry.contentRect;
      const size = { width: count(width, exact?.inlineSize), height: count(height, exact?.blockSize) };
      if (size.width === this.size.width && size.height === this.size.height) return;
      this.size = size;
      if (!this.image) return;
      if (this.fitting) this.view = Cxr.maths.fitted(this.image, size);
      this.drawNow(); // a resized canvas would flash empty until the next frame
    }

    redraw() {
      this.pending ??= requestAnimationFrame((now) => {
        this.pending = null;
        this.times.push(now);
        if (this.times.length > 30) this.times.shift();
        this.drawNow();
        clearTimeout(this.stillness);
        this.stillness = setTimeout(() => this.chrome.refresh(), 300); // takes the frame rate away
      });
    }

    drawNow() {
      if (this.renderer) this.renderer.draw(this.frame());
      this.draws++;
      this.chrome.refresh();
      this.options.onChange?.(this.state());
    }

    /** What a renderer draws: see GlRenderer.draw. */
    frame(view = this.view, window = this.window) {
      const canvas = this.size;
      if (!this.image) return { canvas, area: { left: 0, top: 0, right: 0, bottom: 0 } };
      const at = Cxr.maths.origin(view, canvas);
      const area = Cxr.maths.visible(at, view.scale, this.image, canvas);
      return { canvas, scale: view.scale, at, area, window, invert: this.invert };
    }

    /** Frames per second of the drawing under way, or null when the picture stands still. */
    fps() {
      const times = this.times;
      let first = times.length - 1;
      if (first < 0 || performance.now() - times[first] > 250) return null;
      while (first > 0 && times[first] - times[first - 1] < 250) first--;
      const steps = times.length - 1 - first;
      return steps > 4 ? (1000 * steps) / (times.at(-1) - times[first]) : null;
    }

    /** Draws and reads back: {width, height, greys: Uint8Array} of the canvas as it is shown. */
    snapshot() {
      this.renderer.draw(this.frame());
      return { ...this.size, greys: this.renderer.read() };
    }

    // ---------------------------------------------------------------- WebGL or not

    /** The quicker renderer; a picture larger than a texture goes to the plain canvas, which has no
     *  such limit, rather than being shown reduced. */
    chooseRenderer() {
      const { renderer: wanted } = this.options;
      const name = wanted === "auto" ? Cxr.quicker() : wanted;
      let next = this.renderer?.name === name ? this.renderer : null;
      if (name === "webgl2") {
        next ??= new Cxr.GlRenderer(() => this.glLost());
        if (!next.fits(this.image.width, this.image.height)) {
          if (next !== this.renderer) next.destroy();
          next = this.renderer?.name === "canvas2d" ? this.renderer : null;
        }
      }
      this.useRenderer(next ?? new Cxr.PlainRenderer());
    }

    useRenderer(renderer) {
      if (this.renderer === renderer) return;
      this.renderer?.destroy();
      this.renderer = renderer;
      this.chrome.stage.prepend(renderer.canvas);
    }

    /** The browser took WebGL away (a driver's reset): go on with the plain canvas. */
    glLost() {
      Cxr.withoutGl();
      this.useRenderer(new Cxr.PlainRenderer());
      this.renderer.setImage(this.image?.levels ?? []);
      this.redraw();
    }
  }

  globalThis.CxrViewer = CxrViewer;
})();
