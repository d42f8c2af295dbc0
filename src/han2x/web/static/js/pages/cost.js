// Capacity and cost: the month's peaks and step, what may still be used, what today and the month have cost, prices.

import { get } from "../api.js";
import { h, say } from "../dom.js";
import { watch } from "../freshness.js";
import { localTime, number, quantity, t, time } from "../i18n.js";
import { FRESH_MS } from "../live.js";
import { plot, uplot } from "../plot.js";
import { hoursKnown, seconds } from "../periods.js";
import { refreshed } from "../refreshed.js";
import { told } from "../tariff_choice.js";
import { colour } from "../theme.js";
import { card, facts, note, row, table } from "../ui.js";

const DAY_MS = 86_400_000;
const PRICES_MS = 60_000;
const MONTHS_MS = 600_000;
const MONTHS = 12;
const HOUR_S = 3600;
const CHEAPEST = 3;
const ORE = 100;

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const capacity = h("div", { class: "stack" });
  const costs = h("div", { class: "stack" });
  const prices = h("div", { class: "plot short", role: "img", "aria-label": t("cost.prices") });
  const pricesText = h("p", { class: "muted" });
  const wide = card(t("cost.prices"), prices, pricesText);
  wide.classList.add("wide");
  const cards = [card(t("cost.capacity"), capacity), card(t("cost.costs"), costs)];
  const months = h("div", { class: "stack" });
  const past = card(t("cost.by_month"), months);
  past.classList.add("wide");
  root.append(...cards, wide, past);
  const draws = [kept(capacity, capacityParts), kept(costs, costParts)];
  const places = cards.map((element) => watch(element));
  const show = (meter) => places.forEach((one, index) => one.show([[meter.told, FRESH_MS]], () => draws[index](meter)));
  context.live.on("meter", (meter) => meter.id === context.meterId && show(meter), context.signal);
  const known = context.meter();
  if (known) show(known);
  const ask = (signal) => priceRows(context, signal);
  let life = new AbortController();
  context.signal.addEventListener("abort", () => life.abort(), { once: true });
  function draw(rows) {
    life.abort();
    life = new AbortController();
    drawPrices(prices, pricesText, rows, { live: context.live, signal: life.signal }).catch((error) =>
      say(pricesText, error.message),
    );
  }
  const askMonths = (signal) => monthRows(context, signal);
  const showMonths = (rows) => months.replaceChildren(...monthParts(rows));
  refreshed(past, context, { ask: askMonths, show: showMonths, every: MONTHS_MS }).first.catch(() => {}); // it says so itself
  await refreshed(wide, context, { ask, show: draw, every: PRICES_MS }).first;
}

/** Draws what differs from what was drawn last. */
function kept(element, parts) {
  let shown = "";
  return (meter) => {
    const text = JSON.stringify([meter.capacity, meter.costs, meter.tariff, meter.notices]);
    if (text === shown) return;
    element.replaceChildren(...parts(meter).filter(Boolean));
    shown = text;
  };
}

/** @param {Record<string, any>} meter */
function capacityParts({ capacity, tariff, notices }) {
  const about = said(notices, (code) => code.startsWith("tariff_"));
  const whose = tariff && h("p", { class: "muted" }, told(tariff));
  if (!capacity && tariff) return [...about, whose];
  if (!capacity)
    return [
      note("info", t("cost.no_tariff"), " ", h("a", { href: "#/settings/meters" }, t("cost.choose_tariff"))),
    ];
  return [
    stepLine(capacity),
    ladder(capacity),
    capacity.peaks.length
      ? peakTable(capacity)
      : h("p", { class: "muted" }, t(capacity.missing ? "cost.none_received" : "cost.no_peaks")),
    capacityFacts(capacity),
    whose,
    ...about,
    ...capacityNotes(capacity),
  ];
}

/** Notes about the price lists this rests on. */
const said = (notices, wanted) =>
  notices
    .filter(({ code }) => wanted(code))
    .map(({ code, day, tariff }) =>
      note("warn", t(`notice.${code}`, { tariff, day: day ? localTime(day, "date") : "–" })),
    );

function stepLine(capacity) {
  return h(
    "p",
    {},
    h("span", { class: "middle" }, capacity.step === null ? "–" : t("cost.step", { step: capacity.step })),
    " ",
    h("span", { class: "muted" }, t("cost.mean", { kw: number(capacity.mean_kw, 2) })),
  );
}

/** Where the mean stands between the ends of this step and the next. */
function ladder({ mean_kw: mean, limit_kw: limit, next_limit_kw: next }) {
  if (mean === null || !limit) return null;
  const full = next ?? limit * 1.5;
  const share = (kw) => `${Math.min(100, (100 * kw) / full).toFixed(1)}%`;
  return h(
    "div",
    {
      class: "budget limited",
      role: "img",
      "aria-label": t("cost.ladder", { mean: number(mean, 2), limit: number(limit) }),
      "--used": share(mean),
      "--forecast": share(mean),
      "--limit": share(limit),
    },
    h("i", { class: "used" }),
    h("i", { class: "limit" }),
  );
}

function peakTable({ peaks }) {
  const weighted = peaks.some((peak) => peak.weight !== 100);
  const cells = (peak) => [
    localTime(peak.hour, "hour"),
    quantity(peak.kw, "kW", 2),
    ...(weighted ? [`${number(peak.weight)} %`] : []),
    peak.estimated ? t("cost.estimated") : "",
  ];
  const heads = [t("cost.hour"), t("cost.power"), ...(weighted ? [t("cost.weight")] : []), ""];
  return table(
    t("cost.peaks"),
    heads,
    h(
      "tbody",
      {},
      peaks.map((peak) => row(cells(peak))),
    ),
  );
}

function capacityFacts(capacity) {
  return facts([
    [t("cost.tariff"), `${capacity.tariff} (${t(`rule.${capacity.rule}`)})`],
    [t("cost.month_price"), kroner(capacity.price_nok)],
    [t("cost.billed"), kroner(capacity.billed_price_nok)],
    [
      t("cost.limit"),
      capacity.limit_kw === null
        ? "–"
        : quantity(capacity.limit_kw, capacity.rule === "fuse" ? "A" : "kW", 1),
    ],
    [t("cost.next_price"), kroner(capacity.next_price_nok)],
    [t("cost.headroom"), capacity.headroom_kwh === null ? "–" : quantity(capacity.headroom_kwh, "kWh", 2)],
  ]);
}

const kroner = (nok) => (nok === null || nok === undefined ? "–" : quantity(nok, t("unit.nok"), 2));

function capacityNotes({ estimated, missing }) {
  return [
    estimated && note("info", t("cost.some_estimated")),
    missing > 0 && note("warn", t("cost.missing", { hours: number(missing) })),
  ].filter(Boolean);
}

/** @param {Record<string, any>} meter */
function costParts({ costs, notices }) {
  if (!costs)
    return [
      note("info", t("cost.no_prices"), " ", h("a", { href: "#/settings/prices" }, t("cost.choose_prices"))),
    ];
  const price = costs.price
    ? `${quantity(costs.price.nok_per_kwh * ORE, t("unit.ore_kwh"), 1)}${costs.price.provisional ? ` (${t("cost.provisional")})` : ""}`
    : "–";
  const known = (sum, text) => (hoursKnown(sum) ? text : "–");
  const pair = (text) => [costs.today, costs.month].map((sum) => known(sum, text(sum)));
  const line = (name, key, sign = 1) => row([t(`cost.${name}`), ...pair((sum) => money(sum[key], sign))]);
  const body = h(
    "tbody",
    {},
    line("power_part", "power"),
    line("support", "support", -1),
    line("grid", "grid"),
    ...(costs.month.fee ? [line("fee", "fee")] : []),
    line("export", "export", -1),
    line("total", "total"),
    row([t("cost.imported"), ...pair((sum) => quantity(sum.imported_kwh, "kWh", 1))]),
  );
  const parts = [
    facts([
      [t("cost.area"), costs.area],
      [t("cost.total_now"), perKwh(costs.total_nok_per_kwh) ?? t("cost.total_unknown")],
      [t("cost.price_now"), price],
      ...(costs.month.exported_kwh ? [[t("cost.export_now"), perKwh(costs.export_nok_per_kwh) ?? "–"]] : []),
    ]),
    table(t("cost.costs"), ["", t("cost.today"), t("cost.month")], body),
  ];
  parts.push(...said(notices, (code) => !code.startsWith("tariff_")));
  const unpriced = costs.month.unpriced_kwh;
  if (!hoursKnown(costs.month))
    parts.push(note("info", t(costs.month.hours ? "cost.none_received" : "cost.none_finished")));
  else if (unpriced > 0) parts.push(note("warn", t("cost.unpriced", { kwh: number(unpriced, 1) })));
  else if (!costs.month.complete) parts.push(note("info", t("cost.incomplete")));
  return parts;
}

/** In øre, as Norwegian bills have it. */
const perKwh = (nok) => (nok === null || nok === undefined ? null : quantity(nok * ORE, t("unit.ore_kwh"), 1));

const money = (nok, sign) =>
  nok === null || nok === undefined ? "–" : quantity(nok * sign, t("unit.nok"), 2);

async function monthRows({ live, meterId }, signal) {
  const query = new URLSearchParams({
    period: "month",
    begin: new Date(live.now() - MONTHS * 31 * DAY_MS).toISOString(),
  });
  try {
    return await get(`v1/costs/${encodeURIComponent(meterId)}?${query}`, { signal });
  } catch (error) {
    if (error.status === 404) return []; // no history, or no prices
    throw error;
  }
}

/** The newest month first. */
function monthParts(rows) {
  if (!rows.length) return [h("p", { class: "muted" }, t("cost.no_months"))];
  const cells = (one) => [
    time(seconds(one.t) * 1000 + DAY_MS, "month"),
    quantity(one.imported_kwh, "kWh", 0),
    money(one.total, 1),
    one.complete ? "" : t("cost.partly"),
  ];
  const heads = [t("cost.month_head"), t("cost.imported"), t("cost.total"), ""];
  return [table(t("cost.by_month"), heads, h("tbody", {}, [...rows].reverse().map((one) => row(cells(one)))))];
}

async function priceRows({ live, meterId }, signal) {
  const midnight = live.now() - DAY_MS;
  const query = new URLSearchParams({
    begin: new Date(midnight).toISOString(),
    end: new Date(midnight + 3 * DAY_MS).toISOString(),
  });
  const [spot, kwh] = await Promise.all([
    get(`v1/prices?${query}`, { signal }),
    get(`v1/kwh-prices/${encodeURIComponent(meterId)}`, { signal }),
  ]);
  const totals = new Map((kwh?.prices ?? []).map((one) => [seconds(one.start), one.total]));
  const cheapest = (kwh?.cheapest_hours ?? []).map(seconds);
  return { rows: spot.map((one) => ({ ...one, total: totals.get(seconds(one.t)) ?? null })), cheapest };
}

async function drawPrices(element, text, { rows, cheapest }, { live, signal }) {
  element.replaceChildren();
  element.hidden = !rows.length;
  if (!rows.length) return say(text, t("cost.no_price_rows"));
  const UPlot = await uplot();
  const at = rows.map((price) => seconds(price.t));
  const value = rows.map((price) => price.nok_per_kwh * ORE);
  const total = rows.map((price) => (price.total === null ? null : price.total * ORE));
  const now = live.now() / 1000;
  const line = (name, width) => ({
    paths: UPlot.paths.stepped({ align: 1 }),
    stroke: () => colour(name),
    width,
    points: { show: false },
  });
  const series = [line("muted", 1), line("import", 2)];
  const marked = { hooks: { draw: [(u) => nowLine(u, live.now() / 1000)] } };
  await plot(element, {
    data: [at, value, total],
    series,
    unit: t("unit.ore_kwh"),
    height: 220,
    signal,
    more: marked,
  });
  const next = at.findIndex((begin) => begin > now);
  const price = (index) => quantity(total[index] ?? value[index], t("unit.ore_kwh"), 1);
  const said = [t("cost.lines")];
  if (next >= 0) said.push(t("cost.next", { time: time(at[next] * 1000, "time"), price: price(next) }));
  const ahead = cheapest.filter((begin) => begin + HOUR_S > now).slice(0, CHEAPEST);
  if (ahead.length)
    said.push(t("cost.cheapest", { hours: ahead.sort((a, b) => a - b).map((s) => time(s * 1000, "hour")).join(", ") }));
  say(text, said.join(" "));
}

function nowLine(u, now) {
  const x = u.valToPos(now, "x", true);
  u.ctx.save();
  u.ctx.strokeStyle = colour("export");
  u.ctx.lineWidth = 2;
  u.ctx.setLineDash([4, 4]);
  u.ctx.beginPath();
  u.ctx.moveTo(x, u.bbox.top);
  u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
  u.ctx.stroke();
  u.ctx.restore();
}
