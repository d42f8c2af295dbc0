// System: versions, how every service fares, the log as it is written, user and password, tokens, and the way back to nothing.

import { changeUser, get, send } from "../api.js";
import { h, say } from "../dom.js";
import { watch } from "../freshness.js";
import { quantity, said, span, t, time, tOr } from "../i18n.js";
import { icon } from "../icons.js";
import { refreshed } from "../refreshed.js";
import { verdictNext, verdictText } from "../source.js";
import { action, ask, card, choices, facts, field, row, table } from "../ui.js";

const STORED_FILES = "stored files";
const LINES = 300;
const LOG_MS = 600_000;
const AUDIT_LINES = 100;
const AUDIT_MS = 60_000;
const TOKENS_MS = 60_000;

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const about = aboutCard(context);
  const user = userCard(context);
  await about.first;
  root.append(
    about.element,
    healthCard(context),
    user,
    tokenCard(context),
    certificatesCard(context),
    auditCard(context),
    logCard(context),
    endCard(context),
  );
  if (context.path[0] === "password") user.querySelector("input").focus();
}

function aboutCard(context) {
  const list = h("div", {});
  const element = card(
    t("system.about"),
    list,
    h(
      "p",
      { class: "row keep" },
      h("a", { class: "button", href: "#/api" }, t("page.api")),
      h("a", { class: "button", href: "#/wizard" }, t("page.wizard")),
    ),
  );
  const ask = (signal) => get("v1/system", { signal });
  const show = (about) => list.replaceChildren(facts(aboutRows(about)));
  return { element, first: refreshed(element, context, { ask, show }).first };
}

function aboutRows(about) {
  return [
    [t("system.version"), about.version],
    [t("system.python"), about.python],
    [t("system.uptime"), span(about.uptime_s)],
    [t("system.started"), time(about.started, "moment")],
    [t("system.memory"), quantity(about.memory_mb, "MB", 1)],
    [t("system.settings_file"), about.settings_file ?? t("system.none")],
    [t("system.state_dir"), about.state_dir ?? t("system.none")],
  ];
}

/** Each change is pushed: what was told last is good while the stream is alive. */
function healthCard({ live, signal, toast }) {
  const body = h("tbody", {});
  const element = card(
    t("system.health"),
    table(t("system.health"), [t("system.service"), t("system.condition"), t("system.says")], body),
  );
  const place = watch(element);
  const show = ({ services }) => place.show([live.link()], () => body.replaceChildren(...services.map((one) => service(one, toast))));
  show(live.health);
  live.on("health", show, signal);
  return element;
}

function service({ name, label, condition, text, verdict }, toast) {
  const told = verdict ? `${verdictText({ verdict, text })}. ${verdictNext({ verdict, next: text })}` : said(text);
  return row([
    said(label),
    h(
      "span",
      { class: `condition ${condition}` },
      icon(condition === "ok" ? "good" : condition === "failing" ? "warning" : "info"),
      t(`condition.${condition}`),
    ),
    name === STORED_FILES ? h("div", {}, h("p", {}, told), seen(toast)) : told,
  ]);
}

/** Ends the notice of damaged files, which stays over restarts until somebody has seen it. */
const seen = (toast) => action(t("system.seen"), () => send("POST", "v1/system/stored-files/seen"), { toast });

function userCard(context) {
  const { session, restart, toast } = context;
  const user = field(t("system.user"), {
    value: session.user,
    autocomplete: "username",
    autocapitalize: "none",
    required: true,
  });
  const now = field(t("system.password_now"), {
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const next = field(t("system.password_new"), {
    type: "password",
    autocomplete: "new-password",
    required: true,
    minlength: 8,
  });
  const again = field(t("system.password_again"), {
    type: "password",
    autocomplete: "new-password",
    required: true,
  });
  const change = action(
    t("system.change"),
    async () => {
      if (next.input.value !== again.input.value) return again.complain(t("system.differ"));
      again.complain("");
      await changeUser({
        user: session.user,
        password: now.input.value,
        new_user: user.input.value,
        new_password: next.input.value,
      });
      toast(t("system.password_changed"));
      await restart();
    },
    { class: "primary", toast },
  );
  const everywhere = action(
    t("system.log_out_everywhere"),
    async () => {
      await send("DELETE", "v1/sessions");
      await restart();
    },
    { toast },
  );
  return card(
    t("system.access"),
    h(
      "form",
      { class: "stack", onsubmit: (event) => event.preventDefault() },
      user.element,
      now.element,
      next.element,
      again.element,
      h("p", { class: "row" }, change, everywhere),
    ),
  );
}

function tokenCard(context) {
  const body = h("tbody", {});
  const fresh = h("p", { class: "token", role: "status", "aria-live": "polite" });
  const name = field(t("system.token_name"), { required: true, maxlength: 64 });
  let scope = "read";
  const scopes = choices(
    t("system.token_scope"),
    [
      ["read", t("scope.read")],
      ["write", t("scope.write")],
    ],
    scope,
    (value) => (scope = value),
  );

  function show(known) {
    body.replaceChildren(
      ...known.map((token) =>
        row([
          token.name,
          t(`scope.${token.scope}`),
          time(token.created, "date"),
          time(token.last_used, "moment"),
          action(t("system.revoke"), () => revoke(token.id), { toast: context.toast, class: "quiet" }),
        ]),
      ),
    );
  }
  async function revoke(id) {
    await send("DELETE", `v1/tokens/${id}`);
    load();
  }
  async function make() {
    const { token } = await send("POST", "v1/tokens", { name: name.input.value, scope });
    fresh.replaceChildren(t("system.token_once"), " ", h("code", {}, token));
    name.input.value = "";
    load();
  }
  const load = () => tokens.soon();
  const element = card(
    t("system.tokens"),
    h("p", { class: "muted" }, t("system.tokens_doc")),
    table(
      t("system.tokens"),
      [t("system.token_name"), t("system.token_scope"), t("system.created"), t("system.used"), ""],
      body,
    ),
    name.element,
    scopes.element,
    h("p", {}, action(t("system.token_make"), make, { toast: context.toast })),
    fresh,
  );
  const ask = (signal) => get("v1/tokens", { signal });
  const tokens = refreshed(element, context, { ask, show, every: TOKENS_MS });
  tokens.first.catch(() => {});
  return element;
}

function certificatesCard(context) {
  const body = h("tbody", {});
  const fresh = h("div", { role: "status", "aria-live": "polite" });
  const name = field(t("certificates.name"), { required: true, maxlength: 64 });
  let role = "read-only";
  const roles = choices(
    t("certificates.role"),
    [
      ["read-only", t("scope.read")],
      ["read-write", t("scope.write")],
    ],
    role,
    (value) => (role = value),
  );

  async function load() {
    const clients = await get("v1/certificates", { signal: context.signal });
    body.replaceChildren(
      ...clients.map((client) =>
        row([
          client.name,
          client.role || "–",
          time(client.created, "date"),
          client.revoked
            ? t("certificates.revoked")
            : action(t("system.revoke"), () => revoke(client.serial), { toast: context.toast, class: "quiet" }),
        ]),
      ),
    );
  }
  async function revoke(serial) {
    await send("DELETE", `v1/certificates/${serial}`);
    await load();
  }
  async function make() {
    const stem = name.input.value.trim().replace(/[^\p{L}\p{N}._-]/gu, "_");
    const made = await send("POST", "v1/certificates", { name: name.input.value, role });
    fresh.replaceChildren(
      h("p", {}, t("certificates.once")),
      h(
        "p",
        {},
        download(`${stem}.pem`, made.certificate + made.key),
        " ",
        download(`${stem}-ca.pem`, made.ca),
      ),
    );
    name.input.value = "";
    await load();
  }
  load().catch((error) => say(fresh, error.message));
  return card(
    t("certificates.title"),
    h("p", { class: "muted" }, t("certificates.doc")),
    table(t("certificates.title"), [t("certificates.name"), t("certificates.role"), t("system.created"), ""], body),
    name.element,
    roles.element,
    h("p", {}, action(t("certificates.make"), make, { toast: context.toast })),
    fresh,
  );
}

function download(name, text) {
  const link = h("a", { download: name, href: URL.createObjectURL(new Blob([text])) }, name);
  return link;
}

function logCard(context) {
  const list = h("ol", { class: "log", tabindex: "0", "aria-label": t("system.log") });
  const add = (entry) => {
    const below = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.append(
      h(
        "li",
        { class: String(entry.level).toLowerCase() },
        h("time", {}, time(entry.at, "seconds")),
        ` ${said(entry.text)}`,
      ),
    );
    while (list.childElementCount > LINES) list.firstChild.remove();
    if (below) list.scrollTop = list.scrollHeight;
  };
  const element = card(t("system.log"), list);
  element.classList.add("wide");
  const ask = (signal) => get(`v1/log?lines=${LINES}`, { signal });
  function show(answer) {
    list.replaceChildren();
    for (const entry of answer.lines ?? answer) add(entry);
  }
  const bounds = () => [context.live.link()];
  const { first } = refreshed(element, context, { ask, show, every: LOG_MS, bounds });
  first.catch(() => {});
  context.live.on("log", add, context.signal);
  context.live.want({ log: "1" }, context.signal);
  return element;
}

/** Who changed which settings, the newest first. */
function auditCard(context) {
  const body = h("tbody", {});
  const columns = ["system.audit_at", "system.audit_who", "system.audit_settings"].map((key) => t(key));
  const element = card(
    t("system.audit"),
    h("p", { class: "muted" }, t("system.audit_doc")),
    table(t("system.audit"), columns, body),
  );
  element.classList.add("wide");
  const ask = (signal) => get(`v1/audit?lines=${AUDIT_LINES}`, { signal });
  const show = (lines) => body.replaceChildren(...lines.reverse().map(change));
  refreshed(element, context, { ask, show, every: AUDIT_MS }).first.catch(() => {});
  return element;
}

function change({ at, who, name, settings, more, times }) {
  const names = settings.map(done).join(", ") + (more ? ` ${t("system.audit_more", { count: more })}` : "");
  const count = times > 1 ? ` (${t("system.audit_times", { count: times })})` : "";
  return row([time(at, "moment"), `${t(`audit.${who}`)} ${name}`.trim(), names + count]);
}

/** A setting's path as it is; what else was done in words. */
function done(text) {
  const [act, name] = text.split(/: (.*)/s);
  return tOr(`audit.did.${act}`, text, { name });
}

function endCard(context) {
  const reset = async () => {
    const password = field(t("settings.password_again"), {
      type: "password",
      name: "password",
      autocomplete: "current-password",
      required: true,
    });
    const history = h(
      "label",
      { class: "row" },
      h("input", { type: "checkbox", name: "history" }),
      t("system.reset_history"),
    );
    const answer = await ask(
      t("system.reset"),
      [h("p", {}, t("system.reset_doc")), password.element, history],
      t("system.reset"),
    );
    if (!answer) return;
    await send("POST", "v1/system/factory-reset", {
      history: answer.get("history") === "on",
      password: answer.get("password"),
    });
    await context.restart();
  };
  return card(
    t("system.reset"),
    h("p", { class: "muted" }, t("system.reset_doc")),
    h("p", {}, action(t("system.reset"), reset, { class: "danger", toast: context.toast })),
  );
}
