// How history is drawn: power as a line within its lowest and highest, energy as bars; what is estimated is outlined.

import { h, say } from "./dom.js";
import { number, quantity, t, time } from "./i18n.js";
import { columnsOf, isEstimated, isPower, isUncertain, RESOLUTIONS } from "./periods.js";
import { faint, plot, uplot, withGaps } from "./plot.js";
import { colour } from "./theme.js";

const HEIGHT = 340;

/** Draws an answer into the page's parts, beside another one where two times are compared. */
export const paint = (parts, wanted) =>
  (isPower(wanted.resolution) ? paintPower : paintEnergy)(parts, wanted);

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
    more: { bands, hooks: { setCursor: [(u) => say(parts.reading, powerAt(u, columns, resolution))] } },
  });
}

function powerAt(u, columns, resolution) {
  const index = u.cursor.idx;
  const value = index === null || index === undefined ? null : u.data[3][index];
  if (value === null || value === undefined) return "";
  const before = u.data[4]?.[index];
  const parts = [
    `${time(u.data[0][index] * 1000, resolution === "10s" ? "seconds" : "hour")}: ${quantity(value, "kW", 2)} (${number(u.data[2][index], 2)}–${number(u.data[1][index], 2)})`,
  ];
  if (isUncertain(columns, columns.t.indexOf(u.data[0][index]))) parts.push(t("history.uncertain"));
  if (before !== null && before !== undefined)
    parts.push(`${t("history.then")} ${quantity(before, "kW", 2)}`);
  return parts.join(" · ");
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
  if (isUncertain(columns, row)) parts.push(t("history.uncertain"));
  else if (isEstimated(columns, row)) parts.push(t("history.estimated"));
  if (columns.missing?.[row]) parts.push(t("history.missing", { hours: number(columns.missing[row]) }));
  return `${periodText(columns.t[row], resolution)}: ${parts.join(" · ")}`;
}

const STYLES = { hour: "hour", day: "day", week: "day", month: "month", year: "year" };
const periodText = (begin, resolution) => time(begin * 1000, STYLES[resolution] ?? "hour");

function legendOf(list, entries) {
  list.replaceChildren(
    ...entries.map(([name, text]) =>
      h("li", {}, h("i", { class: `swatch ${name}`, "aria-hidden": "true" }), text),
    ),
  );
}
