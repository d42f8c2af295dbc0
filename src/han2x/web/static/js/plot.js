// uPlot in our colours and language. Gaps stay gaps: no line is drawn over a time of which nothing is known.

import { currentZone, number, t, time } from "./i18n.js";
import { colour } from "./theme.js";

let library = /** @type {Promise<any> | undefined} */ (undefined);

/** uPlot, fetched when the first plot is drawn. */
export function uplot() {
  library ??= new Promise((resolve, reject) => {
    const style = Object.assign(document.createElement("link"), {
      rel: "stylesheet",
      href: "vendor/uPlot.min.css",
    });
    const script = Object.assign(document.createElement("script"), { src: "vendor/uPlot.iife.min.js" });
    script.onload = () => resolve(/** @type {any} */ (window).uPlot);
    script.onerror = () => {
      library = undefined;
      style.remove();
      script.remove();
      reject(new Error(t("error.unreachable")));
    };
    document.head.append(style, script);
  });
  return library;
}

/** A colour with so much opacity, 0 to 1. @param {string} name @param {number} opacity */
export function faint(name, opacity) {
  const hex = Math.round(opacity * 255)
    .toString(16)
    .padStart(2, "0");
  return colour(name) + hex;
}

const FONT = "12px system-ui, sans-serif";

function axis(more = {}) {
  return {
    stroke: () => colour("muted"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    font: FONT,
    ...more,
  };
}

/**
 * A plot over time that fills an element, follows its size and the colours, and ends with the signal.
 * @param {HTMLElement} element
 * @param {{data: any[], series: any[], unit: string, digits?: number, height?: number, signal: AbortSignal,
 *   zoomed?: (from: number, to: number) => void, range?: any, more?: Record<string, any>, ticks?: string}} wanted
 */
export async function plot(
  element,
  { data, series, unit, digits = 1, height = 300, signal, zoomed, range, more = {} },
) {
  const UPlot = await uplot();
  if (signal.aborted) return null;
  const options = {
    width: element.clientWidth || 300,
    height,
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), currentZone()),
    series: [{}, ...series],
    axes: [
      axis({
        values: (_, ticks, __, ___, step) => ticks.map((tick) => time(tick * 1000, tickStyle(step))),
        space: 80,
        size: 34,
      }),
      axis({
        values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : number(tick, decimals(ticks)))),
        size: 56,
        label: unit,
        labelFont: FONT,
        labelSize: 18,
      }),
    ],
    scales: { x: { time: true, ...(range ? { range } : {}) }, y: { range: fromZero } },
    legend: { show: false },
    cursor: { drag: { x: Boolean(zoomed), y: false, setScale: false }, y: false, points: { size: 7 } },
    ...more,
    hooks: { setSelect: [selected(zoomed)], ...more.hooks },
  };
  const chart = new UPlot(options, data, element);
  const sized = new ResizeObserver(
    () => element.clientWidth && chart.setSize({ width: element.clientWidth, height }),
  );
  sized.observe(element);
  const redraw = () => chart.redraw(false);
  document.addEventListener("themechange", redraw, { signal });
  signal.addEventListener("abort", () => (sized.disconnect(), chart.destroy()), { once: true });
  return chart;
}

/** Zero is always in sight, so that twice as high is twice as much. */
const fromZero = (_, low, high) => [Math.min(0, low) * 1.08, Math.max(0, high) * 1.08 || 1];

/** Zooms when uPlot is done with the mouse: this chart is gone then. */
const selected = (zoomed) => (u) => {
  const { left, width } = u.select;
  if (width <= 4 || !zoomed) return;
  const [from, to] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
  setTimeout(() => zoomed(from, to), 0);
};

const tickStyle = (step) =>
  step < 60 ? "seconds" : step < 86_400 ? "time" : step < 2_419_200 ? "shortday" : "shortmonth";

function decimals(ticks) {
  const steps = ticks.filter((tick) => tick !== null);
  const step = steps.length > 1 ? Math.abs(steps[1] - steps[0]) : 1;
  return (
    [0, 1, 2].find((digits) => Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) < 1e-6) ?? 3
  );
}

/** Marks a gap (null) wherever two neighbours are further apart than `limit` seconds. @param {number[]} times @param {any[][]} columns @param {number} limit */
export function withGaps(times, columns, limit) {
  const at = [];
  const out = columns.map(() => []);
  times.forEach((moment, index) => {
    if (index && moment - times[index - 1] > limit) {
      at.push(times[index - 1] + limit / 2);
      for (const column of out) column.push(null);
    }
    at.push(moment);
    columns.forEach((column, which) => out[which].push(column[index] ?? null));
  });
  return [at, ...out];
}
