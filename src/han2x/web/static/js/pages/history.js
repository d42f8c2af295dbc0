// History: power from ten seconds on, energy by hour, day, month; zoom, pan, compare, and what is on screen as CSV.

import { get } from "../api.js";
import { download, h, say, set } from "../dom.js";
import { NEVER, now, watch } from "../freshness.js";
import { gestures, keys } from "../gestures.js";
import { icon } from "../icons.js";
import { number, t, time } from "../i18n.js";
import { paint } from "../history_plots.js";
import { columnsOf, csv, earlier, isPower, isUncertain, NARROWEST, RESOLUTIONS, resolutionOf, SPANS } from "../periods.js";
import { choices, seldom } from "../ui.js";

const LOAD_AFTER_MS = 200;
const FOLLOW_MS = 10_000;
/** What ends now is good for three turns of following; energy by the hour moves more slowly. */
const LIMITS = { power: 3 * FOLLOW_MS, energy: 150_000 };
const ENERGY_MS = 60_000;

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const latest = context.live.now();
  const view = { begin: latest - SPANS["6h"], end: latest, wish: "auto", compare: "", follow: true };
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
  const keep = (answer) => void (parts.shown = answer);
  const shown = h("div", { class: "stack" }, h("div", { class: "pair" }, title, reading), chart, legend, summary);
  const painter = drawing({ ...parts, keep, place: watch(shown) }, view, context);
  root.append(
    h("div", { class: "card wide" }, moves(view, painter), shown, wishes(view, painter, parts)),
  );
  parts.chart.addEventListener("dblclick", () => painter.widen(), { signal: context.signal });
  gestures(chart, painter.act, context.signal);
  keys(chart, painter.act, context.signal);
  const follow = seldom(() => painter.follow(), FOLLOW_MS, context.signal);
  context.live.on("tick", () => painter.due() && follow(), context.signal);
  context.live.on("connection", (up) => up && painter.load(), context.signal);
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
  let loaded = NEVER;
  context.signal.addEventListener("abort", () => (clearTimeout(waiting), life.abort()), { once: true });
  const power = () => isPower(resolutionOf(view.end - view.begin, view.wish));

  /** What ends now grows old; what is past is good while the gateway is there. @returns {import("../freshness.js").Bound[]} */
  const bounds = (asked) =>
    view.follow ? [[asked, power() ? LIMITS.power : LIMITS.energy]] : [context.live.link()];

  const painter = {
    moved: () => {},
    show: (span) => look(context.live.now() - span, context.live.now(), true),
    wish: (name) => ((view.wish = name), painter.load()),
    compare: (by) => ((view.compare = by), painter.load()),
    step: (share) => (act.move(share), act.done()),
    scale: (factor) => (act.zoom(factor, 0.5), act.done()),
    widen: () => painter.scale(4),
    toNow: () => painter.show(view.end - view.begin),
    due: () => view.follow && !document.hidden && now() - loaded >= (power() ? FOLLOW_MS : ENERGY_MS),
    follow: () => view.follow && painter.toNow(),
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
    const asked = (loaded = now());
    say(parts.title, rangeText(view));
    const resolution = resolutionOf(view.end - view.begin, view.wish);
    try {
      const [main, other] = await Promise.all([
        fetched(view, resolution, context, mine),
        compared(view, resolution, context, mine),
      ]);
      if (mine.aborted) return;
      parts.keep(main);
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
      if (mine.aborted) return;
      parts.place.show(bounds(asked), () => say(parts.summary, summaryText(main, other, resolution)));
    } catch (error) {
      if (mine.aborted) return;
      parts.chart.replaceChildren();
      parts.place.show([[NEVER, 0]], () => say(parts.summary, error.message));
    }
  }

  return painter;
}

async function fetched({ begin, end }, resolution, { meterId }, signal) {
  const query = new URLSearchParams({ resolution, begin: iso(begin), end: iso(end) });
  return get(`v1/history/${encodeURIComponent(meterId)}?${query}`, { signal });
}

const iso = (ms) => new Date(Math.round(ms)).toISOString();

async function compared(view, resolution, context, signal) {
  if (!view.compare) return null;
  const span = earlier(view.begin, view.end, view.compare);
  return { ...(await fetched(span, resolution, context, signal)), shift: span.shift / 1000 };
}

function rangeText({ begin, end }) {
  const style = end - begin > SPANS["31d"] ? "date" : "hour";
  return `${time(begin, style)} – ${time(end, style)}`;
}

function summaryText(main, other, resolution) {
  if (!main.rows.length) return t("history.nothing");
  const columns = columnsOf(main);
  const text = isPower(resolution) ? powerSummary(columns) : energySummary(columns, other);
  const uncertain = columns.t.some((_, index) => isUncertain(columns, index));
  return uncertain ? `${text} ${t("history.some_uncertain")}` : text;
}

function powerSummary(columns) {
  const known = (name) => columns[name].filter((value) => value !== null);
  const net = known("net_w");
  if (!net.length) return t("history.nothing");
  const mean = net.reduce((sum, watts) => sum + watts, 0) / Math.max(1, net.length);
  return t("history.power_summary", {
    mean: number(mean / 1000, 2),
    low: number(Math.min(...known("low_w")) / 1000, 2),
    high: number(Math.max(...known("high_w")) / 1000, 2),
  });
}

function energySummary(columns, other) {
  const known = (values) => (values ?? []).some((kwh) => kwh !== null);
  if (!known(columns.act_energy_pos_kwh) && !known(columns.act_energy_neg_kwh)) return t("history.nothing");
  const sum = (values) => (values ?? []).reduce((all, kwh) => all + (kwh ?? 0), 0);
  const imported = sum(columns.act_energy_pos_kwh);
  const text = t("history.energy_summary", {
    imported: number(imported, 1),
    exported: number(sum(columns.act_energy_neg_kwh), 1),
  });
  if (!other) return text;
  return `${text} ${t("history.then_summary", { imported: number(sum(columnsOf(other).act_energy_pos_kwh), 1) })}`;
}
