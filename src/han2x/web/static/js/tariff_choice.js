// The field of a meter's grid tariff as a choice: searched by company, with the age of what is chosen.

import { get } from "./api.js";
import { h, newId, say } from "./dom.js";
import { localTime, t } from "./i18n.js";

/** @param {import("./forms.js").Field} field @param {AbortSignal} signal */
export async function tariffChoice({ input, extra }, signal) {
  const list = h("datalist", { id: newId("tariffs") });
  const about = h("p", { class: "muted", role: "status" });
  extra.append(list, about);
  let tariffs = [];
  const named = (name) => tariffs.find((one) => one.name === name);
  const tell = () => say(about, named(input.value) ? told(named(input.value)) : "");
  input.addEventListener("input", tell);
  input.addEventListener("change", () => {
    const found = byTitle(tariffs, input.value);
    if (named(input.value) || !found) return;
    input.value = found.name;
    input.dispatchEvent(new Event("input"));
  });
  try {
    tariffs = await get("v1/tariffs", { signal });
  } catch (error) {
    return say(about, error.message);
  }
  list.append(...tariffs.map((one) => h("option", { value: one.name, label: labelled(one) })));
  input.setAttribute("list", list.id);
  input.placeholder = t("tariff.search");
  tell();
}

/** The one tariff whose company begins as what was typed, that for homes first. */
function byTitle(tariffs, typed) {
  const words = typed.trim().toLowerCase();
  const found = words ? tariffs.filter(({ title }) => title.toLowerCase().startsWith(words)) : [];
  const homes = found.filter(({ customers }) => customers.includes("home"));
  return homes.length === 1 ? homes[0] : found.length === 1 ? found[0] : undefined;
}

export const labelled = ({ title, customers }) =>
  [title, customers.map((one) => t(`tariff.${one}`)).join(", ")].filter(Boolean).join(" · ");

/** Whose it is, when it was checked, and what is wrong with its age. */
export function told(tariff) {
  const checked = tariff.checked
    ? t("tariff.checked", { day: localTime(tariff.checked, "date") })
    : t("tariff.unchecked");
  const state = tariff.state === "ok" ? "" : t(`tariff.state.${tariff.state}`);
  const fuse = tariff.by_fuse ? t("tariff.by_fuse") : "";
  return [labelled(tariff), checked, state, fuse].filter(Boolean).join(" · ");
}
