/* What stands around the picture: toolbar, readouts, scale bar, list of keys, messages. */
(() => {
  "use strict";
  const Cxr = (globalThis.Cxr = globalThis.Cxr || {});

  const ICONS = {
    invert: '<circle cx="8" cy="8" r="5.5"/><path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor"/>',
    fit: '<path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10"/>',
    zoomIn: '<path d="M8 3.5v9M3.5 8h9"/>',
    zoomOut: '<path d="M3.5 8h9"/>',
    reset: '<path d="M3 8a5 5 0 1 0 1.8-3.9M3 2.5v3h3"/>',
  };
  const CORNERS = ["meta", "notice", "readout", "scale"];
  const PRESETS = ["file", "full", "lung", "bone"];
  const KEYS = { file: "1", full: "2", lung: "3", bone: "4", invert: "I", fit: "F", exact: "O", reset: "R",
    zoomIn: "+", zoomOut: "−", help: "?" };

  function element(tag, className, parent, attributes = {}) {
    const made = document.createElement(tag);
    made.className = className;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    parent?.append(made);
    return made;
  }

  /** A number with as many decimals as make sense for its size. */
  function number(value, decimal, scale = Math.abs(value)) {
    const digits = scale >= 100 ? 0 : scale >= 10 ? 1 : 2;
    return value.toFixed(digits).replace(/^-(?=[0.]*$)/, "").replace(".", decimal);
  }

  class Chrome {
    constructor(viewer) {
      this.viewer = viewer;
      this.helpOpen = false;
      this.buttons = {};
      const root = viewer.root;
      root.classList.add("cxrv");
      this.bar = element("div", "cxrv-bar", root, { role: "toolbar" });
      this.makeToolbar();
      this.view = element("div", "cxrv-view", root);
      this.stage = element("div", "cxrv-stage", this.view, { tabindex: "0", role: "application" });
      this.corners = Object.fromEntries(
        CORNERS.map((name) => [name, element("div", `cxrv-${name}`, this.view)]),
      );
      this.message = element("div", "cxrv-message", this.view, { role: "status" });
      this.help = element("div", "cxrv-help", this.view, { role: "dialog", tabindex: "-1" });
      this.help.hidden = true;
    }

    destroy() {
      this.bar.remove();
      this.view.remove();
      this.viewer.root.classList.remove("cxrv");
    }

    // ---------------------------------------------------------------- toolbar

    makeToolbar() {
      const viewer = this.viewer;
      const group = () => element("div", "cxrv-group", this.bar, { role: "group" });
      this.presetGroup = group();
      for (const name of PRESETS) this.button(this.presetGroup, name, () => viewer.choose(name));
      this.ownList = element("select", "cxrv-select", null);
      this.ownList.addEventListener("change", () => {
        viewer.choose("file", Number(this.ownList.value));
        this.stage.focus({ preventScroll: true });
      });
      const look = group();
      this.button(look, "invert", () => viewer.toggleInvert());
      this.button(look, "zoomOut", () => viewer.image && viewer.zoomBy(0.8));
      this.button(look, "zoomIn", () => viewer.image && viewer.zoomBy(1.25));
      this.button(look, "exact", () => viewer.exact());
      this.button(look, "fit", () => viewer.fit());
      this.button(look, "reset", () => viewer.reset());
      this.button(look, "help", () => this.toggleHelp());
    }

    button(parent, name, act) {
      const button = element("button", "cxrv-button", parent, { type: "button", "data-act": name });
      if (ICONS[name]) button.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true">${ICONS[name]}</svg>`;
      button.addEventListener("click", act);
      this.buttons[name] = button;
    }

    // ---------------------------------------------------------------- words

    /** Everything that depends on the language or the study, anew. */
    refill() {
      const { words, language, image, phase } = this.viewer;
      this.viewer.root.lang = language === "pt" ? "pt-BR" : "en";
      this.viewer.root.dataset.phase = phase;
      this.stage.setAttribute("aria-label", words.stage);
      this.bar.setAttribute("aria-label", words.toolbar);
      this.nameButtons();
      this.listOwnWindows();
      const { modality, view, bits } = image?.meta ?? {};
      const facts = [modality, view === "UNKNOWN" ? null : view, bits && `${bits} bits`];
      this.corners.meta.textContent = image ? facts.filter(Boolean).join(" · ") : "";
      this.say(phase);
      this.fillHelp();
      if (!image) ["notice", "readout", "scale"].forEach((name) => this.corners[name].replaceChildren());
    }

    nameButtons() {
      const { words, image, presets } = this.viewer;
      for (const [name, button] of Object.entries(this.buttons)) {
        const tip = this.tip(name);
        button.title = `${tip} (${KEYS[name]})`;
        button.setAttribute("aria-label", tip);
        button.setAttribute("aria-keyshortcuts", KEYS[name]);
        button.disabled = name !== "help" && (!image || (name === "file" && !presets.file.length));
        if (PRESETS.includes(name)) button.textContent = words[name];
      }
      this.buttons.exact.textContent = "1:1";
      this.buttons.help.textContent = "?";
    }

    tip(name) {
      const { words, image, presets } = this.viewer;
      if (name === "file" && image && !presets.file.length) return words.noFileTip;
      const [low, high] = Cxr.maths.PERCENTILES[name] ?? [];
      const number = (value) => String(value).replace(".", words.decimal);
      const tip = words[`${name}Tip`] ?? words[name];
      return low === undefined ? tip : tip.replace("{low}", number(low)).replace("{high}", number(high));
    }

    /** With several windows in the file, the button gives way to a list of them. */
    listOwnWindows() {
      const { words, image, presets } = this.viewer;
      const own = image ? presets.file : [];
      (own.length > 1 ? this.buttons.file : this.ownList).remove();
      this.presetGroup.prepend(own.length > 1 ? this.ownList : this.buttons.file);
      this.ownList.title = `${words.fileTip} (1)`;
      this.ownList.setAttribute("aria-label", words.fileTip);
      this.ownList.replaceChildren(
        new Option(words.file, ""),
        ...own.map((window, index) => new Option(this.ownName(window, index), String(index))),
      );
      this.ownList.options[0].hidden = true; // shown while another window is in force
    }

    ownName(window, index) {
      const { words } = this.viewer;
      const known = window.label && window.label !== "file" ? window.label : String(index + 1);
      return `${words.file} · ${known}`;
    }

    fillHelp() {
      const { words } = this.viewer;
      this.help.setAttribute("aria-label", words.help);
      const head = element("div", "cxrv-help-head", null);
      element("strong", "", head).textContent = words.help;
      const close = element("button", "cxrv-button", head, { type: "button", "aria-label": words.close });
      close.textContent = "Esc";
      close.title = words.close;
      close.addEventListener("click", () => this.toggleHelp(false));
      const list = element("dl", "", null);
      for (const [keys, what] of words.keys) {
        element("dt", "", list).textContent = keys;
        element("dd", "", list).textContent = what;
      }
      this.help.replaceChildren(head, list);
    }

    toggleHelp(open = !this.helpOpen) {
      this.helpOpen = open;
      this.help.hidden = !open;
      (open ? this.help : this.stage).focus({ preventScroll: true });
    }

    // ---------------------------------------------------------------- messages

    /** The middle of the stage: empty, loading (with a bar) or failed; nothing over a picture. */
    say(phase) {
      const { words } = this.viewer;
      const [title, hint] = {
        empty: [words.empty, words.emptyHint],
        loading: [words.loading, ""],
        failed: [words.failed, words.failedHint],
        shown: ["", ""],
      }[phase];
      this.message.replaceChildren();
      if (title) element("p", "cxrv-title", this.message).textContent = title;
      if (hint) element("p", "cxrv-hint", this.message).textContent = hint;
      const bar = () => element("progress", "", this.message, { "aria-label": title });
      this.progress = phase === "loading" ? bar() : null;
    }

    showProgress(fraction) {
      if (this.progress) this.progress.value = fraction;
    }

    // ---------------------------------------------------------------- readouts

    /** What changes from frame to frame. */
    refresh() {
      const { image, invert, words, preset } = this.viewer;
      for (const name of PRESETS) this.buttons[name].setAttribute("aria-pressed", String(preset === name));
      this.buttons.invert.setAttribute("aria-pressed", String(invert));
      this.ownList.value = preset === "file" ? String(this.viewer.own) : "";
      this.ownList.classList.toggle("cxrv-on", preset === "file");
      if (!image) return;
      const [row, column] = image.spacing ?? [1, 1];
      const notices = [invert && words.inverted, Math.abs(row / column - 1) > 0.01 && words.oblong];
      this.put("notice", notices.filter(Boolean));
      this.put("readout", this.readouts());
      this.corners.readout.title = words.windowTip;
      this.refreshScale();
    }

    readouts() {
      const { image, view, words, preset } = this.viewer;
      const { level, width } = this.viewer.shownWindow();
      const table = this.viewer.window.function === "TABLE" && preset === "file";
      const numbers = (value) => number(value, words.decimal, width);
      const window = table ? ["VOI LUT"] : [`WW ${numbers(width)}`, `WL ${numbers(level)}`];
      const fps = this.viewer.fps();
      return [
        ...window,
        `${number(view.scale * 100, words.decimal, view.scale < 0.1 ? 10 : 100)} %`,
        `${image.width} × ${image.height}`,
        ...(fps ? [`${Math.round(fps)} ${words.fps}`] : []),
      ];
    }

    put(corner, texts) {
      const place = this.corners[corner];
      while (place.children.length > texts.length) place.lastChild.remove();
      texts.forEach((text, index) => {
        const span = place.children[index] ?? element("span", "", place);
        if (span.textContent !== text) span.textContent = text;
      });
    }

    refreshScale() {
      const { image, view, words } = this.viewer;
      const place = this.corners.scale;
      if (!image.spacing) return place.replaceChildren();
      const ratio = this.viewer.ratio();
      const mmPerPixel = (image.spacing[1] / view.scale) * ratio; // of CSS pixels
      const room = Math.min(160, this.viewer.size.width / ratio / 4);
      const { mm, pixels } = Cxr.maths.scaleBar(mmPerPixel, room);
      const label = mm >= 10 ? `${mm / 10} cm` : `${String(mm).replace(".", words.decimal)} mm`;
      const bar = place.firstChild ?? element("div", "cxrv-rule", place);
      bar.style.width = `${pixels}px`;
      if (bar.textContent !== label) bar.textContent = label;
      place.title = words.barTip;
    }
  }

  Cxr.Chrome = Chrome;
})();
