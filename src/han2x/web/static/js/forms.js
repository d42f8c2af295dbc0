// A field for each setting of the schema: its name, what it means, its control, and the sentence of a refusal.

import { complaintText } from "./api.js";
import { h, newId, say } from "./dom.js";
import { t, tOr } from "./i18n.js";

/**
 * @typedef {{key: string, type: string, default: any, doc: string, must: string, choices?: any[], low?: number, high?: number, secret?: boolean, reach?: string[]}} SchemaField
 * @typedef {{path: string, element: HTMLElement, changed: () => boolean, read: () => any, complain: (complaint: import("./api.js").Complaint | null) => void,
 *   reset: () => void, words: string, input: any, extra: HTMLElement}} Field
 */

export const labelOf = (section, key) => tOr(`setting.${section}.${key}.label`, key);

/** What a setting means: Norwegian from the catalogue, English from the schema itself. */
const docOf = (section, { key, doc }) => tOr(`setting.${section}.${key}.doc`, doc);

/**
 * @param {string} section @param {string} holder its path, `meters.0` or `site` @param {SchemaField} schema @param {any} value
 * @param {() => void} touched
 * @returns {Field}
 */
export function settingField(section, holder, schema, value, touched) {
  const path = `${holder}.${schema.key}`;
  const id = newId("setting");
  const control = controlFor(schema, value, id);
  const complaint = h("p", { class: "complaint", id: `${id}-complaint` });
  const doc = h("p", { class: "doc", id: `${id}-doc` }, docOf(section, schema));
  const reach = (schema.reach ?? []).map((why) => h("p", { class: "doc" }, t("reach.person", { why: t(`reach.${why}`) })));
  const extra = h("div", { class: "extra" });
  control.input.setAttribute("aria-describedby", `${id}-doc ${id}-complaint`);
  control.input.dataset.path = path;
  control.input.addEventListener("input", touched);
  const label = h("label", { for: id }, labelOf(section, schema.key));
  const element = h(
    "div",
    { class: `field setting ${schema.type}` },
    label,
    control.element,
    complaint,
    doc,
    reach,
    extra,
  );
  const before = JSON.stringify(control.read());
  return {
    path,
    element,
    extra,
    input: control.input,
    read: control.read,
    changed: () => JSON.stringify(control.read()) !== before,
    reset: () => control.write(value),
    words: `${section} ${schema.key} ${labelOf(section, schema.key)} ${docOf(section, schema)}`.toLowerCase(),
    complain(what) {
      say(complaint, what ? complaintText(what) : "");
      if (what) control.input.setAttribute("aria-invalid", "true");
      else control.input.removeAttribute("aria-invalid");
    },
  };
}

function controlFor(schema, value, id) {
  if (schema.type === "boolean") return checkbox(value, id);
  if (schema.choices) return selection(schema, value, id);
  if (schema.type === "secret" || schema.secret) return secret(value, id);
  if (schema.type === "integer") return whole(schema, value, id);
  return line(value, id);
}

function checkbox(value, id) {
  const input = h("input", { type: "checkbox", id, role: "switch", checked: value });
  return { element: input, input, read: () => input.checked, write: (v) => (input.checked = v) };
}

function selection({ choices }, value, id) {
  const input = h(
    "select",
    { id },
    choices.map((one) =>
      h(
        "option",
        { value: String(one), selected: one === value },
        tOr(`choice.${one === "" ? "empty" : one}`, String(one)),
      ),
    ),
  );
  return {
    element: input,
    input,
    read: () => choices[input.selectedIndex],
    write: (v) => (input.selectedIndex = choices.indexOf(v)),
  };
}

/** A number is read as a number where it is one; else as text, so that the gateway says what is wrong with it. */
function whole({ low, high }, value, id) {
  const input = h("input", {
    id,
    inputmode: low !== undefined && low < 0 ? "text" : "numeric",
    autocomplete: "off",
    value: String(value),
    placeholder: low === undefined ? "" : `${low} – ${high}`,
  });
  const read = () => (/^\s*-?\d+\s*$/.test(input.value) ? Number(input.value) : input.value);
  return { element: input, input, read, write: (v) => (input.value = String(v)) };
}

function line(value, id) {
  const input = h("input", {
    id,
    value: value ?? "",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "none",
  });
  return { element: input, input, read: () => input.value, write: (v) => (input.value = v) };
}

/** A secret is never shown: empty means as it is; a button takes it away. */
function secret(value, id) {
  const isSet = Boolean(value?.set);
  let removed = false;
  const input = h("input", {
    id,
    type: "password",
    autocomplete: "new-password",
    placeholder: isSet ? t("settings.secret_set") : t("settings.secret_none"),
  });
  const remove = h(
    "button",
    {
      type: "button",
      class: "quiet",
      onclick: () => (
        (removed = true),
        (input.value = ""),
        (input.placeholder = t("settings.secret_none")),
        input.dispatchEvent(new Event("input"))
      ),
    },
    t("settings.secret_remove"),
  );
  const element = h("div", { class: "row" }, input, isSet && remove);
  const read = () => (input.value !== "" ? input.value : removed ? "" : undefined);
  return { element, input, read, write: () => ((removed = false), (input.value = "")) };
}
