// What is asked for, and not pushed: asked for anew every so often and at each new connection. What cannot be had
// grows old where it stands, says why, and is asked for again soon.

import { now, watch } from "./freshness.js";
import { h, say } from "./dom.js";
import { t } from "./i18n.js";
import { seldom } from "./ui.js";

const EVERY_MS = 10_000;
const PAUSE_MS = 1000;

/** How old an answer may grow: two requests may fail. */
export const LIMIT_MS = 30_000;

/**
 * Keeps an element as the gateway has it now. The promise ends with the first answer, or fails with the first error.
 * @template T
 * @param {HTMLElement} element what is watched
 * @param {import("./app.js").Context} context
 * @param {{ask: (signal: AbortSignal) => Promise<T>, show: (answer: T) => void, every?: number, pause?: number,
 *   bounds?: (asked: number) => import("./freshness.js").Bound[]}} how
 */
export function refreshed(element, { live, signal }, { ask, show, every = EVERY_MS, pause = PAUSE_MS, bounds }) {
  const place = watch(element);
  const why = h("p", { class: "complaint" });
  place.note?.after(why);
  const bound = bounds ?? ((asked) => [[asked, Math.max(LIMIT_MS, 3 * every)]]);
  let turn = new AbortController();
  let timer = 0;
  const stop = () => (turn.abort(), clearTimeout(timer));
  signal.addEventListener("abort", stop, { once: true });

  async function load() {
    stop();
    if (signal.aborted) return;
    const mine = (turn = new AbortController());
    const asked = now();
    let next = Math.min(every, EVERY_MS);
    try {
      const answer = await ask(mine.signal);
      if (mine.signal.aborted) return;
      place.show(bound(asked), () => show(answer));
      say(why, "");
      next = every;
    } catch (error) {
      if (mine.signal.aborted) return;
      say(why, t("live.not_refreshed", { why: error instanceof Error ? error.message : String(error) }));
      throw error;
    } finally {
      if (!mine.signal.aborted) timer = setTimeout(again, next);
    }
  }
  const again = () => void load().catch(() => {});
  live.on("connection", (up) => up && again(), signal);
  return { first: load(), soon: seldom(again, pause, signal), place };
}
