// On a phone: the pages that have no room in the bar.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { icon } from "../icons.js";

const PAGES = ["modbus", "mqtt", "settings", "system", "api", "wizard"];

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export function show(root, { personal }) {
  const link = (page) =>
    h(
      "a",
      { href: `#/${page}`, class: "card more" },
      icon(page === "wizard" ? "good" : page),
      h("span", {}, t(`page.${page}`)),
      icon("right"),
    );
  root.append(...PAGES.map(link), h("div", { class: "card wide" }, h("div", { class: "row" }, personal())));
}
