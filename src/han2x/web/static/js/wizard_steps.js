// The steps of the first run: each fills a body and calls `next` when it is done.

import { changeUser, complaintText, get, Refusal, send } from "./api.js";
import { h, say } from "./dom.js";
import { capital, number, quantity, t } from "./i18n.js";
import { formerChoice, formerMeters } from "./former.js";
import { watch } from "./freshness.js";
import { icon } from "./icons.js";
import { FRESH_MS } from "./live.js";
import { mood, readingText, trial, trySource, verdictNext, verdictText } from "./source.js";
import { action, field, note } from "./ui.js";

const VENDORS = ["kaifa", "aidon", "kamstrup"];

const buttons = (wizard, ...more) =>
  h(
    "div",
    { class: "row end" },
    wizard.back && h("button", { type: "button", onclick: wizard.back }, t("wizard.back")),
    more,
  );

export async function sourceStep(body, wizard) {
  const adapters = await get("v1/adapters", { signal: wizard.signal }).catch(() => []);
  const options = [
    ...adapters.map((one) => [`serial:${one.path}`, one.name, one.hint]),
    ...VENDORS.map((vendor) => [
      `simulate:${vendor}`,
      t("wizard.simulated", { vendor: capital(vendor) }),
      t("wizard.simulated_doc"),
    ]),
  ];
  const known = options.some(([source]) => source === wizard.state.source);
  if (!known && wizard.state.source !== "serial:auto")
    options.unshift([wizard.state.source, t("wizard.present"), ""]);
  const other = field(t("wizard.bridge"), {
    placeholder: "tcp:192.168.1.20:3001",
    autocapitalize: "none",
    spellcheck: "false",
    id: "bridge",
  });
  const first = options.find(([source]) => source === wizard.state.source) ?? options[0];
  const list = h(
    "fieldset",
    { class: "options" },
    h("legend", {}, t("wizard.found", { count: adapters.length })),
    options.map(([source, name, hint]) => option(source, name, hint, source === first[0])),
  );
  const next = () => {
    wizard.state.source = other.input.value.trim() || body.querySelector("input[name=source]:checked")?.value;
    return wizard.next();
  };
  body.append(
    adapters.length ? "" : note("warn", t("wizard.no_adapter")),
    list,
    other.element,
    buttons(
      wizard,
      action(
        t("wizard.again"),
        async () => (
          body.querySelectorAll(":scope > :not(h2, .muted)").forEach((part) => part.remove()),
          sourceStep(body, wizard)
        ),
      ),
      action(t("wizard.listen"), next, { class: "primary", toast: wizard.toast }),
    ),
  );
}

function option(source, name, hint, chosen) {
  return h(
    "label",
    { class: "option" },
    h("input", { type: "radio", name: "source", value: source, checked: chosen }),
    h(
      "span",
      {},
      h("b", {}, name),
      hint && h("span", { class: "muted small" }, hint),
      h("code", { class: "small" }, source),
    ),
  );
}

export async function listenStep(body, wizard) {
  const place = trial();
  const next = h(
    "button",
    { type: "button", class: "primary", disabled: true, id: "heard", onclick: wizard.next },
    t("wizard.next"),
  );
  const anyway = h("button", { type: "button", class: "quiet", onclick: wizard.next }, t("wizard.anyway"));
  const complaint = h("p", { class: "complaint", role: "alert" });
  const again = action(t("wizard.again"), () => listen(), {});
  body.append(
    h("p", {}, h("code", {}, wizard.state.source)),
    place.element,
    complaint,
    buttons(wizard, anyway, again, next),
  );
  async function listen() {
    say(complaint, "");
    try {
      const last = await trySource(wizard.state.source, place, wizard.signal);
      if (last.good) wizard.state.reading = last.reading;
      next.disabled = !last.good;
      anyway.hidden = Boolean(last.good);
      if (last.good) next.focus();
    } catch (error) {
      if (!wizard.signal.aborted)
        say(
          complaint,
          error instanceof Refusal && error.complaints[0]
            ? complaintText(error.complaints[0])
            : error.message,
        );
    }
  }
  void again.click();
}

export async function meterStep(body, wizard) {
  const { state } = wizard;
  const former = await formerMeters(wizard.signal);
  const who = state.reading && readingText(state.reading);
  const name = field(t("wizard.meter_name"), {
    value: state.meter.name,
    autocapitalize: "none",
    spellcheck: "false",
    id: "meter-name",
  });
  const fuse = field(t("wizard.fuse"), {
    value: state.meter.fuse_a || "",
    inputmode: "numeric",
    placeholder: "63",
  });
  const choice = formerChoice(former, t("settings.new_meter"));
  choice.addEventListener("change", () => {
    const one = former.find(({ id }) => id === choice.value);
    if (one) name.input.value = one.name;
  });
  const keep = action(
    t("wizard.next"),
    async () => {
      const changes = {
        "meters.0.source": state.source,
        "meters.0.name": name.input.value.trim(),
        "meters.0.fuse_a": Number(fuse.input.value) || 0,
        ...(choice.value && { "meters.0.id": choice.value }),
      };
      (await saved(wizard, changes, { "meters.0.name": name, "meters.0.fuse_a": fuse })) && wizard.next();
    },
    { class: "primary", toast: wizard.toast },
  );
  const which = h(
    "label",
    { class: "field", hidden: !former.length },
    h("span", {}, t("settings.which_meter")),
    choice,
    h("span", { class: "muted small" }, t("settings.which_meter_doc")),
  );
  body.append(who ? note("good", who) : "", which, name.element, fuse.element, buttons(wizard, keep));
}

/** Saves some settings; complaints go to their fields. */
async function saved(wizard, changes, fields) {
  for (const one of Object.values(fields)) one.complain("");
  try {
    const answer = await send("PATCH", "v1/settings", { changes });
    wizard.state.settings = answer.settings;
    wizard.state.meter = answer.settings.meters[0];
    return true;
  } catch (error) {
    const complaints = error.complaints ?? [];
    for (const one of complaints) fields[one.path]?.complain(complaintText(one));
    if (!complaints.some((one) => one.path in fields))
      throw complaints[0] ? new Error(complaintText(complaints[0])) : error;
    return false;
  }
}

export function passwordStep(body, wizard) {
  const { session } = wizard.state;
  if (!session.default_password && !session.initial_password)
    return body.append(
      note("good", t("wizard.password_own")),
      buttons(
        wizard,
        action(t("wizard.next"), async () => wizard.next(), { class: "primary" }),
      ),
    );
  const user = field(t("system.user"), {
    value: session.user,
    autocomplete: "username",
    autocapitalize: "none",
  });
  const now = field(t("system.password_now"), {
    type: "password",
    autocomplete: "current-password",
    id: "password-now",
  });
  const password = field(t("system.password_new"), {
    type: "password",
    autocomplete: "new-password",
    id: "password-new",
  });
  const change = action(
    t("system.change"),
    async () => {
      Object.assign(
        session,
        await changeUser({
          user: session.user,
          password: now.input.value,
          new_user: user.input.value,
          new_password: password.input.value,
        }),
      );
      document.getElementById("default-password")?.remove();
      wizard.live.open();
      await wizard.next();
    },
    { class: "primary", toast: wizard.toast },
  );
  const form = h(
    "form",
    { class: "stack", onsubmit: (event) => event.preventDefault() },
    user.element,
    now.element,
    password.element,
  );
  body.append(
    form,
    buttons(
      wizard,
      h("button", { type: "button", class: "quiet", onclick: wizard.next }, t("wizard.later")),
      change,
    ),
  );
}

export function outputStep(body, wizard) {
  const { settings } = wizard.state;
  const broker = settings.mqtt[0];
  const modbus = checkbox(
    t("wizard.modbus"),
    t("wizard.modbus_doc", { port: settings.modbus_tcp.port }),
    settings.modbus_tcp.enabled,
  );
  const mqtt = checkbox(t("wizard.mqtt"), t("wizard.mqtt_doc"), broker.enabled);
  const host = field(t("wizard.broker"), { value: broker.host, autocapitalize: "none", spellcheck: "false" });
  const user = field(t("wizard.broker_user"), {
    value: broker.user,
    autocapitalize: "none",
    autocomplete: "off",
  });
  const password = field(t("wizard.broker_password"), {
    type: "password",
    autocomplete: "new-password",
    placeholder: broker.password?.set ? t("settings.secret_set") : "",
  });
  const details = h(
    "div",
    { class: "stack indent", hidden: !broker.enabled },
    host.element,
    user.element,
    password.element,
  );
  mqtt.input.addEventListener("change", () => (details.hidden = !mqtt.input.checked));
  const keep = action(
    t("wizard.finish"),
    async () => {
      const changes = { "modbus_tcp.enabled": modbus.input.checked, "mqtt.0.enabled": mqtt.input.checked };
      if (mqtt.input.checked)
        Object.assign(
          changes,
          { "mqtt.0.host": host.input.value.trim(), "mqtt.0.user": user.input.value },
          password.input.value ? { "mqtt.0.password": password.input.value } : {},
        );
      (await saved(wizard, changes, { "mqtt.0.host": host, "mqtt.0.user": user })) && wizard.next();
    },
    { class: "primary", toast: wizard.toast },
  );
  body.append(modbus.element, mqtt.element, details, buttons(wizard, keep));
}

function checkbox(label, doc, checked) {
  const input = h("input", { type: "checkbox", role: "switch", checked });
  return {
    input,
    element: h(
      "label",
      { class: "option" },
      input,
      h("span", {}, h("b", {}, label), h("span", { class: "muted small" }, doc)),
    ),
  };
}

/** Waits for the first telegram that the gateway itself has read from the meter as it is now set up. */
export function doneStep(body, wizard) {
  const { live, signal, state } = wizard;
  const sign = h("span", { class: "sign" }, icon("info"));
  const text = h("p", { class: "verdict-text", id: "first-telegram" }, t("wizard.waiting"));
  const next = h("p", {});
  const box = h(
    "div",
    { class: "verdict info", role: "status", "aria-live": "polite" },
    sign,
    h("div", {}, text, next),
  );
  const go = action(t("wizard.to_now"), () => leave(), {
    class: "primary",
    id: "finish",
    toast: wizard.toast,
  });
  go.disabled = true;
  body.append(
    box,
    buttons(
      wizard,
      h("button", { type: "button", class: "quiet", onclick: () => void leave() }, t("wizard.leave")),
      go,
    ),
  );

  let verified = false;
  const place = watch(box, { note: true, tell: (_, fresh) => (go.disabled = !(fresh && verified)) });
  function look(meter) {
    if (meter.id !== state.meter.id) return;
    place.show([[live.fresh(meter) ? meter.received_at : meter.told, FRESH_MS]], () => draw(meter));
  }
  function draw(meter) {
    verified = live.fresh(meter);
    box.className = `verdict ${verified ? "good" : mood(meter.diagnosis.verdict)}`;
    sign.replaceChildren(icon(verified ? "good" : "info"));
    say(
      text,
      verified
        ? t("wizard.verified", { power: quantity(meter.net_power, "W") })
        : verdictText(meter.diagnosis),
    );
    say(next, verified ? t("wizard.count", { count: number(meter.received) }) : verdictNext(meter.diagnosis));
  }
  async function leave() {
    await send("POST", "v1/wizard/finish", {});
    location.hash = "#/now";
    await wizard.restart();
  }
  live.want({ meters: state.meter.id }, signal);
  live.on("meter", look, signal);
  const known = live.meters.get(state.meter.id);
  if (known) look(known);
}
