// Teaching a list that no table explains: its values in their places, a name for each, and at once what that would mean.

import { complaintText, get, Refusal, send } from "./api.js";
import { h, newId, say } from "./dom.js";
import { capital, number, t, time, tOr } from "./i18n.js";
import { refreshed } from "./refreshed.js";
import { action, card, field, seldom } from "./ui.js";

const EVERY_MS = 10_000;
const PREVIEW_MS = 400;
const IGNORED = "-";

/** @param {import("./app.js").Context} context */
export function listEditor(context) {
  const path = (name) => `v1/meters/${encodeURIComponent(context.meterId)}/${name}`;
  const choice = h("select", { "aria-label": t("teach.which"), onchange: () => choose(choice.value) });
  const place = h("div", { class: "stack" });
  const element = card(t("teach.title"), h("p", { class: "muted" }, t("teach.doc")), choice, place);
  element.classList.add("wide");
  element.hidden = true;
  /** @type {Map<string, ReturnType<typeof form>>} */
  const forms = new Map();
  let shown = "";

  function show({ lists, meanings }) {
    element.hidden = !lists.length;
    if (!lists.length) return;
    for (const one of lists) {
      const known = forms.get(keyOf(one));
      if (known) known.update(one);
      else forms.set(keyOf(one), form(one, meanings, context, path("try-list"), () => asked.soon()));
    }
    choice.hidden = lists.length < 2;
    choice.replaceChildren(
      ...lists.map((one) => h("option", { value: keyOf(one) }, `${listName(one)} · ${time(one.at, "seconds")}`)),
    );
    choose(lists.some((one) => keyOf(one) === shown) ? shown : keyOf(lists[0]));
  }
  function choose(key) {
    choice.value = key;
    if (shown === key) return;
    shown = key;
    place.replaceChildren(forms.get(key)?.element ?? "");
  }
  const ask = (signal) => get(path("unknown-lists"), { signal });
  const asked = refreshed(element, context, { ask, show, every: EVERY_MS });
  asked.first.catch(() => {});
  return { element, soon: asked.soon };
}

const keyOf = ({ pattern, count }) => pattern || String(count);
const listName = ({ count }) => t("teach.list", { count: number(count) });

/** The form of one list; it stays as it is filled in while newer telegrams of the list come. */
function form(list, meanings, context, tryPath, changed) {
  if (!list.pattern) return { element: h("p", {}, t("teach.cannot", { count: number(list.count) })), update: () => {} };
  const known = list.taught ?? { name: listName(list), codes: "", factors: "" };
  const name = field(t("setting.lists.name.label"), { value: known.name, name: "list-name", oninput: touched });
  const codes = known.codes.split(" ").filter(Boolean);
  const factors = known.factors.split(" ").filter(Boolean);
  const rows = list.values.map((one, index) => placeRow(one, meanings, codes[index], factors[index], touched));
  const general = h("p", { class: "complaint", role: "alert" });
  const result = h("p", { role: "status", "aria-live": "polite" });
  const undo = action(t("settings.undo"), () => taken(() => send("POST", "v1/settings/undo", {}), "teach.undone"), {
    toast: context.toast,
    id: "undo-list",
  });
  undo.hidden = true;
  const save = action(t("teach.save"), store, { toast: context.toast, class: "primary", id: "save-list" });
  const element = h(
    "div",
    { class: "stack", "data-pattern": list.pattern },
    name.element,
    h("ol", { class: "places" }, rows.map((one) => one.element)),
    general,
    h("p", { class: "row" }, save, undo),
    result,
  );
  const body = () => ({
    name: name.input.value,
    pattern: list.pattern,
    codes: rows.map((one) => one.code()).join(" "),
    factors: rows.map((one) => one.factor()).join(" "),
  });
  let begun = Boolean(list.taught);
  let turn = 0;

  const soon = seldom(() => void preview().catch(() => {}), PREVIEW_MS, context.signal);
  function touched() {
    begun = true;
    say(result, "");
    soon();
  }
  /** What the names mean now; whether they would be taken. */
  async function preview() {
    const mine = ++turn;
    const { complaints, values } = await send("POST", tryPath, body());
    if (mine !== turn) return false;
    const meant = new Map(values.map((one) => [one.place, one]));
    rows.forEach((one, index) => one.mean(meant.get(index + 1)));
    complain(complaints);
    return !complaints.length;
  }
  function complain(complaints) {
    name.complain(sentences(complaints.filter(({ path }) => path.endsWith(".name"))));
    const placed = (index, setting) =>
      complaints.filter(({ path, params }) => params?.place === index + 1 && path.endsWith(setting));
    rows.forEach((one, index) =>
      one.complain(sentences(placed(index, ".codes")), sentences(placed(index, ".factors"))),
    );
    say(general, sentences(complaints.filter(({ path, params }) => !params?.place && !path.endsWith(".name"))));
  }
  async function store() {
    begun = true;
    if (!(await preview())) return element.querySelector("[aria-invalid]")?.focus();
    await taken(() => stored(body()), "teach.saved");
  }
  async function taken(act, text) {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Refusal) || !error.complaints.length) throw error;
      return complain(error.complaints);
    }
    undo.hidden = text === "teach.undone";
    say(result, t(text));
    changed();
  }
  function update(newer) {
    rows.forEach((one, index) => one.raw(newer.values[index].value));
    if (begun) soon();
  }
  if (begun) soon();
  return { element, update };
}

const sentences = (complaints) => complaints.map(complaintText).join(" ");

/** Adds a list to the settings, or changes the one that has its pattern. */
async function stored(row) {
  const { version, settings } = await get("v1/settings");
  const index = settings.lists.findIndex(({ pattern }) => pattern === row.pattern);
  if (index < 0) return send("POST", "v1/settings/lists", row);
  const changes = Object.fromEntries(Object.entries(row).map(([key, value]) => [`lists.${index}.${key}`, value]));
  return send("PATCH", "v1/settings", { version, changes });
}

/** A value in its place: what it is called, what makes its unit of it, and what it means so. */
function placeRow({ place, kind, value }, meanings, code = IGNORED, factor = IGNORED, touched) {
  const id = newId("place");
  const possible = meanings.filter((one) => one.kinds.includes(kind));
  const sent = h("code", {}, value);
  const choice = h(
    "select",
    { id: `${id}-code`, "aria-describedby": `${id}-complaint`, name: `code-${place}`, onchange: chosen },
    h("option", { value: IGNORED }, t("teach.ignore")),
    possible.map((one) => h("option", { value: one.code }, `${labelOf(one.label)} (${one.code})`)),
  );
  if (code !== IGNORED && !possible.some((one) => one.code === code))
    choice.append(h("option", { value: code }, code));
  choice.value = code;
  const times = h("input", {
    id: `${id}-factor`,
    "aria-describedby": `${id}-complaint`,
    name: `factor-${place}`,
    inputmode: "decimal",
    autocomplete: "off",
    value: factor === IGNORED ? "1" : factor,
    oninput: touched,
  });
  const unit = h("span", {});
  const scale = h("span", { class: "scale" }, h("label", { for: times.id }, t("teach.factor")), times, unit);
  const meaning = h("output", { for: `${choice.id} ${times.id}` });
  const complaint = h("p", { class: "complaint", id: `${id}-complaint` });
  const element = h(
    "li",
    { "data-place": place },
    h("label", { for: choice.id }, `${place}. ${t(`teach.kind.${kind}`)}`),
    sent,
    choice,
    scale,
    meaning,
    complaint,
  );
  const found = () => meanings.find((one) => one.code === choice.value);
  const isNumber = () => kind === "number" && choice.value !== IGNORED;
  function drawn() {
    scale.hidden = !isNumber();
    say(unit, found()?.unit ?? "");
  }
  function chosen() {
    drawn();
    touched();
  }
  drawn();
  return {
    element,
    raw: (text) => say(sent, text),
    code: () => choice.value,
    factor: () => (isNumber() ? times.value.replace(",", ".").replace(/\s/g, "") || IGNORED : IGNORED),
    mean(one) {
      say(meaning, one ? meant(one) : "");
    },
    complain(ofCode, ofFactor) {
      say(complaint, [ofCode, ofFactor].filter(Boolean).join(" "));
      invalid(choice, ofCode);
      invalid(times, ofFactor);
    },
  };
}

const labelOf = (label) => capital(tOr(`part.${label}`, label));

function meant({ label, value, unit }) {
  if (value === null) return t("teach.not_used", { label: labelOf(label) });
  const decimals = String(value).split(".")[1]?.length ?? 0;
  return `${labelOf(label)}: ${typeof value === "number" ? `${number(value, decimals)}\u202f${unit}` : value}`;
}

function invalid(input, text) {
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}
