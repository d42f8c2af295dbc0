// What history shows of a span of time: which resolution, which columns, and the same span of another time. Pure.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Resolutions, finest first: length of a period in ms, and the widest span that is drawn in it (a few thousand periods). */
export const RESOLUTIONS = {
  "10s": { length: 10_000, widest: 12 * HOUR },
  minute: { length: MINUTE, widest: 4 * DAY },
  hour: { length: HOUR, widest: 190 * DAY },
  day: { length: DAY, widest: 12 * 366 * DAY },
  week: { length: 7 * DAY, widest: 80 * 366 * DAY },
  month: { length: 30.4 * DAY, widest: Infinity },
  year: { length: 365.25 * DAY, widest: Infinity },
};

/** Where each resolution is chosen by itself: up to so wide a span. */
const BY_ITSELF = /** @type {[string, number][]} */ ([
  ["10s", 6.1 * HOUR],
  ["minute", 2.1 * DAY],
  ["hour", 32 * DAY],
  ["day", 200 * DAY],
  ["month", 12 * 366 * DAY],
  ["year", Infinity],
]);

/** Spans that one can choose. */
export const SPANS = {
  "1h": HOUR,
  "6h": 6 * HOUR,
  "1d": DAY,
  "7d": 7 * DAY,
  "31d": 31 * DAY,
  "1y": 366 * DAY,
  "10y": 3660 * DAY,
};

export const NARROWEST = 2 * MINUTE;

/** The resolution of a span; a wish is heard as far as it can be drawn. @param {number} span ms @param {string} [wish] @returns {string} */
export function resolutionOf(span, wish = "auto") {
  const drawn = RESOLUTIONS[wish] && span <= RESOLUTIONS[wish].widest;
  return drawn ? wish : BY_ITSELF.find(([, widest]) => span <= widest)[0];
}

/** Whether a resolution has means of power, not sums of energy. @param {string} resolution */
export const isPower = (resolution) => resolution === "10s" || resolution === "minute";

/** Whether a row may be of another time, as no clock could be trusted. @param {Record<string, any[]>} columns @param {number} index */
export const isUncertain = (columns, index) =>
  columns.basis?.[index] === "uncertain" || columns.hours_uncertain?.[index] > 0 || columns.sure?.[index] === 0;

/** A moment of the API (ISO 8601 or Unix seconds) in seconds. @param {string | number} value */
export const seconds = (value) => (typeof value === "number" ? value : Date.parse(value) / 1000);

/**
 * Columns of an answer by their names.
 * @param {{columns: string[], rows: any[][]}} answer
 * @returns {Record<string, any[]>}
 */
export function columnsOf({ columns, rows }) {
  const by = Object.fromEntries(columns.map((name, index) => [name, rows.map((row) => row[index])]));
  return { ...by, t: by.t.map(seconds), ...(by.end ? { end: by.end.map(seconds) } : {}) };
}

const MEASURED = new Set(["metered", "imported"]);

/** Whether a row of sums rests on anything but the meter's registers, or lacks hours. @param {Record<string, any[]>} columns @param {number} index */
export function isEstimated(columns, index) {
  const count = (name) => columns[name]?.[index] ?? 0;
  if (columns.basis) return !MEASURED.has(columns.basis[index]);
  return count("hours_spread") + count("hours_estimated") + count("hours_uncertain") + count("missing") > 0;
}

/** A span as long, earlier. @param {number} begin @param {number} end @param {string} by "before" or "year" */
export function earlier(begin, end, by) {
  if (by === "before") return { begin: begin - (end - begin), end: begin, shift: end - begin };
  const shift = 364 * DAY; // the same weekdays
  return { begin: begin - shift, end: end - shift, shift };
}

/** CSV as spreadsheets read it. @param {{columns: string[], rows: any[][]}} answer */
export function csv({ columns, rows }) {
  const at = new Set(["t", "end"].map((name) => columns.indexOf(name)));
  const cell = (value, index) =>
    value === null || value === undefined
      ? ""
      : at.has(index)
        ? new Date(seconds(value) * 1000).toISOString()
        : String(value);
  return [columns.join(","), ...rows.map((row) => row.map(cell).join(","))].join("\r\n") + "\r\n";
}

/** Whether anything is known of the hours that a sum is of: else it is no zero. @param {{hours: number, missing: number}} sum */
export const hoursKnown = ({ hours, missing }) => hours > missing;
