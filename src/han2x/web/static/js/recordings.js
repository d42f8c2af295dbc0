// Recordings of the state directory as a choice beside the field of a meter's source.

import { get } from "./api.js";
import { h } from "./dom.js";
import { number, t } from "./i18n.js";

/** @param {import("./forms.js").Field} field @param {AbortSignal} signal */
export async function recordingChoice({ input, extra }, signal) {
  const found = await get("v1/recordings", { signal }).catch(() => null);
  if (!found?.folder) return;
  if (!found.files.length) {
    extra.append(h("p", { class: "muted small" }, t("recordings.none", { folder: found.folder })));
    return;
  }
  const options = found.files.map(({ source, name, bytes }) =>
    h("option", { value: source }, t("recordings.size", { name, size: number(Math.ceil(bytes / 1000)) })),
  );
  const choose = () => {
    if (!choice.value) return;
    input.value = choice.value;
    input.dispatchEvent(new Event("input"));
  };
  const choice = h(
    "select",
    { "aria-label": t("recordings.choose"), onchange: choose },
    h("option", { value: "" }, t("recordings.choose")),
    options,
  );
  extra.append(choice);
}
