/* Draws a radiograph with WebGL2: 16-bit integer textures, greys worked out per screen pixel. */
(() => {
  "use strict";
  const Cxr = (globalThis.Cxr = globalThis.Cxr || {});

  const VERTEX = `#version 300 es
    void main() {  // one triangle over everything; the scissor keeps it to the image
      vec2 corner = vec2(float((gl_VertexID & 1) << 2), float((gl_VertexID & 2) << 1)) - 1.0;
      gl_Position = vec4(corner, 0.0, 1.0);
    }`;

  const FRAGMENT = `#version 300 es
    precision highp float;
    precision highp int;
    precision highp usampler2D;
    uniform usampler2D image;
    uniform usampler2D table;
    uniform vec2 start;      // texel at the canvas's top left corner
    uniform float pace;      // texels per screen pixel
    uniform float unit;      // a value is texel / unit
    uniform float rows;      // height of the canvas
    uniform int kind;        // 0 linear, 1 sigmoid, 2 table
    uniform float centre;
    uniform float gain;
    uniform int entries;
    uniform bool inverted;
    uniform bool exact;      // one texel per screen pixel
    out vec4 colour;

    float texel(ivec2 at) { return float(texelFetch(image, at, 0).r); }

    float sampled(vec2 at) {
      ivec2 last = textureSize(image, 0) - 1;
      if (exact) return texel(clamp(ivec2(floor(at)), ivec2(0), last));
      vec2 corner = floor(at - 0.5);
      vec2 part = at - 0.5 - corner;
      ivec2 a = clamp(ivec2(corner), ivec2(0), last);
      ivec2 b = clamp(ivec2(corner) + 1, ivec2(0), last);
      float top = mix(texel(a), texel(ivec2(b.x, a.y)), part.x);
      float bottom = mix(texel(ivec2(a.x, b.y)), texel(b), part.x);
      return mix(top, bottom, part.y);
    }

    float entry(int at) { return float(texelFetch(table, ivec2(at & 255, at >> 8), 0).r) / 65535.0; }

    float grey(float value) {
      float along = (value - centre) * gain;
      if (kind == 0) return clamp(along + 0.5, 0.0, 1.0);
      if (kind == 1) return 1.0 / (1.0 + exp(-4.0 * along));
      float last = float(entries - 1);
      float at = clamp((along + 0.5) * last, 0.0, last);
      int below = int(at);
      return mix(entry(below), entry(min(below + 1, entries - 1)), at - float(below));
    }

    void main() {
      vec2 screen = vec2(gl_FragCoord.x, rows - gl_FragCoord.y);
      float shade = floor(grey(sampled(start + screen * pace) / unit) * 255.0 + 0.5);
      colour = vec4(vec3((inverted ? 255.0 - shade : shade) / 255.0), 1.0);
    }`;

  const UNIFORMS = [
    "image", "table", "start", "pace", "unit", "rows", "kind", "centre", "gain", "entries",
    "inverted", "exact",
  ];
  const KINDS = { LINEAR: 0, LINEAR_EXACT: 0, SIGMOID: 1, TABLE: 2 };

  class GlRenderer {
    /** Throws if WebGL2 is not to be had. `onLost` is called when the browser takes it away. */
    constructor(onLost = () => {}) {
      this.name = "webgl2";
      this.canvas = document.createElement("canvas");
      this.gl = this.canvas.getContext("webgl2", {
        alpha: false, antialias: false, depth: false, stencil: false,
      });
      if (!this.gl) throw new Error("WebGL2 is not available");
      this.onLost = onLost;
      this.lost = (event) => { event.preventDefault(); this.onLost(); };
      this.canvas.addEventListener("webglcontextlost", this.lost);
      this.textures = [];
      this.levels = [];
      this.build();
    }

    build() {
      const gl = this.gl;
      const program = gl.createProgram();
      for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
        const shader = gl.createShader(type);
        gl.shaderSource(shader, source);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
      }
      gl.linkProgram(program);
      if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
        throw new Error(`the viewer's shader does not link: ${gl.getProgramInfoLog(program)}`);
      }
      gl.useProgram(program);
      this.at = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]));
      gl.uniform1i(this.at.image, 0);
      gl.uniform1i(this.at.table, 1);
      gl.pixelStorei(gl.UNPACK_ALIGNMENT, 2);
      gl.clearColor(0, 0, 0, 1);
      this.setTable(new Uint16Array([0, 65535]));
    }

    /** Whether a picture of this size fits into one texture. */
    fits(width, height) {
      return Math.max(width, height) <= this.gl.getParameter(this.gl.MAX_TEXTURE_SIZE);
    }

    /** Levels of `Cxr.maths.pyramid`; each goes to the GPU when it is first drawn. */
    setImage(levels) {
      this.textures.forEach((texture) => this.gl.deleteTexture(texture));
      this.levels = levels;
      this.textures = [];
    }

    upload(unit, width, height, data) {
      const gl = this.gl;
      const texture = gl.createTexture();
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16UI, width, height, 0, gl.RED_INTEGER, gl.UNSIGNED_SHORT, data);
      for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
        gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
      }
      return texture;
    }

    setTable(table) {
      if (this.table === table) return;
      const rows = Math.ceil(table.length / 256);
      const padded = new Uint16Array(rows * 256);
      padded.set(table);
      if (this.tableTexture) this.gl.deleteTexture(this.tableTexture);
      this.tableTexture = this.upload(1, 256, rows, padded);
      this.table = table;
    }

    /** Draws {canvas: {width, height}, scale, at, area, window, invert}; nothing but black without area. */
    draw(frame) {
      const gl = this.gl;
      const { width, height } = frame.canvas;
      if (this.canvas.width !== width || this.canvas.height !== height) {
        Object.assign(this.canvas, { width, height });
        gl.viewport(0, 0, width, height);
      }
      gl.disable(gl.SCISSOR_TEST);
      gl.clear(gl.COLOR_BUFFER_BIT);
      const { left, top, right, bottom } = frame.area;
      if (!this.levels.length || right <= left || bottom <= top) return;
      gl.enable(gl.SCISSOR_TEST);
      gl.scissor(left, height - bottom, right - left, bottom - top);
      this.setLevel(frame);
      this.setGreys(frame.window, frame.invert);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }

    setLevel({ scale, at, canvas }) {
      const gl = this.gl;
      const index = Cxr.maths.pickLevel(scale, this.levels.length);
      const level = this.levels[index];
      this.textures[index] ||= this.upload(0, level.width, level.height, level.data);
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.textures[index]);
      const pace = 1 / (scale * 2 ** index);
      gl.uniform2f(this.at.start, -at.x * pace, -at.y * pace);
      gl.uniform1f(this.at.pace, pace);
      gl.uniform1f(this.at.unit, level.unit);
      gl.uniform1f(this.at.rows, canvas.height);
      gl.uniform1i(this.at.exact, pace === 1 ? 1 : 0);
    }

    setGreys(window, invert) {
      const gl = this.gl;
      const linear = KINDS[window.function] === 0;
      const plain = { centre: window.centre, gain: 1 / window.width };
      const terms = linear ? Cxr.maths.linearTerms(window) : plain;
      if (window.table) this.setTable(window.table);
      gl.uniform1i(this.at.kind, KINDS[window.function]);
      gl.uniform1f(this.at.centre, terms.centre);
      gl.uniform1f(this.at.gain, terms.gain);
      gl.uniform1i(this.at.entries, window.table ? window.table.length : 2);
      gl.uniform1i(this.at.inverted, invert ? 1 : 0);
    }

    /** Greys (height * width,) uint8 of the frame just drawn, from the top; waits for the GPU. */
    read(left = 0, top = 0, width = this.canvas.width, height = this.canvas.height) {
      const gl = this.gl;
      const rgba = new Uint8Array(4 * width * height);
      gl.readPixels(left, this.canvas.height - top - height, width, height, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
      const greys = new Uint8Array(width * height);
      for (let y = 0; y < height; y++) {
        const row = (height - 1 - y) * width; // WebGL counts from the bottom
        for (let x = 0; x < width; x++) greys[y * width + x] = rgba[4 * (row + x)];
      }
      return greys;
    }

    destroy() {
      this.canvas.removeEventListener("webglcontextlost", this.lost);
      this.setImage([]);
      this.gl.getExtension("WEBGL_lose_context")?.loseContext();
      this.canvas.remove();
    }
  }

  Cxr.GlRenderer = GlRenderer;
})();
