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
  let timer = 0;
  let shown = "";
  const look = async () => {
    clearTimeout(timer);
    const broken = await get("v1/settings")
      .then((found) => found.broken)
      .catch(() => undefined);
    if (signal.aborted) return;
    if (broken !== undefined && JSON.stringify(broken) !== shown) {
      shown = JSON.stringify(broken);
      banner.replaceChildren(...(broken ? content(broken, look) : []));
      banner.hidden = !broken;
    }
    timer = setTimeout(look, banner.hidden ? IDLE_MS : LOOK_MS);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  void look();
  return banner;
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
