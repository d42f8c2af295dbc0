// The first run: find the adapter, watch the bytes come in, name the meter, change the password, choose outputs; it ends
// when a telegram has been read by the gateway itself.

import { get } from "../api.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";
import { doneStep, listenStep, meterStep, outputStep, passwordStep, sourceStep } from "../wizard_steps.js";

const STEPS = ["source", "listen", "meter", "password", "outputs", "done"];

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const { settings } = await get("v1/settings", { signal: context.signal });
  const state = {
    step: 0,
    settings,
    meter: settings.meters[0],
    source: settings.meters[0].source,
    reading: null,
    session: context.session,
  };
  const progress = h("ol", { class: "steps", "aria-label": t("wizard.steps") });
  const body = h("div", { class: "stack" });
  root.append(h("div", { class: "wizard wide" }, progress, h("section", { class: "card" }, body)));
  const builders = {
    source: sourceStep,
    listen: listenStep,
    meter: meterStep,
    password: passwordStep,
    outputs: outputStep,
    done: doneStep,
  };
  let life = new AbortController();
  context.signal.addEventListener("abort", () => life.abort(), { once: true });

  async function turn(step) {
    life.abort();
    life = new AbortController();
    state.step = step;
    progress.replaceChildren(
      ...STEPS.map((name, index) =>
        h(
          "li",
          { class: index < step ? "past" : "", "aria-current": index === step && "step" },
          t(`wizard.${name}.short`),
        ),
      ),
    );
    const title = h("h2", { tabindex: "-1" }, t(`wizard.${STEPS[step]}.title`));
    body.replaceChildren(title, h("p", { class: "muted" }, t(`wizard.${STEPS[step]}.doc`)));
    const wizard = {
      ...context,
      state,
      signal: life.signal,
      next: () => turn(step + 1),
      back: step ? () => turn(step - 1) : null,
    };
    await builders[STEPS[step]](body, wizard);
    if (step) title.focus({ preventScroll: true });
  }
  await turn(0);
}
