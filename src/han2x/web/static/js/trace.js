// The trace of the last half hour: what history has of it, and each reading since; never longer than that.

import { get } from "./api.js";
import { h, say, set, svg } from "./dom.js";
import { quantity, t } from "./i18n.js";

const TRACE_MS = 30 * 60_000;
const TRACE_MOST = 1000;
const GAP_MS = 30_000;
const WIDE = 300;

/** @typedef {[number, number | null][]} Points moments in ms and watts; null where nothing is known */

/** The last half hour, as far as history has it. @param {import("./app.js").Context} context @returns {Promise<Points>} */
export async function recent({ meterId, live, signal }) {
  const end = live.now();
  const query = new URLSearchParams({
    resolution: "10s",
    begin: new Date(end - TRACE_MS).toISOString(),
    end: new Date(end).toISOString(),
  });
  try {
    const { columns, rows } = await get(`v1/history/${encodeURIComponent(meterId)}?${query}`, { signal });
    const [at, net] = [columns.indexOf("t"), columns.indexOf("net_w")];
    return rows.map((row) => [moment(row[at]), row[net]]);
  } catch {
    return [];
  }
}

const moment = (value) => (typeof value === "number" ? value * 1000 : Date.parse(value));

/** Puts what history has in the place of what was there; readings that are newer stay. @param {Points} trace @param {Points} past */
export function refill(trace, past) {
  const end = past.at(-1)?.[0] ?? -Infinity;
  trace.splice(0, trace.length, ...past, ...trace.filter(([at]) => at > end));
}

/** Adds a reading, and forgets what is too old. @param {Points} trace @param {number} at @param {number | null} net */
export function remember(trace, at, net) {
  trace.push([at, net]);
  while (trace.length > TRACE_MOST || trace[0]?.[0] < at - TRACE_MS) trace.shift();
}

/** The drawing, and what lies between its lowest and highest. */
export function traceView() {
  const line = svg("path", { class: "trace-line" });
  const area = svg("path", { class: "trace-area" });
  const zero = svg("line", { class: "trace-zero", x1: 0, x2: WIDE });
  const extremes = h("p", { class: "muted small" });
  const box = { viewBox: `0 0 ${WIDE} 80`, preserveAspectRatio: "none", role: "img" };
  const drawing = svg("svg", { class: "trace", ...box, "aria-label": t("now.trace") }, area, zero, line);

  /** @param {Points} points @param {number} now */
  function draw(points, now) {
    const known = points.filter(([, watts]) => watts !== null).map(([, watts]) => watts);
    drawing.style.display = known.length > 2 ? "" : "none";
    if (known.length <= 2) return say(extremes, "");
    const [lowest, highest] = [Math.min(...known), Math.max(...known)];
    const [bottom, top] = [Math.min(0, lowest), Math.max(100, highest)];
    const x = (at) => WIDE * (1 - (now - at) / TRACE_MS);
    const y = (watts) => 76 - (72 * (watts - bottom)) / (top - bottom);
    set(line, { d: lines(points, x, y) });
    set(area, { d: areas(points, x, y) });
    set(zero, { y1: y(0), y2: y(0) });
    say(extremes, t("now.extremes", { low: quantity(lowest, "W"), high: quantity(highest, "W") }));
  }

  return { elements: [drawing, extremes], draw };
}

/** Runs of points without a gap. @param {[number, number | null][]} points */
function runs(points) {
  const all = [];
  let run = /** @type {[number, number][]} */ ([]);
  for (const [at, watts] of points) {
    if (watts === null || (run.length && at - run[run.length - 1][0] > GAP_MS)) {
      if (run.length) all.push(run);
      run = [];
    }
    if (watts !== null) run.push([at, watts]);
  }
  return run.length ? [...all, run] : all;
}

const coordinates = (run, x, y) =>
  run.map(([at, watts]) => `${x(at).toFixed(1)} ${y(watts).toFixed(1)}`).join("L");
const lines = (points, x, y) =>
  runs(points)
    .map((run) => `M${coordinates(run, x, y)}`)
    .join("");

function areas(points, x, y) {
  const base = y(0).toFixed(1);
  const closed = (run) => {
    const [begin, end] = [run[0][0], run[run.length - 1][0]].map((at) => x(at).toFixed(1));
    return `M${begin} ${base}L${coordinates(run, x, y)}L${end} ${base}Z`;
  };
  return runs(points).map(closed).join("");
}
