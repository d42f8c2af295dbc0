// Meters that were removed and of which something is stored: a meter may be one of them.

import { get } from "./api.js";
import { h } from "./dom.js";
import { number, t, time } from "./i18n.js";
import { ask } from "./ui.js";

/** @typedef {{id: string, name: string, last: string | null, energy_kwh: number | null, meter_id: string}} FormerMeter */

/** All of them; none while the history cannot tell. @param {AbortSignal} signal @returns {Promise<FormerMeter[]>} */
export const formerMeters = (signal) => get("v1/former-meters", { signal }).catch(() => []);

/** Which former meter it is. @param {FormerMeter[]} former @param {string} [none] what stands first, for none of them */
export function formerChoice(former, none = "") {
  return h(
    "select",
    { name: "id", id: "former", "aria-label": t("settings.which_meter") },
    none && h("option", { value: "" }, none),
    former.map((one) => h("option", { value: one.id }, formerText(one))),
  );
}

/** What an added meter is given if it is a former one; null if it is not to be added. @param {FormerMeter[]} former @param {string[]} taken names */
export async function whoIsAdded(former, taken) {
  if (!former.length) return {};
  const choice = formerChoice(former, t("settings.new_meter"));
  const answer = await ask(
    t("settings.which_meter"),
    [h("p", {}, t("settings.which_meter_doc")), choice],
    t("settings.add"),
  );
  if (!answer) return null;
  const one = former.find(({ id }) => id === choice.value);
  return one ? { id: one.id, ...(taken.includes(one.name) ? {} : { name: one.name }) } : {};
}

function formerText({ name, last, energy_kwh, meter_id }) {
  const facts = [last && time(last, "date"), energy_kwh !== null && `${number(energy_kwh)} kWh`, meter_id];
  return [t("settings.former_meter", { name }), ...facts.filter(Boolean)].join(" · ");
}
