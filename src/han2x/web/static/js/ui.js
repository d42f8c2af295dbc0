// Small parts that pages share: cards, tables, facts, buttons that say what became of them, questions.

import { h, newId, say } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";

/** A part of a page with a heading. @param {string} title @param {...any} children */
export function card(title, ...children) {
  const id = newId("card");
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), children);
}

/** Names and values. @param {any[][]} rows */
export const facts = (rows) =>
  h(
    "dl",
    { class: "facts" },
    rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );

/** A table that scrolls in its own box, reachable by keyboard. @param {string} label @param {string[]} heads @param {HTMLElement} body */
export function table(label, heads, body) {
  const head = h(
    "thead",
    {},
    h(
      "tr",
      {},
      heads.map((text) => h("th", { scope: "col" }, text)),
    ),
  );
  return h(
    "div",
    { class: "scroller", tabindex: "0", role: "region", "aria-label": label },
    h("table", {}, head, body),
  );
}

/** A row of a table. @param {any[]} cells @param {Record<string, any>} [attributes] */
export const row = (cells, attributes = {}) =>
  h(
    "tr",
    attributes,
    cells.map((cell) => h("td", {}, cell)),
  );

/** A note with an icon, so that its meaning does not hang on colour. @param {"good" | "warn" | "bad" | "info"} kind @param {...any} children */
export function note(kind, ...children) {
  const names = { good: "good", info: "info" };
  return h("p", { class: `note ${kind}` }, icon(names[kind] ?? "warning"), h("span", {}, children));
}

/**
 * A button that is off while what it does is under way; a refusal is told.
 * @param {string} text @param {() => Promise<any>} act @param {{class?: string, toast?: (text: string, kind: string) => void, id?: string}} [more]
 */
export function action(text, act, { toast, ...attributes } = {}) {
  const button = h("button", { type: "button", ...attributes, onclick: () => void pressed() }, text);
  async function pressed() {
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      toast?.(error instanceof Error ? error.message : String(error), "bad");
    } finally {
      button.disabled = false;
    }
  }
  return button;
}

/** A labelled input. @param {string} label @param {Record<string, any>} attributes @returns {{element: any, input: any, complain: (text: string) => void}} */
export function field(label, attributes = {}) {
  const id = attributes.id ?? newId("field");
  const complaint = h("p", { class: "complaint", id: `${id}-complaint` });
  const input = h("input", { id, "aria-describedby": complaint.id, ...attributes });
  return {
    element: h("div", { class: "field" }, h("label", { for: id }, label), input, complaint),
    input,
    complain(text) {
      say(complaint, text);
      input.toggleAttribute("aria-invalid", Boolean(text));
      if (text) input.setAttribute("aria-invalid", "true");
    },
  };
}

/** One of a few, as a row of buttons. @param {string} label @param {[string, string][]} choices @param {string} chosen @param {(value: string) => void} choose */
export function choices(label, choices, chosen, choose) {
  const buttons = choices.map(([value, text]) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(value === chosen),
        "data-value": value,
        onclick: () => pick(value),
      },
      text,
    ),
  );
  function mark(value) {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.value === value));
  }
  function pick(value) {
    mark(value);
    choose(value);
  }
  return { element: h("div", { class: "choice", role: "group", "aria-label": label }, buttons), mark };
}

/**
 * Asks before something that cannot be taken back; resolves to the form's data, or null.
 * @param {string} title @param {any} body @param {string} yes
 * @returns {Promise<FormData | null>}
 */
export function ask(title, body, yes) {
  const id = newId("dialog");
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id }, title),
    body,
    h(
      "div",
      { class: "row" },
      h("button", { value: "yes", class: "danger" }, yes),
      h("button", { value: "", formnovalidate: true }, t("ui.cancel")),
    ),
  );
  const dialog = h("dialog", { "aria-labelledby": id }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes" ? new FormData(form) : null);
      dialog.remove();
    });
  });
}

/** Calls at most once in so many ms, the last call always. @param {() => void} act @param {number} pause @param {AbortSignal} signal */
export function seldom(act, pause, signal) {
  let timer = 0;
  let next = 0;
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  return () => {
    if (signal.aborted || timer) return;
    const wait = Math.max(0, next - performance.now());
    timer = setTimeout(() => {
      timer = 0;
      next = performance.now() + pause;
      act();
    }, wait);
  };
}
