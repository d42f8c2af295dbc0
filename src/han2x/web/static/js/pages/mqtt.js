// MQTT: how each broker fares in words, what was last published where, what Home Assistant was told.

import { get, send } from "../api.js";
import { h, say } from "../dom.js";
import { said, t, time } from "../i18n.js";
import { refreshed } from "../refreshed.js";
import { action, card, facts, note, row, table } from "../ui.js";

const PAUSE_MS = 3000;
const MOODS = { ok: "good", starting: "info", failing: "bad", off: "info" };

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  /** @type {Map<string, ReturnType<typeof broker>>} */
  const shown = new Map();
  const all = h("div", { class: "stack wide" });
  root.append(all);
  const ask = (signal) => get("v1/mqtt", { signal });
  function show({ brokers }) {
    const ids = brokers.map((one) => one.id);
    for (const id of [...shown.keys()].filter((one) => !ids.includes(one))) {
      shown.get(id).element.remove();
      shown.delete(id);
    }
    for (const one of brokers) {
      if (!shown.has(one.id)) {
        shown.set(one.id, broker(one, context));
        all.append(shown.get(one.id).element);
      }
      shown.get(one.id).show(one);
    }
  }
  const { first, soon } = refreshed(all, context, { ask, show, pause: PAUSE_MS });
  context.live.on("meter", soon, context.signal);
  context.live.on("health", soon, context.signal);
  await first;
}

function broker({ id, name }, context) {
  const state = h("div", { role: "status", "aria-live": "polite" });
  const discovery = h("div", {});
  const body = h("tbody", {});
  const topics = table(
    t("mqtt.topics"),
    [t("mqtt.topic"), t("mqtt.payload"), t("mqtt.at"), t("mqtt.retained")],
    body,
  );
  const again = action(t("mqtt.again"), () => sayAgain(), { toast: context.toast });
  const element = card(
    t("mqtt.broker", { name }),
    state,
    h("p", { class: "row" }, again, h("a", { class: "button", href: "#/settings/mqtt" }, t("mqtt.settings"))),
    discovery,
    topics,
  );
  element.classList.add("wide");
  let told = "";

  async function sayAgain() {
    await send("POST", `v1/mqtt/${encodeURIComponent(id)}/again`, {});
    context.toast(t("mqtt.said_again"));
  }

  function show(one) {
    const text = one.enabled ? said(one.text) || t(`condition.${one.condition}`) : t("mqtt.off");
    if (text !== told)
      state.replaceChildren(note(one.enabled ? (MOODS[one.condition] ?? "info") : "info", text));
    told = text;
    again.disabled = !one.enabled || one.condition !== "ok";
    discovery.replaceChildren(discovered(one.discovery));
    topics.hidden = !one.topics.length;
    update(body, one.topics);
  }
  return { element, show };
}

function discovered(discovery) {
  if (!discovery) return "";
  const announced = discovery.announced ?? [];
  return facts([
    [t("mqtt.discovery"), t(`discovery.${discovery.form}`)],
    [t("mqtt.announced"), announced.length ? announced.join(", ") : "–"],
  ]);
}

/** Rows by topic, changed in place, so that a reader's place is kept. */
function update(body, topics) {
  const rows = new Map([...body.children].map((line) => [line.dataset.topic, line]));
  for (const { topic, payload, at, retained } of topics) {
    const line =
      rows.get(topic) ??
      body.appendChild(
        row([h("code", {}, topic), h("code", { class: "payload" }), "", ""], { "data-topic": topic }),
      );
    rows.delete(topic);
    const [, content, when, kept] = line.children;
    say(content.firstChild, payload);
    say(when, time(at, "seconds"));
    say(kept, retained ? t("ui.yes") : "");
  }
  for (const line of rows.values()) line.remove();
}
