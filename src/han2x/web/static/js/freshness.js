// How old everything on the screen is, and one timer that dims what is too old.
//
// Loaded first, and imports nothing: whatever fails elsewhere (an import, an event, a request, a renderer), the timer
// here goes on. A part of a page that shows values of the gateway is watched. It counts as fresh only while the moment
// its values were true at is near enough; nothing but `show` moves that moment, and only after the values have been
// drawn. So what is not drawn anew grows old by itself, and what was never drawn is old from the beginning.

const LOOK_MS = 1000;
const JUMP_MS = 2000;

/** Before anything was received. */
export const NEVER = -Infinity;

/** @typedef {number | (() => number)} Origin a moment of `now()` at which a value was true, or what knows it */
/** @typedef {[Origin, number]} Bound an origin, and how old it may grow, in ms */
/** @typedef {(ageMs: number, fresh: boolean) => void} Tell called at each look with the age of the oldest bound */

let mono = performance.now();
let wall = Date.now();
let slept = 0;

/**
 * This device's clock for ages, in ms. Monotonic, and it counts a sleep, which `performance.now()` may leave out: what
 * the wall clock advances more is added. A wall clock that was set forward makes ages too great until values come
 * anew (`onJump`); one that was set back changes nothing.
 */
export function now() {
  const [nextMono, nextWall] = [performance.now(), Date.now()];
  const more = nextWall - wall - (nextMono - mono);
  [mono, wall] = [nextMono, nextWall];
  if (more > JUMP_MS) {
    slept += more;
    for (const act of [...jumps]) attempt(act);
  }
  return mono + slept;
}

/** @type {Set<() => void>} */
const jumps = new Set();

/** Calls when this device has slept, or its clock was set forward, until the signal ends. @param {() => void} act @param {AbortSignal} signal */
export function onJump(act, signal) {
  jumps.add(act);
  signal.addEventListener("abort", () => jumps.delete(act), { once: true });
}

/** Does something; what it throws is reported, not passed on. @param {() => any} act @returns {boolean} whether it succeeded */
export function attempt(act) {
  try {
    act();
    return true;
  } catch (error) {
    reportError(error);
    return false;
  }
}

/** The words for an age in ms (Infinity: never received), in the language of the page. */
let words = (ageMs) => (Number.isFinite(ageMs) ? `${Math.floor(ageMs / 1000)} s` : "–");

/** @param {(ageMs: number) => string} say */
export function useWords(say) {
  words = say;
}

/** @type {WeakMap<Element, Watched>} */
const watched = new WeakMap();

class Watched {
  /** @param {HTMLElement} element @param {{tell?: Tell, note?: HTMLElement | null, lamp?: boolean}} how */
  constructor(element, { tell, note = null, lamp = false }) {
    this.element = element;
    this.tell = tell;
    this.note = note;
    this.lamp = lamp;
    this.bounds = /** @type {Bound[]} */ ([[NEVER, 0]]);
  }

  /** Draws values, and only then takes the moments they were true at. @param {Bound[]} bounds @param {() => void} [draw] */
  show(bounds, draw) {
    if (!draw || attempt(draw)) this.bounds = bounds;
    judge(this.element);
  }

  /** Judges it at once: what it is bound to has changed. */
  look() {
    judge(this.element);
  }

  /** The age of the oldest bound, and whether all are within their limits; what cannot be worked out is old. */
  verdict() {
    const at = now();
    const ages = this.bounds.map(([origin]) =>
      Math.max(0, at - (typeof origin === "function" ? origin() : origin)),
    );
    const fresh = ages.every((age, index) => age <= this.bounds[index][1]);
    const past = ages.filter((age, index) => !(age <= this.bounds[index][1]));
    return { age: Math.max(...(fresh ? ages : past)), fresh };
  }
}

/**
 * Watches an element: it has the class `stale` unless what it shows is fresh (a lamp: `lit` while it is), and says how
 * old it is in a note below its heading, or by `tell` where it has words of its own.
 * @param {HTMLElement} element @param {{tell?: Tell, note?: boolean, lamp?: boolean}} [how]
 */
export function watch(element, { tell, note = !tell, lamp = false } = {}) {
  const words = note ? Object.assign(document.createElement("p"), { className: "aged", hidden: true }) : null;
  if (words) {
    const heading = element.querySelector(":scope > h2");
    heading ? heading.after(words) : element.prepend(words);
  }
  const one = new Watched(element, { tell, note: words, lamp });
  watched.set(element, one);
  element.toggleAttribute("data-watched", true);
  mark(element, one, Infinity, false);
  return one;
}

/** @param {Element} element */
function judge(element) {
  const one = watched.get(element);
  let found = { age: Infinity, fresh: false };
  attempt(() => one && (found = one.verdict()));
  mark(element, one, found.age, found.fresh);
  if (one?.tell && !attempt(() => one.tell?.(found.age, found.fresh))) mark(element, one, found.age, false);
}

function mark(element, one, age, fresh) {
  element.classList.toggle("stale", !fresh);
  if (!one) return;
  if (one.lamp) element.classList.toggle("lit", fresh);
  if (!one.note) return;
  one.note.hidden = fresh;
  if (!fresh) attempt(() => setText(one.note, words(age)));
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Judges everything there is on the page. */
export function look() {
  attempt(now);
  for (const element of document.querySelectorAll("[data-watched]")) judge(element);
}

setInterval(look, LOOK_MS);
for (const name of ["visibilitychange", "resume"]) document.addEventListener(name, look);
for (const name of ["pageshow", "focus", "online"]) window.addEventListener(name, look);
