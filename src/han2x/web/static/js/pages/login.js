// The log-in: a real form, so that password managers know it; says how long to wait after too many guesses.

import { Refusal, send } from "../api.js";
import { h, say } from "../dom.js";
import { currentLanguage, keepLanguage, LANGUAGES, t } from "../i18n.js";
import { field } from "../ui.js";

/** @param {HTMLElement} root @param {{session: any, restart: () => Promise<void>, signal: AbortSignal}} context */
export function show(root, { session, restart }) {
  const user = field(t("login.user"), {
    name: "username",
    autocomplete: "username",
    autocapitalize: "none",
    required: true,
  });
  const password = field(t("login.password"), {
    name: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const button = h("button", { class: "primary", type: "submit" }, t("login.enter"));
  const complaint = h("p", { class: "complaint", role: "alert" });
  const form = h(
    "form",
    { class: "card login", onsubmit: (event) => (event.preventDefault(), void enter()) },
    h("img", { src: "icons/icon.svg", alt: "", width: 56, height: 56 }),
    h("h1", {}, t("login.title")),
    user.element,
    password.element,
    complaint,
    button,
    session.default_password && h("p", { class: "muted" }, t("login.default")),
    session.initial_password &&
      !session.default_password &&
      h("p", { class: "muted" }, t("login.initial")),
    languages(restart),
  );
  root.replaceChildren(h("main", { id: "main", class: "door" }, form));
  user.input.focus();

  async function enter() {
    button.disabled = true;
    say(complaint, "");
    try {
      await send("POST", "v1/session", { user: user.input.value, password: password.input.value });
      await restart();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      say(complaint, error.message);
      button.disabled = false;
      password.input.select();
    }
  }
}

function languages(restart) {
  const others = Object.entries(LANGUAGES).filter(([code]) => code !== currentLanguage());
  const speak = (code) => (keepLanguage(code), void restart());
  return h(
    "p",
    { class: "row" },
    others.map(([code, name]) =>
      h("button", { type: "button", class: "quiet", lang: code, onclick: () => speak(code) }, name),
    ),
  );
}
