// A settings file that cannot be used: what is wrong with it and where, and the way back to the last good settings.

import { complaintText, get, send } from "./api.js";
import { h } from "./dom.js";
import { number, t } from "./i18n.js";
import { ask } from "./ui.js";

const LOOK_MS = 2000;
const IDLE_MS = 15000;

/** A banner that is there while the file is broken. @param {AbortSignal} signal ends it */
export function brokenBanner(signal) {
  const banner = h("div", { class: "banner bad stack", role: "alert", id: "broken", hidden: true });
  const trial = h("div", { class: "banner warn", role: "alert", id: "reach", hidden: true });
  let timer = 0;
  let shown = "";
  const look = async () => {
    clearTimeout(timer);
    const found = await get("v1/settings").catch(() => undefined);
    if (signal.aborted) return;
    const broken = found?.broken;
    showTrial(trial, found?.trial_s ?? null, look);
    if (broken !== undefined && JSON.stringify(broken) !== shown) {
      shown = JSON.stringify(broken);
      banner.replaceChildren(...(broken ? content(broken, look) : []));
      banner.hidden = !broken;
    }
    timer = setTimeout(look, banner.hidden && trial.hidden ? IDLE_MS : LOOK_MS);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  void look();
  return h("div", {}, trial, banner);
}

/** How the page is reached has changed: how long until that is rolled back, and the word that keeps it. */
function showTrial(banner, seconds, look) {
  const keep = () => confirmReach().catch((error) => alert(error.message)).then(look);
  if (seconds !== null && banner.hidden)
    banner.replaceChildren(h("span"), h("button", { type: "button", onclick: keep }, t("reach.keep")));
  if (seconds !== null) banner.firstChild.textContent = t("reach.trial", { seconds: number(seconds) });
  banner.hidden = seconds === null;
}

export const confirmReach = () => send("POST", "v1/settings/confirm");

/**
 * Goes to where the page is from now on, and confirms there that it can be reached.
 * @param {any} before @param {any} now the settings of the page @param {number} seconds until they are rolled back
 * @param {(text: string) => void} say
 */
export async function follow(before, now, seconds, say) {
  const direct = Number(location.port || (location.protocol === "https:" ? 443 : 80)) === before.port;
  const host = /^[0-9.]+$/.test(now.host) && now.host !== "0.0.0.0" ? now.host : location.hostname;
  const address = new URL(`${now.tls ? "https" : "http"}://${host}:${now.port}/`).origin;
  if (!direct || !now.enabled) return;
  if (address === location.origin) return confirmReach().catch(() => {}); // who is shut out cannot, and is let in again
  say(t("reach.moves", { address, seconds: number(seconds) }));
  setTimeout(() => location.assign(`${address}/#/settings/web/confirm`), 2000);
}

function content({ file, good, complaints }, look) {
  const lines = complaints.map((one) => h("li", {}, sentence(one)));
  const served = t(good ? "broken.good" : "broken.page");
  return [
    h("strong", {}, t("broken.title", { file })),
    h("ul", {}, lines),
    h("span", {}, `${served} ${t("broken.mend")}`),
    good && h("button", { type: "button", onclick: () => void putBack(file, look) }, t("broken.put_back")),
  ].filter(Boolean);
}

function sentence(complaint) {
  const place = complaint.line ? `${t("broken.line", { line: number(complaint.line) })} ` : "";
  return `${place}${complaint.path}: ${complaintText(complaint)}`;
}

async function putBack(file, look) {
  const sure = await ask(t("broken.put_back"), h("p", {}, t("broken.put_back_doc", { file })), t("broken.put_back"));
  if (sure) await send("POST", "v1/settings/file/good").catch((error) => alert(error.message)).then(look);
}
