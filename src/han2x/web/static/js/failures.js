// What failed in the page is said, with a way to try again; it depends on nothing, so it works when nothing else does.
//
// Errors that nobody catches come here from `error` and `unhandledrejection`. When the page's own scripts cannot be
// loaded (the gateway went away in the middle), this waits for the gateway and loads the page again.

const AGAIN_MS = 3000;
const BUILT_IN = {
  en: { "failed.text": "Something failed in this page: {what}", "failed.again": "Try again", "failed.boot": "The gateway cannot be reached. Trying again." },
  nb: { "failed.text": "Noe gikk galt på denne siden: {what}", "failed.again": "Prøv igjen", "failed.boot": "Enheten kan ikke nås. Prøver igjen." },
};

const language = navigator.languages.some((tag) => /^(nb|nn|no)\b/i.test(tag)) ? "nb" : "en";
let t = (key, { what = "" } = {}) => BUILT_IN[language][key].replace("{what}", what);
let again = () => location.reload();

/** Texts of the chosen language, once there are any. @param {(key: string, parameters?: Record<string, string>) => string} texts */
export const useTexts = (texts) => void (t = texts);

/** What trying again means, once the page is up. @param {() => void} act */
export const useRetry = (act) => void (again = act);

/** Takes the message away: what failed has succeeded. */
export const recovered = () => void document.getElementById("failed")?.remove();

/** Says what failed. @param {any} error */
export function failed(error) {
  if (error?.name === "AbortError") return;
  const what = error instanceof Error ? error.message : String(error ?? "?");
  show(t("failed.text", { what }));
}

function show(sentence) {
  recovered();
  const words = Object.assign(document.createElement("span"), { textContent: sentence });
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: t("failed.again") });
  button.addEventListener("click", () => (recovered(), again()));
  const box = Object.assign(document.createElement("div"), { id: "failed", role: "alert" });
  box.append(words, button);
  document.body.append(box);
}

window.addEventListener("error", (event) =>
  event.target instanceof HTMLScriptElement ? notLoaded(event.target) : event.error && failed(event.error),
  true,
);
window.addEventListener("unhandledrejection", (event) => failed(event.reason));

/** A script of the page's own did not come; a page that has begun looks after those it asks for later. @param {HTMLScriptElement} script */
function notLoaded(script) {
  if (script.type !== "module" || !document.querySelector("#app > .boot")) return;
  show(t("failed.boot"));
  const look = () =>
    fetch(script.src, { cache: "no-store" })
      .then((response) => response.ok && location.reload())
      .catch(() => {});
  setInterval(look, AGAIN_MS);
}
