// Elements from a tag, attributes and children; text is always text, so nothing that a meter or broker sends is markup.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * An HTML element. `onclick` and the like add listeners; `class`, `aria-*` and others are attributes; true is an
 * empty attribute, false and null are none; `value` and `checked` are properties; `--x` is a CSS property.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element, as `h`. @param {string} tag @param {Record<string, any>} [attributes] @param {...(Child|Child[])} children @returns {any} */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(
    ...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

const PROPERTIES = new Set(["value", "checked", "selected", "disabled", "hidden", "indeterminate"]);

function setAttribute(element, name, value) {
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name.startsWith("--")) element.style.setProperty(name, value);
  else if (PROPERTIES.has(name)) element[name] = value;
  else if (value === true) element.setAttribute(name, "");
  else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
}

/** Sets a text only if it differs, so that screen readers and layout are left alone. @param {Element} element @param {string | number} text */
export function say(element, text) {
  if (element.textContent !== String(text)) element.textContent = String(text);
}

/** Sets a class, CSS property or attribute group on a live element. @param {any} element @param {Record<string, any>} attributes */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else setAttribute(element, name, value);
  }
}

let ids = 0;

/** A name for an element that no other element has. @param {string} stem */
export const newId = (stem) => `${stem}-${++ids}`;

/** Hands a file made here to the person. @param {string} name @param {BlobPart} content @param {string} type */
export function download(name, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
