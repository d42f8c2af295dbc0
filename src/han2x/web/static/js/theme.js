// Dark, light, or as the device has it; plots are told when it changes.

const KEPT = "han2x-theme";
const ORDER = ["auto", "light", "dark"];

export const theme = () => localStorage.getItem(KEPT) ?? "auto";

/** Takes a choice of colours into use and keeps it. @param {string} [choice] */
export function applyTheme(choice = theme()) {
  localStorage.setItem(KEPT, choice);
  document.documentElement.dataset.theme = choice;
  document.dispatchEvent(new Event("themechange"));
}

/** The choice that follows the present one. */
export const nextTheme = () => ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length];

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  document.dispatchEvent(new Event("themechange")),
);

/** A colour of the style sheet. @param {string} name */
export const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
