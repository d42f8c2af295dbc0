// What is around every page: the head with lamps and choices, the pages to go to, banners, messages.

import { get, send } from "./api.js";
import { brokenBanner } from "./broken.js";
import { NEVER, watch } from "./freshness.js";
import { h, say, set } from "./dom.js";
import { icon } from "./icons.js";
import { currentLanguage, keepLanguage, LANGUAGES, t } from "./i18n.js";
import { LAMP_MS, LINK_MS } from "./live.js";
import { applyTheme, nextTheme, theme } from "./theme.js";
import { trialBanner } from "./trial.js";

export const PAGES = ["now", "history", "cost", "signal", "modbus", "mqtt", "settings", "system"];
const ON_PHONE = ["now", "history", "cost", "signal", "more"];
const KEPT_METER = "han2x-meter";
const TOAST_MS = 6000;
const WAITING_MS = 1000;
/** Where a person types: nothing is taken away from there. */
const FORMS = ["settings", "system", "wizard", "api"];

export class Frame {
  /**
   * @param {HTMLElement} root
   * @param {{live: import("./live.js").Live, session: any, meters: any[], asked: number, restart: () => Promise<void>, shown: () => Promise<void>}} parts
   * `asked`: when session and meters were asked for
   */
  constructor(root, { live, session, meters, asked, restart, shown }) {
    this.live = live;
    this.session = session;
    this.restart = restart;
    this.shown = shown;
    this.life = new AbortController();
    this.known = meters.map(({ id, name }) => ({ id, name }));
    this.meterId = this.known.some(({ id }) => id === localStorage.getItem(KEPT_METER))
      ? localStorage.getItem(KEPT_METER)
      : this.known[0]?.id;
    for (const meter of meters) if ("values" in meter) live.take(meter, asked);
    this.build(root);
    this.follow();
    this.contact(asked);
    live.on("connection", () => this.contact(), this.life.signal);
    live.on("meter", () => this.lights(), this.life.signal);
    live.on("settings", () => void this.recount(), this.life.signal);
    live.on("hello", (hello) => this.greeted(hello), this.life.signal);
  }

  build(root) {
    this.main = h("main", { id: "main", tabindex: "-1" });
    this.message = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
    this.lost = this.lostBanner();
    this.late = h("div", { class: "banner warn", role: "alert", hidden: true });
    root.replaceChildren(
      h("a", { class: "skip", href: "#main", onclick: (event) => this.skip(event) }, t("frame.skip")),
      this.head(),
      this.sidebar(),
      h(
        "div",
        { class: "content" },
        this.lost.element,
        this.late,
        trialBanner(this.life.signal),
        brokenBanner(this.life.signal),
        this.warning(),
        this.main,
      ),
      this.tabs(),
      this.message,
    );
  }

  skip(event) {
    event.preventDefault();
    this.main.focus();
  }

  head() {
    this.han = lamp("HAN", (lit) => t(lit ? "frame.han_on" : "frame.han_off"));
    this.power = lamp("POWER", (lit) => t(lit ? "frame.power_on" : "frame.power_off"));
    return h(
      "header",
      { class: "head" },
      h(
        "a",
        { class: "brand", href: "#/now" },
        h("img", { src: "icons/icon.svg", alt: "", width: 28, height: 28 }),
        h("span", {}, this.session.name),
      ),
      this.session.demo && h("span", { class: "tag" }, t("frame.demo")),
      h("div", { class: "lamps" }, this.power.element, this.han.element),
      this.meterChoice(),
      h("div", { class: "choices" }, this.personal()),
    );
  }

  /** What each person chooses: on a phone it stands on the page More. */
  personal() {
    return [this.languageChoice(), this.themeChoice(), this.logOut()];
  }

  meterChoice() {
    if (this.known.length < 2) return null;
    const options = this.known.map(({ id, name }) =>
      h("option", { value: id, selected: id === this.meterId }, name),
    );
    this.choice = h(
      "select",
      { "aria-label": t("frame.meter"), onchange: (event) => this.chooseMeter(event.target.value) },
      options,
    );
    return this.choice;
  }

  /** Asks for the chosen meter's events only. */
  follow() {
    this.following?.abort();
    this.following = new AbortController();
    if (this.meterId) this.live.want({ meters: this.meterId }, this.following.signal);
  }

  chooseMeter(id) {
    this.meterId = id;
    this.follow();
    localStorage.setItem(KEPT_METER, id);
    void this.shown();
  }

  languageChoice() {
    const options = Object.entries(LANGUAGES).map(([code, name]) =>
      h("option", { value: code, selected: code === currentLanguage() }, name),
    );
    return h(
      "select",
      {
        class: "quiet language",
        "aria-label": t("frame.language"),
        onchange: (event) => this.speak(event.target.value),
      },
      options,
    );
  }

  speak(code) {
    keepLanguage(code);
    void this.restart();
  }

  themeChoice() {
    const text = () => t(`frame.theme.${theme()}`);
    const button = h(
      "button",
      { class: "quiet", type: "button", onclick: () => (applyTheme(nextTheme()), say(button, text())) },
      text(),
    );
    return button;
  }

  logOut() {
    const leave = () => send("DELETE", "v1/session").finally(this.restart);
    return h("button", { class: "quiet", type: "button", onclick: leave }, t("frame.log_out"));
  }

  sidebar() {
    this.side = links(PAGES, "side");
    return h("nav", { class: "sidebar", "aria-label": t("frame.pages") }, this.side);
  }

  tabs() {
    this.tab = links(ON_PHONE, "tab");
    return h("nav", { class: "tabs", "aria-label": t("frame.pages") }, this.tab);
  }

  warning() {
    if (!this.session.default_password) return null;
    return h(
      "div",
      { class: "banner warn", id: "default-password" },
      icon("warning"),
      h(
        "span",
        {},
        t("frame.default_password", { user: this.session.user }),
        " ",
        h("a", { href: "#/system/password" }, t("frame.change_it")),
      ),
    );
  }

  /** Begins anew where meters have come or gone; new names are put in place. A wizard looks after itself. */
  async recount() {
    const meters = await get("v1/meters").catch(() => null);
    const known = meters?.map(({ id, name }) => ({ id, name })) ?? this.known;
    const ids = (some) => some.map(({ id }) => id).join();
    if (ids(known) !== ids(this.known)) {
      if (this.main.dataset.page !== "wizard") await this.restart();
      return;
    }
    this.known = known;
    for (const option of this.choice?.options ?? [])
      option.textContent = known.find(({ id }) => id === option.value)?.name ?? option.value;
  }

  /** Empties the page and marks where one is. @param {string} page */
  turnTo(page) {
    const tab = ON_PHONE.includes(page) ? page : "more";
    for (const link of this.side) set(link, { "aria-current": link.dataset.page === page && "page" });
    for (const link of this.tab) set(link, { "aria-current": link.dataset.page === tab && "page" });
    this.late.hidden = true;
    this.main.replaceChildren(h("h1", { tabindex: "-1" }, t(`page.${page}`)));
    if (this.turned) this.main.firstChild.focus({ preventScroll: true });
    if (this.turned) scrollTo(0, 0);
    this.turned = true;
    this.main.dataset.page = page;
    const body = h("div", { class: "page" });
    this.main.append(body);
    return body;
  }

  /** The page that was asked for could not be shown: why, and a way to try again. */
  failed(error) {
    this.main.querySelector(".waiting")?.remove();
    const why = error instanceof Error ? error.message : String(error);
    this.main.append(h("div", { class: "banner bad", role: "alert" }, h("span", {}, why), this.again()));
  }

  /** The page that was asked for has not come; the one before stays. @param {string} page @param {any} [error] */
  waits(page, error) {
    const name = t(`page.${page}`);
    const why = error instanceof Error ? error.message : "";
    const text = error ? t("frame.not_loaded", { page: name, why }) : t("frame.loading", { page: name });
    this.late.replaceChildren(h("span", {}, text), ...(error ? [this.again()] : []));
    this.late.hidden = false;
  }

  again() {
    return h("button", { type: "button", onclick: () => void this.shown() }, t("failed.again"));
  }

  /** Says in the page that it is being filled, if that takes long; returns what ends that. */
  filling() {
    const text = h("p", { class: "muted waiting", role: "status" }, t("ui.loading"));
    const timer = setTimeout(() => this.main.append(text), WAITING_MS);
    return () => (clearTimeout(timer), text.remove());
  }

  lostBanner() {
    const element = h("div", { class: "banner bad", role: "alert", hidden: true });
    const tell = (_, fresh) => {
      element.hidden = fresh;
      document.body.classList.toggle("lost", !fresh);
      say(element, fresh ? "" : t("frame.lost"));
    };
    return watch(element, { tell });
  }

  /** What hangs on the stream. `asked`: before it is open, an answer is as good a sign of life. @param {number} [asked] */
  contact(asked = NEVER) {
    const alive = () => Math.max(asked, this.live.link()[0]());
    this.lost.show([[alive, LINK_MS]]);
    this.power.show([[alive, LINK_MS]]);
    this.lights();
  }

  lights() {
    const meter = this.live.meters.get(this.meterId);
    this.han.show([[meter?.received_at ?? NEVER, LAMP_MS], this.live.link()]);
  }

  /** A gateway with other files than this page was made of: it is loaded anew, but where somebody may be typing. */
  greeted({ version, build }) {
    if (version === this.session.version && build === this.session.build) return;
    if (!FORMS.includes(this.main.dataset.page)) return location.reload();
    const load = h("button", { type: "button", onclick: () => location.reload() }, t("frame.load"));
    this.late.replaceChildren(h("span", {}, t("frame.updated")), load);
    this.late.hidden = false;
  }

  /** Says something that passes. @param {string} text @param {string} [kind] */
  toast(text, kind = "good") {
    const note = h("div", { class: `toast ${kind}` }, icon(kind === "good" ? "good" : "warning"), text);
    this.message.append(note);
    while (this.message.childElementCount > 3) this.message.firstChild.remove();
    setTimeout(() => note.remove(), TOAST_MS);
  }

  close() {
    this.life.abort();
  }
}

function links(pages, kind) {
  return pages.map((page) =>
    h(
      "a",
      { href: `#/${page}`, "data-page": page, class: kind },
      icon(page),
      h("span", {}, t(`page.${page}`)),
    ),
  );
}

/** A lamp that is lit while what it is bound to is fresh. @param {string} name @param {(lit: boolean) => string} meaning */
function lamp(name, meaning) {
  const words = h("span", { class: "hidden" });
  const element = h("span", { class: "lamp", title: "" }, h("i", { "aria-hidden": "true" }), name, words);
  const tell = (_, lit) => {
    element.title = meaning(lit);
    say(words, `: ${element.title}`);
  };
  return watch(element, { tell, lamp: true });
}
