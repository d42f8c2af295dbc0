// History: power from ten seconds on, energy by hour, day, month; zoom, pan, compare, and what is on screen as CSV.

import { get } from "../api.js";
import { download, h, say, set } from "../dom.js";
import { gestures, keys } from "../gestures.js";
import { icon } from "../icons.js";
import { number, quantity, t, time } from "../i18n.js";
import {
  columnsOf,
  csv,
  earlier,
  isEstimated,
  isPower,
  NARROWEST,
  RESOLUTIONS,
  resolutionOf,
  SPANS,
} from "../periods.js";
import { faint, plot, uplot, withGaps } from "../plot.js";
import { colour } from "../theme.js";
import { choices, seldom } from "../ui.js";

const LOAD_AFTER_MS = 200;
const FOLLOW_MS = 10_000;
const HEIGHT = 340;

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const now = context.live.now();
  const view = { begin: now - SPANS["6h"], end: now, wish: "auto", compare: "", follow: true };
  const chart = h("div", {
    class: "plot",
    tabindex: "0",
    role: "application",
    "aria-label": t("history.plot"),
  });
  const summary = h("p", { class: "summary", role: "status", "aria-live": "polite", id: "summary" });
  const reading = h("p", { class: "reading", id: "reading" });
  const title = h("p", { class: "range", id: "range" });
  const legend = h("ul", { class: "legend" });
  const parts = { chart, summary, reading, title, legend, shown: /** @type {any} */ (null) };
  const painter = drawing(parts, view, context);
  root.append(
    h(
      "div",
      { class: "card wide" },
      moves(view, painter),
      h("div", { class: "pair" }, title, reading),
      chart,
      legend,
      summary,
      wishes(view, painter, parts),
    ),
  );
  parts.chart.addEventListener("dblclick", () => painter.widen(), { signal: context.signal });
  gestures(chart, painter.act, context.signal);
  keys(chart, painter.act, context.signal);
  const follow = seldom(() => painter.follow(), FOLLOW_MS, context.signal);
  context.live.on("meter", (meter) => meter.name === context.meterName && follow(), context.signal);
  await painter.load();
}

/** Where in time, and how much of it. */
function moves(view, painter) {
  const spans = choices(
    t("history.span"),
    Object.keys(SPANS).map((name) => [name, t(`span_name.${name}`)]),
    "6h",
    (name) => painter.show(SPANS[name]),
  );
  painter.moved = () =>
    spans.mark(Object.keys(SPANS).find((name) => SPANS[name] === view.end - view.begin) ?? "");
  return h(
    "div",
    { class: "controls" },
    spans.element,
    h(
      "div",
      { class: "row" },
      tool("left", t("history.back"), () => painter.step(-0.5)),
      tool("right", t("history.forward"), () => painter.step(0.5)),
      tool("plus", t("history.zoom_in"), () => painter.scale(0.5)),
      tool("minus", t("history.zoom_out"), () => painter.scale(2)),
      h("button", { type: "button", onclick: () => painter.toNow() }, t("history.now")),
    ),
  );
}

/** By which periods, beside what, and as a file. */
function wishes(view, painter, parts) {
  const resolutions = h(
    "select",
    { id: "resolution", onchange: (event) => painter.wish(event.target.value) },
    ["auto", ...Object.keys(RESOLUTIONS)].map((name) =>
      h("option", { value: name }, t(`resolution.${name}`)),
    ),
  );
  const compare = h(
    "select",
    { id: "compare", onchange: (event) => painter.compare(event.target.value) },
    ["", "before", "year"].map((name) => h("option", { value: name }, t(`compare.${name || "none"}`))),
  );
  const save = () => parts.shown && download(fileName(view), csv(parts.shown), "text/csv");
  return h(
    "div",
    { class: "row" },
    h("label", {}, t("history.by"), " ", resolutions),
    h("label", {}, t("history.compare"), " ", compare),
    h("button", { type: "button", id: "csv", onclick: save }, t("history.csv")),
  );
}

const tool = (name, label, act) =>
  h("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick: act }, icon(name));

const fileName = ({ begin, end }) =>
  `han2x-${new Date(begin).toISOString().slice(0, 16)}-${new Date(end).toISOString().slice(0, 16)}.csv`.replaceAll(
    ":",
    "",
  );

/** Holds what is looked at, fetches it and draws it. */
function drawing(parts, view, context) {
  let drawn = /** @type {any} */ (null);
  let life = new AbortController();
  let waiting = 0;
  context.signal.addEventListener("abort", () => (clearTimeout(waiting), life.abort()), { once: true });

  const painter = {
    moved: () => {},
    show: (span) => look(context.live.now() - span, context.live.now(), true),
    wish: (name) => ((view.wish = name), painter.load()),
    compare: (by) => ((view.compare = by), painter.load()),
    step: (share) => (act.move(share), act.done()),
    scale: (factor) => (act.zoom(factor, 0.5), act.done()),
    widen: () => painter.scale(4),
    toNow: () => painter.show(view.end - view.begin),
    follow: () =>
      view.follow &&
      !document.hidden &&
      resolutionOf(view.end - view.begin, view.wish) !== "hour" &&
      painter.toNow(),
    load,
    act: /** @type {any} */ (null),
  };

  function look(begin, end, follow = false) {
    const latest = context.live.now();
    const span = Math.max(NARROWEST, Math.min(end - begin, SPANS["10y"]));
    const last = Math.min(end, latest + span / 10);
    Object.assign(view, { begin: last - span, end: last, follow });
    painter.moved();
    return load();
  }

  const act = (painter.act = {
    move(share) {
      const by = (view.end - view.begin) * share;
      const latest = context.live.now() - view.end;
      slide(Math.min(by, Math.max(0, latest)), Math.min(by, Math.max(0, latest)));
    },
    zoom(factor, share) {
      const span = view.end - view.begin;
      const wider = Math.max(NARROWEST, Math.min(span * factor, SPANS["10y"]));
      slide((span - wider) * share, (wider - span) * (1 - share));
    },
    done() {
      clearTimeout(waiting);
      waiting = setTimeout(() => void look(view.begin, view.end), LOAD_AFTER_MS);
    },
  });

  function slide(begin, end) {
    view.begin += begin;
    view.end += end;
    drawn?.setScale("x", { min: view.begin / 1000, max: view.end / 1000 });
    say(parts.title, rangeText(view));
  }

  async function load() {
    life.abort();
    life = new AbortController();
    const mine = life.signal;
    say(parts.title, rangeText(view));
    const resolution = resolutionOf(view.end - view.begin, view.wish);
    try {
      const [main, other] = await Promise.all([
        fetched(view, resolution, context, mine),
        compared(view, resolution, context, mine),
      ]);
      if (mine.aborted) return;
      parts.shown = main;
      parts.chart.replaceChildren();
      set(parts.chart, { "data-resolution": resolution, "data-rows": main.rows.length });
      drawn = await paint(parts, {
        main,
        other,
        resolution,
        view,
        signal: mine,
        zoomed: (from, to) => look(from * 1000, to * 1000),
      });
      say(parts.summary, summaryText(main, other, resolution));
    } catch (error) {
      if (mine.aborted) return;
      parts.chart.replaceChildren();
      say(parts.summary, error.message);
    }
  }

  return painter;
}

async function fetched({ begin, end }, resolution, { meterName }, signal) {
  const query = new URLSearchParams({ resolution, begin: iso(begin), end: iso(end) });
  return get(`v1/history/${meterName}?${query}`, { signal });
}

const iso = (ms) => new Date(Math.round(ms)).toISOString();

async function compared(view, resolution, context, signal) {
  if (!view.compare) return null;
  const span = earlier(view.begin, view.end, view.compare);
  return { ...(await fetched(span, resolution, context, signal)), shift: span.shift / 1000 };
}

const paint = (parts, wanted) => (isPower(wanted.resolution) ? paintPower : paintEnergy)(parts, wanted);

const range = (view) => () => [view.begin / 1000, view.end / 1000];

async function paintPower(parts, { main, other, resolution, view, signal, zoomed }) {
  const columns = columnsOf(main);
  const gap = (RESOLUTIONS[resolution].length / 1000) * 3;
  const kilo = (name) => (columns[name] ?? []).map((watts) => (watts === null ? null : watts / 1000));
  let data = withGaps(columns.t, [kilo("high_w"), kilo("low_w"), kilo("net_w")], gap);
  const series = [
    { stroke: null, width: 0, points: { show: false } },
    { stroke: null, width: 0, points: { show: false } },
    { stroke: () => colour("import"), width: 1.5, points: { show: false } },
  ];
  if (other) {
    const before = columnsOf(other);
    const shifted = withGaps(
      before.t.map((at) => at + other.shift),
      [(before.net_w ?? []).map((watts) => (watts === null ? null : watts / 1000))],
      gap,
    );
    data = (await uplot()).join(
      [data, shifted],
      [
        [1, 2, 2, 2],
        [1, 2],
      ],
    );
    series.push({ stroke: () => colour("compare"), width: 1.5, dash: [6, 4], points: { show: false } });
  }
  legendOf(parts.legend, [
    ["import", t("legend.net")],
    ["band", t("legend.range")],
    ...(other ? [["compare", t("legend.compare")]] : []),
  ]);
  const bands = [{ series: [1, 2], fill: () => faint("import", 0.18) }];
  return plot(parts.chart, {
    data,
    series,
    unit: "kW",
    height: HEIGHT,
    signal,
    zoomed,
    range: range(view),
    more: { bands, hooks: { setCursor: [(u) => say(parts.reading, powerAt(u, resolution))] } },
  });
}

function powerAt(u, resolution) {
  const index = u.cursor.idx;
  const value = index === null || index === undefined ? null : u.data[3][index];
  if (value === null || value === undefined) return "";
  const before = u.data[4]?.[index];
  const text = `${time(u.data[0][index] * 1000, resolution === "10s" ? "seconds" : "hour")}: ${quantity(value, "kW", 2)} (${number(u.data[2][index], 2)}–${number(u.data[1][index], 2)})`;
  return before === null || before === undefined
    ? text
    : `${text} · ${t("history.then")} ${quantity(before, "kW", 2)}`;
}

async function paintEnergy(parts, { main, other, resolution, view, signal, zoomed }) {
  const UPlot = await uplot();
  const columns = columnsOf(main);
  const middle = columns.t.map(
    (begin, index) => (begin + (columns.end?.[index] ?? begin + RESOLUTIONS[resolution].length / 1000)) / 2,
  );
  const imported = columns.act_energy_pos_kwh ?? [];
  const exported = (columns.act_energy_neg_kwh ?? []).map((kwh) => (kwh ? -kwh : null));
  const estimated = imported.map((_, index) => isEstimated(columns, index));
  const pick = (values, wanted) => values.map((value, index) => (estimated[index] === wanted ? value : null));
  const size = { size: [other ? 0.4 : 0.8, 60], align: other ? -1 : 0 };
  const bars = UPlot.paths.bars(size);
  const solid = (name) => ({
    paths: bars,
    fill: () => colour(name),
    stroke: () => colour(name),
    width: 0,
    points: { show: false },
  });
  const outlined = (name) => ({
    paths: bars,
    fill: () => faint(name, 0.2),
    stroke: () => colour(name),
    width: 1,
    dash: [3, 3],
    points: { show: false },
  });
  let data = [
    middle,
    pick(imported, false),
    pick(imported, true),
    pick(exported, false),
    pick(exported, true),
  ];
  const series = [solid("import"), outlined("import"), solid("export"), outlined("export")];
  if (other) {
    const before = columnsOf(other);
    const then = before.t.map((begin, index) => (begin + (before.end?.[index] ?? begin)) / 2 + other.shift);
    data = UPlot.join([data, [then.map((at) => nearest(middle, at)), before.act_energy_pos_kwh ?? []]]);
    series.push({ ...solid("compare"), paths: UPlot.paths.bars({ size: [0.4, 60], align: 1 }) });
  }
  legendOf(parts.legend, [
    ["import", t("legend.import")],
    ["export", t("legend.export")],
    ["estimate", t("legend.estimate")],
    ...(other ? [["compare", t("legend.compare")]] : []),
  ]);
  const rows = { columns, resolution };
  return plot(parts.chart, {
    data,
    series,
    unit: "kWh",
    height: HEIGHT,
    signal,
    zoomed,
    range: range(view),
    more: { hooks: { setCursor: [(u) => say(parts.reading, energyAt(u, rows))] } },
  });
}

/** The moment of a list that is closest, if it is within half an hour; so bars of two years stand side by side. */
function nearest(moments, at) {
  const found = moments.find((moment) => Math.abs(moment - at) < 1800);
  return found ?? at;
}

function energyAt(u, { columns, resolution }) {
  const index = u.cursor.idx;
  if (index === null || index === undefined) return "";
  const at = u.data[0][index];
  const row = columns.t.findIndex((begin, which) => begin <= at && at < (columns.end?.[which] ?? Infinity));
  if (row < 0) return "";
  const parts = [quantity(columns.act_energy_pos_kwh[row], "kWh", 2)];
  if (columns.act_energy_neg_kwh?.[row])
    parts.push(`${t("legend.export")} ${quantity(columns.act_energy_neg_kwh[row], "kWh", 2)}`);
  if (isEstimated(columns, row)) parts.push(t("history.estimated"));
  if (columns.missing?.[row]) parts.push(t("history.missing", { hours: number(columns.missing[row]) }));
  return `${periodText(columns.t[row], resolution)}: ${parts.join(" · ")}`;
}

const STYLES = { hour: "hour", day: "day", week: "day", month: "month", year: "year" };
const periodText = (begin, resolution) => time(begin * 1000, STYLES[resolution] ?? "hour");

const rangeText = ({ begin, end }) =>
  `${time(begin, "hour")} – ${time(end, end - begin > 200 * 86_400_000 ? "date" : "hour")}`;

function legendOf(list, entries) {
  list.replaceChildren(
    ...entries.map(([name, text]) =>
      h("li", {}, h("i", { class: `swatch ${name}`, "aria-hidden": "true" }), text),
    ),
  );
}

function summaryText(main, other, resolution) {
  if (!main.rows.length) return t("history.nothing");
  const columns = columnsOf(main);
  if (!isPower(resolution)) return energySummary(columns, other);
  const known = (name) => columns[name].filter((value) => value !== null);
  const net = known("net_w");
  const mean = net.reduce((sum, watts) => sum + watts, 0) / Math.max(1, net.length);
  return t("history.power_summary", {
    mean: number(mean / 1000, 2),
    low: number(Math.min(...known("low_w")) / 1000, 2),
    high: number(Math.max(...known("high_w")) / 1000, 2),
  });
}

function energySummary(columns, other) {
  const sum = (values) => (values ?? []).reduce((all, kwh) => all + (kwh ?? 0), 0);
  const imported = sum(columns.act_energy_pos_kwh);
  const text = t("history.energy_summary", {
    imported: number(imported, 1),
    exported: number(sum(columns.act_energy_neg_kwh), 1),
  });
  if (!other) return text;
  return `${text} ${t("history.then_summary", { imported: number(sum(columnsOf(other).act_energy_pos_kwh), 1) })}`;
}
