// The two helpers that every pane is built with. Text only ever goes in as text.

/** An element: `h("p", {class: "x", onclick: f}, "text", child)`. Attributes that are null, undefined
 *  or false are left out; functions become listeners. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Calls `draw(value)` only when `value` differs from the last one, so that what the user has
 *  selected, focused or scrolled stays. */
export function onChange(draw) {
  let last;
  return (value) => {
    const now = JSON.stringify(value);
    if (now === last) return;
    last = now;
    draw(value);
  };
}

/** Put `children` in place of what `element` holds; those that are null or undefined are left out. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}
