// Signal, the HAN doctor: a verdict with its evidence and the next step, what comes a minute, telegrams octet by octet.

import { get } from "../api.js";
import { h, say, set } from "../dom.js";
import { NEVER, now, watch } from "../freshness.js";
import { capital, currentLanguage, number, quantity, span, t, time, tOr } from "../i18n.js";
import { icon } from "../icons.js";
import { listEditor } from "../list_editor.js";
import { FRESH_MS } from "../live.js";
import { refreshed } from "../refreshed.js";
import { mood, verdictNext, verdictText } from "../source.js";
import { card, facts, row, table } from "../ui.js";

const TELEGRAMS = 20;
const RATES_MS = 5000;
const TELEGRAMS_MS = 60_000;

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const doctor = verdict();
  const line = lineCard();
  const rates = rateCard(context);
  const telegrams = telegramCard(context);
  const editor = listEditor(context);
  root.append(
    doctor.element,
    editor.element,
    line.element,
    h("div", { class: "stack" }, rates.element, captureCard(context)),
    telegrams.element,
  );
  const draw = (meter) => (doctor.show(meter), line.show(meter));
  const ofThis = (act) => (data) => (data.meter ?? data.id) === context.meterId && act(data);
  context.live.on("meter", ofThis(draw), context.signal);
  context.live.on("meter", ofThis(rates.soon), context.signal);
  context.live.on("telegram", ofThis(telegrams.add), context.signal);
  context.live.on("telegram", ofThis(({ reason }) => reason && editor.soon()), context.signal);
  context.live.want({ telegrams: context.meterId }, context.signal);
  const known = context.meter();
  if (known) draw(known);
  await telegrams.first;
}

function verdict() {
  const sign = h("span", { class: "sign" });
  const text = h("p", { class: "verdict-text", id: "verdict" });
  const next = h("p", { id: "next-step" });
  const seen = h("p", { class: "muted small", id: "evidence" });
  const help = h("p", { class: "muted" });
  const element = h(
    "section",
    { class: "verdict wide", "aria-label": t("signal.verdict") },
    sign,
    h("div", {}, h("div", { role: "status", "aria-live": "polite" }, text, next), seen, help),
  );
  let shown = "";
  let told = /** @type {any} */ (null);
  const tell = () => told && say(seen, evidence(told.diagnosis.seen, (now() - told.told) / 1000));
  const place = watch(element, { tell, note: true });
  function draw(meter) {
    const { diagnosis } = meter;
    const kind = mood(diagnosis.verdict);
    say(help, waitingFor(meter));
    told = meter;
    if (shown === diagnosis.verdict) return;
    shown = diagnosis.verdict;
    element.className = `verdict wide ${kind}`;
    set(element, { "data-verdict": diagnosis.verdict });
    sign.replaceChildren(icon(kind === "good" ? "good" : kind === "info" ? "info" : "warning"));
    say(text, verdictText(diagnosis));
    say(next, verdictNext(diagnosis));
  }
  return { element, show: (meter) => place.show([[meter.told, FRESH_MS]], () => draw(meter)) };
}

/** What a verdict rests on, so many seconds after it was told. */
function evidence(seen, since) {
  if (!seen.octets) return t("signal.seen_nothing");
  const bad = Object.entries(seen.discarded ?? {})
    .filter(([, count]) => count)
    .map(([kind, count]) => `${number(count)} ${tOr(`fault.${kind}`, kind)}`);
  return [
    t("signal.seen", { octets: number(seen.octets), span: span(seen.age_s + since), good: number(seen.good) }),
    ...bad,
  ].join(" · ");
}

/** What is yet to come, where all is well: an hourly list that has not been heard since the start. */
function waitingFor({ diagnosis, lists, values }) {
  if (diagnosis.verdict !== "good") return "";
  const minutes = 60 - new Date().getMinutes();
  const parts = [];
  if (!lists?.["3"] && !values.act_energy_pos) parts.push(t("signal.wait_hourly", { minutes }));
  if (values.curr_l1 && values.curr_l3 && !values.curr_l2) parts.push(t("signal.no_l2"));
  return parts.join(" ");
}

function lineCard() {
  const list = h("div", {});
  const light = h("i", { class: "bytelight", "aria-hidden": "true" });
  const element = card(t("signal.line"), list);
  element.querySelector("h2").append(" ", light);
  const last = h("span", {}, "–");
  let octets = -1;
  let received = NEVER;
  const tell = () => say(last, Number.isFinite(received) ? span((now() - received) / 1000) : "–");
  const place = watch(element, { tell, note: true });
  function draw(meter) {
    const { line } = meter;
    if (octets >= 0 && line.octets > octets)
      light.animate?.([{ opacity: 1 }, { opacity: 0.25 }], { duration: 500 });
    octets = line.octets;
    received = meter.received_at;
    const counted = (count) => (line.octets ? number(count) : "–");
    list.replaceChildren(
      facts([
        [t("signal.source"), h("code", {}, line.source)],
        [t("signal.open"), line.open ? t("ui.yes") : t("ui.no")],
        [t("signal.settings"), line.line ?? "–"],
        [
          t("signal.octets"),
          line.octets
            ? `${number(line.octets)} (${quantity(line.octets_per_s, t("signal.per_s"), 0)})`
            : t("signal.none_received"),
        ],
        [t("signal.last"), last],
        [t("signal.received"), counted(meter.received)],
        [t("signal.checksum"), counted(line.checksum_errors)],
        [t("signal.discarded"), counted(line.discarded)],
        [t("signal.fault"), line.octets || line.fault !== "none" ? tOr(`fault.${line.fault}`, line.fault) : "–"],
      ]),
    );
  }
  return { element, show: (meter) => place.show([[meter.told, FRESH_MS]], () => draw(meter)) };
}

function rateCard(context) {
  const body = h("tbody", {});
  const errors = h("p", { class: "muted small" });
  const element = card(
    t("signal.rates"),
    table(t("signal.rates"), [t("signal.list"), t("signal.per_minute"), t("signal.since")], body),
    errors,
  );

  function show({ minute, errors: bad }) {
    const meter = context.meter();
    const since = (list) => meter && Math.max(0, now() - meter.told) / 1000 + meter.lists[list]?.age_s;
    body.replaceChildren(
      ...minute.map(({ list, count }) =>
        row([tOr(`list.${list}`, list), number(count), meter?.lists[list] ? span(since(list)) : "–"]),
      ),
    );
    say(errors, errorsText(bad, minute));
  }
  const ask = (signal) => get(`v1/meters/${encodeURIComponent(context.meterId)}/rates`, { signal });
  const { first, soon } = refreshed(element, context, { ask, show, pause: RATES_MS });
  first.catch(() => {});
  return { element, soon };
}

/** No errors only where something came. */
function errorsText(bad, minute) {
  const known = Object.entries(bad).filter(([, count]) => count);
  const errors = known.map(([kind, count]) => `${number(count)} ${tOr(`fault.${kind}`, kind)}`).join(", ");
  if (known.length) return t("signal.errors", { errors });
  return t(minute.some(({ count }) => count) ? "signal.no_errors" : "signal.nothing_in_minute");
}

function captureCard({ meterId }) {
  const link = (seconds) =>
    h(
      "a",
      {
        class: "button",
        href: `v1/meters/${encodeURIComponent(meterId)}/capture?seconds=${seconds}`,
        download: `han2x-${meterId}.bin`,
      },
      t("signal.capture_s", { s: seconds }),
    );
  return card(
    t("signal.capture"),
    h("p", { class: "muted" }, t("signal.capture_doc")),
    h("p", { class: "row" }, link(60), link(600)),
  );
}

/** @param {import("../app.js").Context} context */
function telegramCard(context) {
  const list = h("ol", { class: "telegrams", "aria-label": t("signal.telegrams") });
  const detail = h("div", { class: "octets" });
  const element = card(
    t("signal.telegrams"),
    h("p", { class: "muted" }, t("signal.telegrams_doc")),
    list,
    detail,
  );
  element.classList.add("wide");
  /** @type {any[]} */
  let held = [];
  let chosen = /** @type {any} */ (null);

  function fill(telegrams) {
    held = telegrams.slice(0, TELEGRAMS);
    draw();
    if (held.length && !chosen) choose(held[0]);
  }
  function add(telegram) {
    if (held.some((one) => same(one, telegram))) return;
    held = [telegram, ...held].slice(0, TELEGRAMS);
    draw();
    if (!chosen) choose(telegram);
  }
  function choose(telegram) {
    chosen = telegram;
    detail.replaceChildren(...explained(telegram));
    draw();
  }
  function draw() {
    const focused = document.activeElement?.getAttribute("data-id");
    list.replaceChildren(
      ...held.map((one) =>
        h(
          "li",
          {},
          telegramButton(one, Boolean(chosen) && same(one, chosen), () => choose(one)),
        ),
      ),
    );
    if (focused) list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }
  const path = `v1/meters/${encodeURIComponent(context.meterId)}/telegrams?limit=${TELEGRAMS}`;
  const bounds = () => [context.live.link()];
  const ask = (signal) => get(path, { signal });
  const { first } = refreshed(element, context, { ask, show: fill, every: TELEGRAMS_MS, bounds });
  return { element, first, add };
}

/** A gateway that was started again counts from the beginning. */
const same = (one, other) => one.id === other.id && one.at === other.at;

function telegramButton(telegram, chosen, choose) {
  const name = telegram.list ? tOr(`list.${telegram.list}`, telegram.list) : t("list.none");
  return h(
    "button",
    {
      type: "button",
      class: telegram.reason ? "bad" : "",
      "aria-pressed": String(chosen),
      "data-id": telegram.id,
      onclick: choose,
    },
    h("time", {}, time(telegram.at, "seconds")),
    h("span", {}, name),
    h("span", { class: "muted" }, t("signal.octet_count", { count: number(telegram.octets.length / 2) })),
    telegram.reason && icon("warning"),
  );
}

function explained(telegram) {
  const octets = telegram.octets.match(/../g) ?? [];
  const cells = octets.map((pair) => h("span", {}, pair));
  const rows = telegram.tree.map((part) => explainedRow(part, cells));
  const head = h(
    "p",
    {},
    telegram.reason
      ? t("signal.bad_telegram", { reason: reasonOf(telegram) })
      : t("signal.good_telegram", { vendor: capital(telegram.vendor) }),
  );
  return [
    head,
    h("div", { class: "hex", role: "img", "aria-label": t("signal.hex") }, cells),
    table(
      t("signal.explained"),
      [t("signal.offset"), t("signal.hex"), "OBIS", t("signal.meaning"), t("signal.value")],
      h("tbody", {}, rows),
    ),
  ];
}

/** Why a telegram was not read: the gateway's own sentence in English, its kind in other languages. */
const reasonOf = ({ reason, kind }) => (currentLanguage() === "en" ? reason : tOr(`fault.${kind}`, kind));

function explainedRow(part, cells) {
  const own = cells.slice(part.offset, part.offset + part.length);
  const mark = (on) => () => own.forEach((cell) => cell.classList.toggle("lit", on));
  const hex = part.hex.length > 48 ? `${part.hex.slice(0, 48)}…` : part.hex;
  return row(
    [
      part.offset,
      h("code", {}, hex.replace(/(..)(?=.)/g, "$1 ")),
      part.obis ? h("code", {}, part.obis) : "",
      partText(part.text),
      partText(part.value),
    ],
    {
      onmouseenter: mark(true),
      onmouseleave: mark(false),
      onfocus: mark(true),
      onblur: mark(false),
      tabindex: "0",
    },
  );
}

/** What a part is, or says, in the chosen language where the catalogue has it. @param {string | null} text */
const partText = (text) => (text ? tOr(`part.${text}`, text) : "");
