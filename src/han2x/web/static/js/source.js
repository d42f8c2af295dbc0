// Trying a source: what comes in, octet by octet and telegram by telegram, until it is known who speaks or time is out.

import { get, streamed } from "./api.js";
import { h, newId, say, set } from "./dom.js";
import { capital, number, said, t, tOr } from "./i18n.js";
import { icon } from "./icons.js";

const SECONDS = 30;

/** The headline of a verdict. @param {{verdict: string, text: string}} diagnosis */
export const verdictText = (diagnosis) => tOr(`verdict.${diagnosis.verdict}.text`, diagnosis.text);

/** What to do next. @param {{verdict: string, next: string}} diagnosis */
export const verdictNext = (diagnosis) =>
  tOr(`verdict.${diagnosis.verdict}.next`, diagnosis.next, { next: said(diagnosis.next) });

const MOODS = {
  good: "good",
  waiting: "info",
  silent: "bad",
  "no-source": "bad",
  damaged: "bad",
  "no-frames": "bad",
  "silent-bridge": "bad",
  "silent-feed": "bad",
  "damaged-bridge": "bad",
  "damaged-feed": "bad",
  "no-frames-bridge": "bad",
  "no-frames-feed": "bad",
};

/** How bad a verdict is. @param {string} verdict @returns {"good" | "info" | "warn" | "bad"} */
export const mood = (verdict) => MOODS[verdict] ?? "warn";

/** A place that shows a trial as it goes. */
export function trial() {
  const octets = h("b", { class: "count" }, "0");
  const good = h("b", { class: "count" }, "0");
  const light = h("i", { class: "bytelight", "aria-hidden": "true" });
  const text = h("p", { class: "verdict-text" }, "");
  const next = h("p", { class: "muted" }, "");
  const meter = h("p", { class: "muted" }, "");
  const sign = h("span", { class: "sign" });
  const verdict = h(
    "div",
    { class: "verdict info", role: "status", "aria-live": "polite" },
    sign,
    h("div", {}, text, next, meter),
  );
  const element = h(
    "div",
    { class: "trial", hidden: true },
    h("p", { class: "counts" }, light, octets, ` ${t("try.octets")} · `, good, ` ${t("try.good")}`),
    verdict,
  );

  function show(step) {
    element.hidden = false;
    if (octets.textContent !== number(step.octets)) pulse(light);
    say(octets, number(step.octets));
    say(good, number(step.good));
    if (step.diagnosis) shown(step.diagnosis, step.line);
    if (step.reading) say(meter, readingText(step.reading));
  }

  function shown(diagnosis, line) {
    const kind = mood(diagnosis.verdict);
    verdict.className = `verdict ${kind}`;
    set(verdict, { "data-verdict": diagnosis.verdict });
    sign.replaceChildren(icon(kind === "good" ? "good" : kind === "info" ? "info" : "warning"));
    say(text, verdictText(diagnosis));
    say(next, line && diagnosis.verdict === "waiting" ? t("try.line", { line }) : verdictNext(diagnosis));
  }

  return { element, show };
}

const pulse = (light) => light.animate?.([{ opacity: 1 }, { opacity: 0.25 }], { duration: 400 });

/** Who is speaking. @param {Record<string, any>} reading */
export function readingText(reading) {
  const who = [capital(reading.vendor), reading.meter_type, reading.meter_id].filter(Boolean).join(" ");
  return who ? t("try.meter", { who }) : "";
}

/**
 * Tries a source and shows it; resolves to the last step.
 * @param {string} source @param {ReturnType<typeof trial>} place @param {AbortSignal} signal
 */
export async function trySource(source, place, signal) {
  let last = { octets: 0, good: 0 };
  place.show(last);
  for await (const step of streamed("v1/try/source", { source, seconds: SECONDS }, signal)) {
    last = {
      ...last,
      ...(step.error ? { diagnosis: { verdict: step.error, text: step.text, next: step.text } } : step),
    };
    place.show(last);
    if (last.good && last.reading) break;
  }
  return last;
}

/** Recordings of the state directory, to choose in a source's field. */
export async function recordings({ input, extra }, signal) {
  const { folder, files } = await get("v1/recordings", { signal }).catch(() => ({}));
  if (!folder) return;
  const id = newId("recordings");
  const options = files.map(({ source, name }) => h("option", { value: source, label: name }));
  extra.append(h("datalist", { id }, options), h("p", { class: "muted" }, t("recordings.folder", { folder })));
  input.setAttribute("list", id);
}
