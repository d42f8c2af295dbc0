// han2x in the browser: static files, plain ES modules, no build step.
//
//   app.js        this: session, language, which page is shown
//   frame.js      what is around every page: lamps, pages, meters, banners
//   freshness.js  loaded first, imports nothing: how old everything is, and one timer that dims what is too old
//   failures.js   loaded second, imports nothing: says what failed, with a way to try again
//   live.js       what the gateway pushes (one EventSource); transit.js: how long an event was on its way
//   refreshed.js  what is asked for anew every so often and at each new connection
//   api.js        requests and their refusals
//   i18n.js       texts, numbers, dates in the chosen language
//   dom.js        elements without markup; icons.js: the icons; ui.js: cards, tables, dialogs
//   forms.js      a field for each setting of the schema; source.js: trying a source; former.js: removed meters
//   plot.js       uPlot in our colours, gaps as gaps; history_plots.js, periods.js, gestures.js: what history draws
//   trace.js      the last half hour on the first page; wizard_steps.js: the first run; theme.js: dark and light
//   pages/NAME.js one page each: `show(root, context)`; everything a page starts ends with `context.signal`
//
// Data flows one way: the stream and answers to requests come in, a page shows them. Nothing is kept in the
// browser but the choice of language, colours and meter. Whatever shows a value of the gateway is watched
// (`watch`, `refreshed`): it is drawn by `show`, with the moment the value was true at.
//
// What is on the screen goes on until what follows is there: a page until the next one's module has come, everything
// until a new session and its meters are known.

import { get, Refusal, sessionEnded, useSession } from "./api.js";
import { say } from "./dom.js";
import { failed, recovered, useRetry, useTexts } from "./failures.js";
import { now, useWords } from "./freshness.js";
import { Frame } from "./frame.js";
import { preferredLanguage, span, t, useLanguage, useZone } from "./i18n.js";
import { Live } from "./live.js";
import { applyTheme } from "./theme.js";

/**
 * @typedef {object} Context what a page is handed
 * @property {Live} live
 * @property {Record<string, any>} session as `v1/session` gives it
 * @property {AbortSignal} signal ends when the page is left
 * @property {string[]} path what follows the page's name in the address
 * @property {() => import("./live.js").Meter | undefined} meter the one that is looked at
 * @property {string} meterId who the chosen meter is
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

const AGAIN_MS = 5000;
const LOADING_MS = 500;

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
/**
 * `page` ends with the page that is shown, `turn` with the way to the next one, which is `stuck` where its module or
 * its content could not be had. `beginning`: a new session is not known yet; `begun` counts.
 * @type {{page?: AbortController, turn?: AbortController, live?: Live, frame?: Frame, session?: any, stuck: boolean,
 *   beginning: boolean, begun: number}}
 */
const state = { stuck: false, beginning: false, begun: 0 };

/** Begins anew: asks for the session, and shows the page or the log-in. What is shown stays until that is known. */
async function restart() {
  const [mine, asked] = [++state.begun, now()];
  state.beginning = true;
  const session = await currentSession();
  await useLanguage(preferredLanguage(session.language));
  useTexts(t);
  if (session.error === "unreachable") throw new Error(t("error.unreachable"));
  if (session.error) return logIn(session);
  useSession(session.csrf, () => void leave());
  const [meters, zone] = await Promise.all([get("v1/meters"), siteZone()]);
  if (mine !== state.begun) return;
  useZone(zone);
  tearDown();
  await enter(session, meters, asked);
}

function tearDown() {
  state.turn?.abort();
  state.page?.abort();
  state.live?.stop();
  state.frame?.close();
  state.live = state.frame = undefined;
  state.beginning = state.stuck = false;
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
  tearDown();
  state.page = new AbortController();
  document.title = "han2x";
  show(root, { session, restart, signal: state.page.signal });
}

async function enter(session, meters, asked) {
  const live = (state.live = new Live());
  state.session = session;
  state.frame = new Frame(root, { live, session, meters, asked, restart, shown: showPage });
  live.start(sessionEnded);
  live.on("connection", (up) => up && reached(), live.life.signal);
  if (session.wizard && !location.hash) location.hash = "#/wizard";
  await showPage();
  await preload();
}

async function siteZone() {
  const { settings } = await get("v1/settings");
  return settings.site.time_zone;
}

/** Loads the module of every page, so that no way to another page hangs on the gateway. */
async function preload() {
  await Promise.allSettled(Object.values(PAGES).map((load) => load()));
}

/** The gateway is back: what could not be shown without it is tried again. */
function reached() {
  if (state.beginning) void patiently(restart);
  else if (state.stuck) void showPage();
  void preload();
}

/** Shows the page that the address names; the one before lives on until that one's module has come. */
async function showPage() {
  const { frame } = state;
  if (!frame) return;
  const [name, ...path] = location.hash.replace(/^#\//, "").split("/").map(decoded);
  const page = Object.hasOwn(PAGES, name) ? name : "now";
  state.turn?.abort();
  const { signal } = (state.turn = new AbortController());
  const slow = setTimeout(() => frame.waits(page), LOADING_MS);
  signal.addEventListener("abort", () => clearTimeout(slow), { once: true });
  let module;
  try {
    module = await PAGES[page]();
  } catch (error) {
    if (!signal.aborted) notLoaded(page, error, signal);
    return;
  } finally {
    clearTimeout(slow);
  }
  if (!signal.aborted) await turnTo(page, path, module.show);
}

/** The module of a page has not come: it is asked for again, soon and when the gateway is back. */
function notLoaded(page, error, signal) {
  const { frame, live } = state;
  state.stuck = true;
  frame?.waits(page, live?.connected ? error : new Error(t("error.unreachable")));
  again(signal);
}

/** Tries to show the page again soon, unless another one is wanted. @param {AbortSignal} signal */
function again(signal) {
  const timer = setTimeout(() => void showPage(), AGAIN_MS);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
}

/** Ends the page before and fills the new one. */
async function turnTo(page, path, show) {
  const { frame, live, session, turn } = state;
  state.page?.abort();
  state.page = turn;
  state.turn = undefined;
  state.stuck = false;
  recovered();
  const main = frame.turnTo(page);
  document.title = `${t(`page.${page}`)} – ${session.name}`;
  const filled = frame.filling();
  try {
    await show(main, context(frame, live, session, turn.signal, path));
  } catch (error) {
    if (turn.signal.aborted) return;
    state.stuck = true;
    frame.failed(error);
    if (error instanceof Refusal && (error.status === 0 || error.status >= 500)) again(turn.signal);
  } finally {
    filled();
  }
}

/** @param {string} part of an address, as a person may have typed it */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @returns {Context} */
function context(frame, live, session, signal, path) {
  return {
    live,
    session,
    signal,
    path,
    meterId: frame.meterId,
    personal: () => frame.personal(),
    meter: () => live.meters.get(frame.meterId),
    go: (name) => (location.hash = `#/${name}`),
    restart,
    toast: (text, kind) => frame.toast(text, kind),
  };
}

/** @param {number} ageMs how old something is that is not fresh */
const aged = (ageMs) => (Number.isFinite(ageMs) ? t("live.old", { span: span(ageMs / 1000) }) : t("live.never"));

async function begin() {
  applyTheme();
  useWords(aged);
  useRetry(() => void (state.frame && !state.beginning ? showPage() : patiently(restart)));
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
    if (state.frame) return failed(error);
    say(root, error instanceof Error ? error.message : String(error));
    setTimeout(() => void patiently(act), AGAIN_MS);
  }
}

void begin();
