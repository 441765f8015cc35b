/* Brings raw pixels (little-endian uint16, row by row) from a same-origin address into a viewer. */
(() => {
  "use strict";
  const Cxr = (globalThis.Cxr = globalThis.Cxr || {});

  /** Reads a response of exactly `size` bytes; `onPart(fraction)` on the way. */
  async function bytes(response, size, onPart) {
    const whole = new Uint8Array(size);
    const reader = response.body.getReader();
    let filled = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (filled + value.length > size) throw new Error(`more than the expected ${size} bytes came`);
      whole.set(value, filled);
      filled += value.length;
      onPart(filled / size);
    }
    if (filled !== size) throw new Error(`${filled} of the expected ${size} bytes came`);
    return whole.buffer;
  }

  /**
   * Fetches the pixels at `url` and loads them with `header` (all of a radiograph's fields but
   * `pixels`). The picture shown before is gone at once. Resolves to true when the new one is shown,
   * to false when `load`, `clear` or another fetch came in between (this one is then aborted and
   * never shown); rejects when it failed, which the viewer shows as well.
   */
  Cxr.fetchInto = async (viewer, url, header) => {
    const signal = viewer.begin();
    let buffer;
    try {
      const response = await fetch(url, { signal, credentials: "same-origin" });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      buffer = await bytes(response, 2 * header.width * header.height, (fraction) => {
        if (!signal.aborted) viewer.progress(fraction);
      });
    } catch (error) {
      if (signal.aborted) return false;
      viewer.fail();
      throw error;
    }
    if (signal.aborted) return false;
    viewer.load({ ...header, pixels: new Uint16Array(buffer) });
    return true;
  };
})();
