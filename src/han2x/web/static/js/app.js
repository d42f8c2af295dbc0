// han2x in the browser: static files, plain ES modules, no build step.
//
//   app.js        this: session, language, which page is shown
//   frame.js      what is around every page: lamps, pages, meters, banners
//   live.js       what the gateway pushes (one EventSource), the tick of ages
//   api.js        requests and their refusals
//   i18n.js       texts, numbers, dates in the chosen language
//   dom.js        elements without markup; icons.js: the icons; ui.js: cards, tables, dialogs
//   forms.js      a field for each setting of the schema; source.js: trying a source
//   plot.js       uPlot in our colours, gaps as gaps; history_plots.js, periods.js, gestures.js: what history draws
//   trace.js      the last half hour on the first page; wizard_steps.js: the first run; theme.js: dark and light
//   pages/NAME.js one page each: `show(root, context)`; everything a page starts ends with `context.signal`
//
// Data flows one way: the stream and answers to requests come in, a page shows them. Nothing is kept in the
// browser but the choice of language, colours and meter.

import { get, Refusal, sessionEnded, useSession } from "./api.js";
import { say } from "./dom.js";
import { Frame } from "./frame.js";
import { preferredLanguage, t, useLanguage, useZone } from "./i18n.js";
import { Live } from "./live.js";
import { applyTheme } from "./theme.js";

/**
 * @typedef {object} Context what a page is handed
 * @property {Live} live
 * @property {Record<string, any>} session as `v1/session` gives it
 * @property {AbortSignal} signal ends when the page is left
 * @property {string[]} path what follows the page's name in the address
 * @property {() => import("./live.js").Meter | undefined} meter the one that is looked at
 * @property {string} meterName its name
 * @property {() => HTMLElement[]} personal choices of language and colours, and the way out
 * @property {(name: string) => void} go to another page
 * @property {() => Promise<void>} restart with a new session
 * @property {(text: string, kind?: string) => void} toast
 */

const PAGES = {
  now: () => import("./pages/now.js"),
  history: () => import("./pages/history.js"),
  cost: () => import("./pages/cost.js"),
  signal: () => import("./pages/signal.js"),
  modbus: () => import("./pages/modbus.js"),
  mqtt: () => import("./pages/mqtt.js"),
  settings: () => import("./pages/settings.js"),
  system: () => import("./pages/system.js"),
  api: () => import("./pages/api.js"),
  more: () => import("./pages/more.js"),
  wizard: () => import("./pages/wizard.js"),
};

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
/** @type {{page?: AbortController, live?: Live, frame?: Frame, session?: any}} */
const state = {};

/** Begins anew: asks for the session, and shows the page or the log-in. */
async function restart() {
  state.page?.abort();
  state.live?.stop();
  state.frame?.close();
  state.live = state.frame = undefined;
  const session = await currentSession();
  await useLanguage(preferredLanguage(session.language));
  if (session.error === "unreachable") throw new Error(t("error.unreachable"));
  if (session.error) return logIn(session);
  useSession(session.csrf, () => void leave());
  await enter(session);
}

/** The log-in again, if the session has really ended. */
async function leave() {
  if ((await currentSession()).error === "login") await restart();
}

async function currentSession() {
  try {
    return await get("v1/session");
  } catch (error) {
    return error instanceof Refusal
      ? { ...error.body, error: error.status === 401 ? "login" : "unreachable" }
      : { error: "unreachable" };
  }
}

async function logIn(session) {
  const { show } = await import("./pages/login.js");
  state.page = new AbortController();
  document.title = "han2x";
  show(root, { session, restart, signal: state.page.signal });
}

async function enter(session) {
  const live = (state.live = new Live());
  state.session = session;
  const [meters, zone] = await Promise.all([get("v1/meters"), siteZone()]);
  useZone(zone);
  state.frame = new Frame(root, { live, session, meters, restart, shown: showPage });
  live.start(sessionEnded);
  if (session.wizard && !location.hash) location.hash = "#/wizard";
  await showPage();
}

async function siteZone() {
  const { settings } = await get("v1/settings");
  return settings.site.time_zone;
}

/** Shows the page that the address names. */
async function showPage() {
  const { frame, live, session } = state;
  if (!frame || !live) return;
  const [name, ...path] = location.hash.replace(/^#\//, "").split("/").map(decodeURIComponent);
  const page = name in PAGES ? name : "now";
  state.page?.abort();
  const { signal } = (state.page = new AbortController());
  const { show } = await PAGES[page]();
  if (signal.aborted) return;
  const main = frame.turnTo(page);
  document.title = `${t(`page.${page}`)} – ${session.name}`;
  try {
    await show(main, context(frame, live, session, signal, path));
  } catch (error) {
    if (!signal.aborted) frame.failed(error);
  }
}

/** @returns {Context} */
function context(frame, live, session, signal, path) {
  return {
    live,
    session,
    signal,
    path,
    meterName: frame.meterName,
    personal: () => frame.personal(),
    meter: () => live.meters.get(frame.meterName),
    go: (name) => (location.hash = `#/${name}`),
    restart,
    toast: (text, kind) => frame.toast(text, kind),
  };
}

async function begin() {
  applyTheme();
  window.addEventListener("hashchange", () => void showPage());
  if ("serviceWorker" in navigator && isSecureContext)
    navigator.serviceWorker.register("sw.js").catch(() => {});
  await patiently(restart);
}

/** Does something again and again until it succeeds; says meanwhile why it does not. @param {() => Promise<void>} act */
async function patiently(act) {
  try {
    await act();
  } catch (error) {
    say(root, error instanceof Error ? error.message : String(error));
    setTimeout(() => void patiently(act), 5000);
  }
}

void begin();
