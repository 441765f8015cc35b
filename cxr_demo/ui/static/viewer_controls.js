/* Pointer, wheel, touch and keys of the viewer. */
(() => {
  "use strict";
  const Cxr = (globalThis.Cxr = globalThis.Cxr || {});

  const KEY_STEP = 20; // CSS pixels of dragging that one arrow key is worth
  const PAN_STEP = 60; // CSS pixels
  const ZOOM_STEP = 1.25;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const WRITING =
    "input, textarea, select, [contenteditable=''], [contenteditable='true'], [role=textbox]";

  class Controls {
    constructor(viewer, stage) {
      this.viewer = viewer;
      this.stage = stage;
      this.pointers = new Map();
      this.gesture = null; // "window" | "pan" | "pinch"
      this.space = false;
      this.ending = new AbortController();
      const on = (target, type, handler, options = {}) =>
        target.addEventListener(type, handler.bind(this), { signal: this.ending.signal, ...options });
      on(stage, "pointerdown", this.down);
      on(stage, "pointermove", this.move);
      for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) on(stage, type, this.up);
      on(stage, "mousedown", (event) => event.button === 1 && event.preventDefault()); // no autoscroll
      on(stage, "contextmenu", (event) => viewer.image && event.preventDefault());
      on(stage, "dblclick", () => viewer.fit());
      on(stage, "wheel", this.wheel, { passive: false });
      on(globalThis, "keydown", this.closeHelp, { capture: true });
      on(document, "keydown", this.key);
      on(document, "keyup", this.keyUp);
      on(globalThis, "blur", () => this.holdSpace(false));
      this.listenForFiles(on);
    }

    destroy() {
      this.ending.abort();
    }

    // ---------------------------------------------------------------- pointer and touch

    down(event) {
      this.stage.focus({ preventScroll: true });
      if (!this.viewer.image || this.pointers.size === 2) return;
      this.stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const panning = event.button !== 0 || event.shiftKey || this.space;
      this.start(this.pointers.size === 2 ? "pinch" : panning ? "pan" : "window");
      event.preventDefault();
    }

    start(gesture) {
      this.gesture = gesture;
      this.stage.dataset.gesture = gesture || "";
      const [first, second] = [...this.pointers.values()];
      this.from = first && { ...first, window: { ...this.viewer.window } };
      if (gesture === "pinch") this.from.spread = Math.hypot(first.x - second.x, first.y - second.y);
    }

    move(event) {
      const pointer = this.pointers.get(event.pointerId);
      if (!pointer || !this.viewer.image) return;
      const before = this.middle();
      Object.assign(pointer, { x: event.clientX, y: event.clientY });
      if (this.gesture === "window") {
        this.viewer.turn(this.from.window, pointer.x - this.from.x, this.from.y - pointer.y);
        return;
      }
      const after = this.middle();
      const ratio = this.viewer.ratio();
      this.viewer.panBy((after.x - before.x) * ratio, (after.y - before.y) * ratio);
      if (this.gesture === "pinch") this.pinch(after);
    }

    pinch(middle) {
      const [first, second] = [...this.pointers.values()];
      const spread = Math.max(1, Math.hypot(first.x - second.x, first.y - second.y));
      const at = this.screen(middle.x, middle.y);
      this.viewer.zoomBy(spread / Math.max(1, this.from.spread), at.x, at.y);
      this.from.spread = spread;
    }

    middle() {
      const points = [...this.pointers.values()];
      const mean = (axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
      return { x: mean("x"), y: mean("y") };
    }

    up(event) {
      if (!this.pointers.delete(event.pointerId)) return;
      // After a pinch the finger that stays goes on moving the picture, not the window.
      this.start(this.pointers.size && this.viewer.image ? "pan" : null);
    }

    screen(clientX, clientY) {
      const box = this.stage.getBoundingClientRect();
      const ratio = this.viewer.ratio();
      return { x: (clientX - box.left) * ratio, y: (clientY - box.top) * ratio };
    }

    /** Wheel, pinch on a touchpad (it comes as ctrl + wheel), two fingers: zoom. With shift: move. */
    wheel(event) {
      if (!this.viewer.image) return;
      event.preventDefault();
      const line = [1, 16, this.viewer.size.height][event.deltaMode];
      if (event.shiftKey) {
        const ratio = this.viewer.ratio();
        this.viewer.panBy(-event.deltaX * line * ratio, -event.deltaY * line * ratio);
        return;
      }
      const delta = Math.min(240, Math.max(-240, event.deltaY * line));
      const at = this.screen(event.clientX, event.clientY);
      this.viewer.zoomBy(Math.exp(-delta * (event.ctrlKey ? 0.01 : 0.0015)), at.x, at.y);
    }

    // ---------------------------------------------------------------- keys

    /** Escape belongs to the application (Stop) unless the list of keys is open. */
    closeHelp(event) {
      if (event.key !== "Escape" || !this.viewer.chrome.helpOpen) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      this.viewer.chrome.toggleHelp(false);
    }

    key(event) {
      if (event.defaultPrevented || event.isComposing) return;
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const target = event.target instanceof Element ? event.target : document.body;
      const hidden = !this.viewer.root.getClientRects().length;
      if (hidden || target.closest(WRITING) || document.querySelector("dialog[open]")) return;
      const own = target === this.stage;
      const inside = this.viewer.root.contains(target);
      if (!inside && this.viewer.options.hotkeys !== "page") return;
      // Letters work on the whole page; keys that move a focus or scroll only on the picture, or
      // when nothing has the focus.
      const free = own || target === document.body;
      if (this.letter(event.key) || (free && this.steer(event))) event.preventDefault();
    }

    letter(key) {
      const viewer = this.viewer;
      const actions = {
        1: () => viewer.choose("file"),
        2: () => viewer.choose("full"),
        3: () => viewer.choose("lung"),
        4: () => viewer.choose("bone"),
        i: () => viewer.toggleInvert(),
        f: () => viewer.fit(),
        o: () => viewer.exact(),
        r: () => viewer.reset(),
        "?": () => viewer.chrome.toggleHelp(),
      };
      const action = actions[key.toLowerCase()];
      if (!action || (key !== "?" && !viewer.image)) return false;
      action();
      return true;
    }

    /** Arrows, plus and minus, space. Returns whether the key was one of them. */
    steer(event) {
      const viewer = this.viewer;
      if (!viewer.image) return false;
      if (event.key === " ") {
        this.holdSpace(true);
        return true;
      }
      if (["+", "=", "-", "_"].includes(event.key)) {
        viewer.zoomBy("+=".includes(event.key) ? ZOOM_STEP : 1 / ZOOM_STEP);
        return true;
      }
      const arrow = ARROWS[event.key];
      if (!arrow) return false;
      const [right, up] = arrow;
      const pan = PAN_STEP * viewer.ratio();
      if (event.shiftKey) viewer.panBy(-right * pan, up * pan);
      else viewer.turn(viewer.window, right * KEY_STEP, up * KEY_STEP);
      return true;
    }

    keyUp(event) {
      if (event.key === " ") this.holdSpace(false);
    }

    holdSpace(held) {
      this.space = held;
      this.stage.classList.toggle("cxrv-grab", held);
    }

    // ---------------------------------------------------------------- dropped files

    listenForFiles(on) {
      const root = this.viewer.root;
      const take = this.viewer.options.onFiles;
      if (!take) return;
      const mark = (over) => this.stage.classList.toggle("cxrv-drop", over);
      on(root, "dragover", (event) => {
        if (!event.dataTransfer.types.includes("Files")) return;
        event.preventDefault();
        mark(true);
      });
      on(root, "dragleave", (event) => root.contains(event.relatedTarget) || mark(false));
      on(root, "drop", (event) => {
        mark(false);
        if (!event.dataTransfer.files.length) return;
        event.preventDefault();
        take(event.dataTransfer.files);
      });
    }
  }

  Cxr.Controls = Controls;
})();
