// A network setting on trial: how long it has left, and the two things a person may say about it.

import { get, send } from "./api.js";
import { h } from "./dom.js";
import { number, t } from "./i18n.js";

const LOOK_MS = 2000;
const IDLE_MS = 15000;

/** A banner that is there while a setting is on trial. @param {AbortSignal} signal ends it */
export function trialBanner(signal) {
  const banner = h("div", { class: "banner warn", role: "alert", hidden: true });
  let timer = 0;
  const look = async () => {
    const network = await get("v1/network").catch(() => null);
    if (signal.aborted) return;
    show(banner, network, look);
    timer = setTimeout(look, network?.rest_s == null ? IDLE_MS : LOOK_MS);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  void look();
  return banner;
}

function show(banner, network, look) {
  const on = network?.rest_s != null;
  if (on) {
    const addresses = network.addresses.join(", ");
    const text = t("network.trial", { addresses, seconds: number(network.rest_s) });
    if (banner.hidden) banner.replaceChildren(h("span"), ...choices(look));
    banner.firstChild.textContent = text;
  }
  banner.hidden = !on;
}

function choices(look) {
  const say = (what) => send("POST", `v1/network/${what}`, {}).catch((error) => alert(error.message)).then(look);
  return [
    h("button", { type: "button", onclick: () => say("confirm") }, t("network.keep")),
    h("button", { class: "quiet", type: "button", onclick: () => say("undo") }, t("network.undo")),
  ];
}
