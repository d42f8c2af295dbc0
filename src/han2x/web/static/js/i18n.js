// Texts from the catalogues, and numbers and dates as the chosen language writes them.

export const LANGUAGES = { nb: "Norsk", en: "English" };
const LOCALES = { nb: "nb-NO", en: "en-GB" };
const KEPT = "han2x-language";
const ANSWER_MS = 20_000;

/** What is said before a catalogue could be loaded. */
const BUILT_IN = {
  nb: { "error.unreachable": "Enheten kan ikke nås. Prøver igjen." },
  en: { "error.unreachable": "The gateway cannot be reached. Trying again." },
};

/** @type {Record<string, string>} */
let texts = BUILT_IN[preferredLanguage()];
let language = preferredLanguage();
let zone = /** @type {string | undefined} */ (undefined);

/** Loads the catalogue of a language. @param {string} code */
export async function useLanguage(code) {
  if (code === language && texts !== BUILT_IN[code]) return;
  const signal = AbortSignal.timeout(ANSWER_MS);
  const response = await fetch(`locales/${code}.json`, { signal }).catch(() => null);
  if (!response?.ok) throw new Error(t("error.unreachable"));
  texts = await response.json();
  language = code;
  document.documentElement.lang = code;
}

/** Keeps a choice of language on this device. @param {string} code */
export const keepLanguage = (code) => localStorage.setItem(KEPT, code);

/** The language of this device's choice, the gateway's, or the browser's, in this order. @param {string | null} [settled] */
export function preferredLanguage(settled = null) {
  const asked = [localStorage.getItem(KEPT), settled, ...navigator.languages.map(norwegian)];
  return asked.find((code) => code && code in LANGUAGES) ?? "en";
}

function norwegian(tag) {
  return /^(nb|nn|no)\b/i.test(tag) ? "nb" : tag.slice(0, 2).toLowerCase();
}

export const currentLanguage = () => language;

/** Which time zone local times are shown in; the site's. @param {string} name */
export function useZone(name) {
  zone = name;
}

export const currentZone = () => zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * The text of a key, with `{name}` filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [parameters]
 */
export function t(key, parameters = {}) {
  return fillIn(texts[key] ?? key, parameters);
}

/** The text of a key, or another where the catalogue has none. @param {string} key @param {string} other @param {Record<string, any>} [parameters] */
export function tOr(key, other, parameters = {}) {
  return key in texts ? fillIn(texts[key], parameters) : other;
}

const fillIn = (text, parameters) =>
  text.replace(/\{(\w+)\}/g, (whole, name) => String(parameters[name] ?? whole));

/** A key that ends in `.one` or `.other`, by what the language asks for. @param {string} key @param {number} count */
export function plural(key, count) {
  const rule = new Intl.PluralRules(LOCALES[language]).select(count);
  return t(`${key}.${rule === "one" ? "one" : "other"}`, { count: number(count) });
}

/** A number with so many decimals; an en dash where there is none. @param {number | null | undefined} value @param {number} [digits] */
export function number(value, digits = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return numberFormat(digits).format(value === 0 ? 0 : value);
}

const formats = new Map();

function numberFormat(digits) {
  return remembered(
    `n${digits}`,
    () =>
      new Intl.NumberFormat(LOCALES[language], {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }),
  );
}

function remembered(key, make) {
  const name = `${language} ${zone} ${key}`;
  if (!formats.has(name)) formats.set(name, make());
  return formats.get(name);
}

const SAID = "said.";

/**
 * A sentence of the gateway in the chosen language: the catalogue has it by the English one, with its values in braces.
 * What none fits stays as it is; of several joined by a dot each is looked for.
 * @param {string} text @returns {string}
 */
export function said(text) {
  for (const [sentence, pattern] of remembered(SAID, sentences)) {
    const found = text.match(pattern);
    if (found) return tOr(`said.${sentence}`, text, valuesOf(found.groups ?? {}));
  }
  const parts = text.split(" · ");
  return parts.length > 1 ? parts.map(said).join(" · ") : text;
}

/** The longest first: it says most of what it fits. @returns {[string, RegExp][]} */
function sentences() {
  const known = Object.keys(texts).filter((key) => key.startsWith(SAID));
  return known
    .map((key) => key.slice(SAID.length))
    .sort((one, other) => other.length - one.length)
    .map((sentence) => [sentence, fitting(sentence)]);
}

/** Only a reason (`why`) has a colon and more after it. */
function fitting(sentence) {
  const escaped = sentence.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\{why\}/g, "(?<why>.+?)").replace(/\{(\w+)\}/g, "(?<$1>(?:(?!: ).)+?)")}$`);
}

/** A reason within a sentence is one itself. */
const valuesOf = (groups) => ({ ...groups, ...(groups.why && { why: said(groups.why) }) });

/** A name with a capital letter. @param {string | null | undefined} name */
export const capital = (name) => (name ? name.charAt(0).toUpperCase() + name.slice(1) : "");

/** A number and its unit. @param {number | null | undefined} value @param {string} unit @param {number} [digits] */
export const quantity = (value, unit, digits = 0) => `${number(value, digits)}\u202f${unit}`;

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const STYLES = {
  time: { hour: "2-digit", minute: "2-digit" },
  seconds: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  day: { weekday: "short", day: "numeric", month: "short" },
  date: { day: "numeric", month: "short", year: "numeric" },
  hour: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  moment: {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  },
  month: { month: "long", year: "numeric" },
  shortday: { day: "numeric", month: "short" },
  shortmonth: { month: "short", year: "2-digit" },
  year: { year: "numeric" },
};

/** A moment in the site's time zone. @param {string | number | Date | null | undefined} moment @param {keyof typeof STYLES} style */
export function time(moment, style) {
  if (moment === null || moment === undefined) return "–";
  const format = remembered(
    `d${style}`,
    () => new Intl.DateTimeFormat(LOCALES[language], { ...STYLES[style], timeZone: zone }),
  );
  return format.format(new Date(moment));
}

/** A local time without an offset (a meter's clock), as it stands. @param {string | null | undefined} local @param {keyof typeof STYLES} style */
export function localTime(local, style) {
  if (!local) return "–";
  const bare = local.replace(/(Z|[+-]\d\d:?\d\d)$/, "");
  const format = remembered(
    `l${style}`,
    () => new Intl.DateTimeFormat(LOCALES[language], { ...STYLES[style], timeZone: "UTC" }),
  );
  return format.format(new Date(`${bare}Z`));
}

/** A span of seconds in one or two units: 2 s, 3 min, 5 h 12 min. @param {number | null | undefined} seconds */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.max(0, Math.floor(seconds));
  if (s < 120) return t("span.s", { s });
  if (s < 7200) return t("span.min", { min: Math.floor(s / 60) });
  if (s < 172_800) return t("span.h", { h: Math.floor(s / 3600), min: Math.floor((s % 3600) / 60) });
  return t("span.d", { d: Math.floor(s / 86_400), h: Math.floor((s % 86_400) / 3600) });
}
