// Settings, from the schema: by topic, searched, tried before they are saved, all or nothing, undone, copied.

import { complaintText, get, Refusal, request, send } from "../api.js";
import { confirmReach, follow } from "../broken.js";
import { download, h, say } from "../dom.js";
import { formerChoice, formerMeters, whoIsAdded } from "../former.js";
import { settingField } from "../forms.js";
import { plural, t, tOr } from "../i18n.js";
import { recordings, trial, trySource } from "../source.js";
import { tariffChoice } from "../tariff_choice.js";
import { action, ask, card, field } from "../ui.js";

const ELSEWHERE = new Set(["web.user", "web.password"]);

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const [schema, current, former] = await Promise.all([
    get("v1/settings/schema", { signal: context.signal }),
    get("v1/settings", { signal: context.signal }),
    formerMeters(context.signal),
  ]);
  const page = { root, context, schema, current, former, fields: /** @type {import("../forms.js").Field[]} */ ([]) };
  const topics = h(
    "nav",
    { class: "topics", "aria-label": t("settings.topics") },
    schema.sections.map(({ name }) =>
      h(
        "a",
        { href: `#/settings/${name}`, "aria-current": name === topicOf(page) && "page" },
        sectionName(name),
      ),
    ),
  );
  const find = h("input", {
    type: "search",
    id: "find-setting",
    placeholder: t("settings.find"),
    "aria-label": t("settings.find"),
    oninput: () => search(page, find.value),
  });
  page.bar = saveBar(page);
  page.undo = undoButton(page);
  page.forms = h("div", { class: "stack" });
  page.complaints = h("div", { class: "stack", role: "alert" });
  root.append(
    h(
      "div",
      { class: "wide settings" },
      h("div", { class: "row" }, find, page.undo),
      topics,
      page.complaints,
      page.forms,
      copies(page),
    ),
    page.bar.element,
  );
  build(page);
  if (context.path[1] === "confirm") await arrived(context);
  const others = (data) => data.version !== page.current.version && !changes(page).size && void reload(page);
  context.live.on("settings", others, context.signal);
  context.live.on("connection", (up) => up && !changes(page).size && void reload(page), context.signal);
}

/** The page was reached where it was said to be from now on. */
async function arrived(context) {
  await confirmReach().catch((error) => context.toast(error.message, "bad"));
  history.replaceState(null, "", "#/settings/web");
}

const sectionName = (name) => tOr(`section.${name}`, name);
const topicOf = ({ context, schema }) => context.path[0] ?? schema.sections[0].name;

function build(page) {
  page.fields = [];
  const made = page.schema.sections.map((section) => sectionForm(page, section));
  page.forms.replaceChildren(...made);
  search(page, page.root.querySelector("#find-setting")?.value ?? "");
  page.bar.update();
  page.undo.disabled = !page.current.undo;
}

function sectionForm(page, section) {
  const values = page.current.settings[section.name];
  const rows = section.repeated ? values : [values];
  const forms = rows.map((one, index) =>
    rowForm(page, section, one, section.repeated ? `${section.name}.${index}` : section.name, index),
  );
  const about = tOr(`section.${section.name}.doc`, "");
  return h(
    "section",
    { class: "stack section", "data-section": section.name, "aria-label": sectionName(section.name) },
    about && h("p", { class: "muted" }, about),
    forms,
    section.repeated && addButton(page, section),
  );
}

function rowForm(page, section, values, holder, index) {
  const fields = section.fields
    .filter((one) => !ELSEWHERE.has(`${section.name}.${one.key}`))
    .map((one) => settingField(section.name, holder, one, values[one.key], () => page.bar.update()));
  page.fields.push(...fields);
  for (const one of fields) {
    if (one.path.endsWith(".source") && section.name === "meters") sourceTools(page, one);
    if (one.path.endsWith(".tariff")) void tariffChoice(one, page.context.signal);
  }
  const title = section.repeated ? `${sectionName(section.name)}: ${values.name}` : sectionName(section.name);
  const element = card(
    title,
    fields.map((one) => one.element),
    section.name === "mqtt" && brokerTest(page, fields, values.id),
  );
  if (section.name === "meters") element.append(joinButton(page, index, values.name));
  if (section.repeated && (section.name === "lists" || page.current.settings[section.name].length > 1))
    element.append(removeButton(page, section, index, values.name));
  return element;
}

function sourceTools(page, one) {
  void recordings(one, page.context.signal);
  const place = trial();
  const test = action(
    t("settings.try_source"),
    () => trySource(one.input.value, place, page.context.signal),
    { toast: page.context.toast, class: "test" },
  );
  one.extra.append(test, place.element);
}

function brokerTest(page, fields, id) {
  const result = h("p", { role: "status", "aria-live": "polite" });
  const test = action(
    t("settings.try_broker"),
    async () => {
      const values = Object.fromEntries(
        fields
          .map((one) => [one.path.split(".").pop(), one.read()])
          .filter(([, value]) => value !== undefined),
      );
      say(result, t("settings.trying"));
      const { ok, text } = await send("POST", "v1/try/broker", { ...values, id }).catch((error) => ({
        ok: false,
        text: error.message,
      }));
      result.className = ok ? "good" : "bad";
      say(result, ok ? t("settings.broker_ok") : text);
    },
    { toast: page.context.toast, class: "test" },
  );
  return h("div", { class: "row" }, test, result);
}

function addButton(page, { name }) {
  const add = async () => {
    const taken = page.current.settings[name].map((one) => one.name);
    const free = unused(taken);
    const unit = name === "meters" ? { unit_id: lowestFree(page.current.settings.meters) } : {};
    const who = name === "meters" ? await whoIsAdded(await get("v1/former-meters"), taken) : {};
    if (who) await taking(page, () => send("POST", `v1/settings/${name}`, { name: free, ...unit, ...who }));
  };
  return h("p", {}, action(t(`settings.add_${name}`), add, { toast: page.context.toast }));
}

/** Has a meter go on as a former one; there while there are any. */
function joinButton(page, index, name) {
  const join = async () => {
    const choice = formerChoice(page.former);
    const title = t("settings.join_title", { name });
    if (!(await ask(title, [h("p", {}, t("settings.join_doc")), choice], t("settings.join")))) return;
    const changes = { [`meters.${index}.id`]: choice.value };
    const act = () => send("PATCH", "v1/settings", { version: page.current.version, changes });
    if (await taking(page, act)) await page.context.restart();
  };
  return h("p", { hidden: !page.former.length }, action(t("settings.join"), join, { toast: page.context.toast }));
}

function unused(taken) {
  for (let number = 2; ; number++) if (!taken.includes(`new-${number}`)) return `new-${number}`;
}

function lowestFree(meters) {
  const taken = meters.flatMap((meter) =>
    Object.entries(meter)
      .filter(([key]) => key.endsWith("unit_id"))
      .map(([, unit]) => unit),
  );
  return Array.from({ length: 247 }, (_, index) => index + 1).find((unit) => !taken.includes(unit));
}

function removeButton(page, { name }, index, title) {
  const remove = async () => {
    if (
      await ask(
        t("settings.remove_title", { name: title }),
        h("p", {}, t("settings.remove_doc")),
        t("settings.remove"),
      )
    ) {
      await taking(page, () => send("DELETE", `v1/settings/${name}/${index}`));
    }
  };
  return h("p", {}, action(t("settings.remove"), remove, { toast: page.context.toast, class: "danger" }));
}

/** Shows the chosen topic, or whatever holds the words that are looked for. */
function search(page, words) {
  const wanted = words.trim().toLowerCase().split(/\s+/).filter(Boolean);
  for (const one of page.fields) one.element.hidden = !wanted.every((word) => one.words.includes(word));
  for (const section of page.forms.children) {
    const found = [...section.querySelectorAll(".setting")].some((one) => !one.hidden);
    section.hidden = wanted.length ? !found : section.dataset.section !== topicOf(page);
    for (const one of section.querySelectorAll(".card"))
      one.hidden = wanted.length > 0 && ![...one.querySelectorAll(".setting")].some((line) => !line.hidden);
  }
}

const changes = (page) =>
  new Map(page.fields.filter((one) => one.changed()).map((one) => [one.path, one.read()]));

function saveBar(page) {
  const text = h("span", {});
  const save = action(t("settings.save"), () => keep(page), {
    class: "primary",
    id: "save",
    toast: page.context.toast,
  });
  const drop = h("button", { type: "button", onclick: () => build(page) }, t("settings.discard"));
  const element = h(
    "div",
    { class: "savebar", hidden: true, role: "region", "aria-label": t("settings.changes") },
    text,
    save,
    drop,
  );
  function update() {
    const count = changes(page).size;
    element.hidden = count === 0;
    say(text, plural("settings.changed", count));
  }
  return { element, update };
}

async function keep(page) {
  const changed = Object.fromEntries(changes(page));
  await taking(page, () => send("PATCH", "v1/settings", { version: page.current.version, changes: changed }));
}

/** Sends a change; puts what comes back, or the complaints, where they belong. Whether it was taken. */
async function taking(page, act) {
  page.complaints.replaceChildren();
  for (const one of page.fields) one.complain(null);
  try {
    const answer = await act();
    const before = page.current.settings.web;
    page.current = answer?.settings ? answer : await get("v1/settings");
    build(page);
    page.context.toast(t("settings.saved"));
    if (page.current.trial_s !== null && page.current.settings.web !== before)
      await follow(before, page.current.settings.web, page.current.trial_s, page.context.toast);
    return true;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    refused(page, error);
    return false;
  }
}

function refused(page, error) {
  const loose = error.complaints.filter((complaint) => !complain(page, complaint));
  const texts = error.complaints.length ? loose.map(looseText) : [error.message];
  page.complaints.replaceChildren(...texts.map((text) => h("p", { class: "banner bad" }, text)));
  const first = page.root.querySelector("[aria-invalid]");
  if (first) shown(first);
  else page.context.toast(error.message, "bad");
}

/** A complaint that has no field here: about several settings, or about a file. */
const looseText = (complaint) => `${complaint.path}: ${complaintText(complaint)}`;

function shown(input) {
  input.focus({ preventScroll: true });
  input.scrollIntoView({ block: "center" });
}

function complain(page, complaint) {
  const found = page.fields.find((one) => one.path === complaint.path);
  found?.complain(complaint);
  if (found) {
    found.element.hidden = false;
    found.element.closest(".section").hidden = false;
    found.element.closest(".card").hidden = false;
  }
  return Boolean(found);
}

async function reload(page) {
  const { signal } = page.context;
  [page.current, page.former] = await Promise.all([get("v1/settings", { signal }), formerMeters(signal)]);
  build(page);
}

function undoButton(page) {
  return action(t("settings.undo"), () => taking(page, () => send("POST", "v1/settings/undo", {})), {
    toast: page.context.toast,
    id: "undo",
  });
}

function copies(page) {
  const pick = h("input", {
    type: "file",
    accept: ".toml,text/plain",
    hidden: true,
    onchange: () => void restore(page, pick),
  });
  const element = card(
    t("settings.copies"),
    h("p", { class: "muted" }, t("settings.copies_doc")),
    h(
      "p",
      { class: "row" },
      h(
        "a",
        { class: "button", href: "v1/settings/file?secrets=0", download: "han2x.toml" },
        t("settings.backup"),
      ),
      action(t("settings.backup_secrets"), () => backupWithSecrets(), { toast: page.context.toast }),
      h("button", { type: "button", onclick: () => pick.click() }, t("settings.restore")),
      pick,
    ),
  );
  return element;
}

async function backupWithSecrets() {
  const password = field(t("settings.password_again"), {
    type: "password",
    name: "password",
    autocomplete: "current-password",
    required: true,
  });
  const answer = await ask(
    t("settings.backup_secrets"),
    [h("p", {}, t("settings.secrets_doc")), password.element],
    t("settings.download"),
  );
  if (!answer) return;
  const response = await request("GET", "v1/settings/file?secrets=1", {
    headers: { "X-Password": String(answer.get("password")) },
  });
  download("han2x-with-secrets.toml", await response.blob(), "application/toml");
}

async function restore(page, pick) {
  const file = pick.files[0];
  pick.value = "";
  if (
    !file ||
    !(await ask(
      t("settings.restore_title", { name: file.name }),
      h("p", {}, t("settings.restore_doc")),
      t("settings.restore"),
    ))
  )
    return;
  const text = await file.text();
  await taking(page, () => restored(text));
}

/** Restore a file's text; what it left out when it was saved, and nobody here knows, is asked for. */
async function restored(text) {
  try {
    return await send("PUT", "v1/settings/file", undefined, { text });
  } catch (error) {
    const missing = error.complaints?.filter(({ code }) => code === "secret_left_out") ?? [];
    if (!missing.length) throw error;
    const fields = missing.map(({ path }) =>
      field(path, { type: "password", name: path, autocomplete: "off" }),
    );
    const answer = await ask(
      t("settings.left_out"),
      [h("p", {}, t("settings.left_out_doc")), ...fields.map(({ element }) => element)],
      t("settings.restore"),
    );
    if (!answer) throw error;
    const lines = text.split(/\r?\n/);
    for (const { path, params } of missing) {
      lines[params.line - 1] = `${path.split(".").at(-1)} = ${JSON.stringify(String(answer.get(path)))}`;
    }
    return restored(lines.join("\n"));
  }
}
