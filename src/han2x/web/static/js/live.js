// What the gateway pushes: one EventSource, the newest of each meter, and a tick each second.
//
// Listeners belong to an AbortSignal (a page's), so none outlives its page. The stream is opened anew when a page
// wants more of it (telegrams, the log, clients), when it ends, when it says nothing for too long, and when this device
// has slept. It counts as alive by the age of its newest event, and by nothing else.

import { attempt, NEVER, now, onJump } from "./freshness.js";
import { Transit } from "./transit.js";

/**
 * @typedef {{id: string, name: string, told: number, received_at: number, [more: string]: any}} Meter a meter as the API gives it.
 * `told`: when the gateway wrote it down; `received_at`: when its last telegram came; both by `now()`
 */

/** How old a telegram's values, and what the gateway says of a meter, may grow. */
export const FRESH_MS = 30_000;
/** How long a register that comes once an hour is good. */
export const ENERGY_MS = 2 * 3_600_000;
/** How long the HAN lamp is lit after a telegram. */
export const LAMP_MS = 60_000;
/** How long the gateway may say nothing: it does so every ten seconds at least. */
export const LINK_MS = 25_000;

const PATIENCE_MS = 2000;
const ANSWER_MS = 5000;

export class Live {
  constructor() {
    /** @type {Map<string, Meter>} */
    this.meters = new Map();
    this.health = { services: [] };
    this.offsetMs = 0;
    /** When the newest event of the present connection was written down. */
    this.alive = NEVER;
    this.up = false;
    /** @type {Map<string, Set<(data: any) => void>>} */
    this.listeners = new Map();
    /** @type {Set<Record<string, string>>} */
    this.wishes = new Set();
    this.life = new AbortController();
    this.timer = setInterval(() => this.tick(), 1000);
    onJump(() => this.open(), this.life.signal);
    for (const name of ["pageshow", "online"])
      window.addEventListener(name, (event) => (event.persisted || name === "online") && this.open(), {
        signal: this.life.signal,
      });
  }

  /** Opens the stream; `gone` is called when the gateway wants a log-in. @param {() => void} gone */
  start(gone) {
    this.gone = gone;
    this.open();
  }

  stop() {
    this.life.abort();
    this.source?.close();
    this.source = undefined;
    clearTimeout(this.again);
    clearTimeout(this.soon);
    clearInterval(this.timer);
    this.listeners.clear();
  }

  /** Calls `listener` at each event of a name until the signal ends. @param {string} event @param {(data: any) => void} listener @param {AbortSignal} signal */
  on(event, listener, signal) {
    if (signal.aborted) return;
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set.add(listener));
    signal.addEventListener("abort", () => set.delete(listener), { once: true });
  }

  /** Asks for more of the stream while the signal lasts. @param {Record<string, string>} wish @param {AbortSignal} signal */
  want(wish, signal) {
    if (signal.aborted) return;
    this.wishes.add(wish);
    signal.addEventListener("abort", () => (this.wishes.delete(wish), this.reopen()), { once: true });
    this.reopen();
  }

  /** Whether the gateway says anything now. */
  get connected() {
    return this.up && now() - this.alive <= LINK_MS;
  }

  /** What is true while the stream is alive, because any change of it would be pushed. @returns {import("./freshness.js").Bound} */
  link() {
    return [() => (this.up ? this.alive : NEVER), LINK_MS];
  }

  /** Seconds since a meter's last telegram, as of now. @param {Meter} meter @returns {number | null} */
  age(meter) {
    return Number.isFinite(meter.received_at) ? Math.max(0, now() - meter.received_at) / 1000 : null;
  }

  /** Whether what is shown of a meter is of now. @param {Meter} meter */
  fresh(meter) {
    return now() - meter.received_at <= FRESH_MS;
  }

  /** When a quantity of a meter came. @param {Meter} meter @param {string} quantity */
  origin(meter, quantity) {
    return before(meter.told, meter.values[quantity]?.age_s);
  }

  /** The gateway's clock, in ms. */
  now() {
    return Date.now() + this.offsetMs;
  }

  /** @param {Record<string, any>} data @param {number} told when it was written down */
  take(data, told) {
    const meter = /** @type {Meter} */ ({ ...data, told, received_at: before(told, data.age_s) });
    this.meters.set(meter.id, meter);
    this.emit("meter", meter);
  }

  emit(event, data) {
    for (const listener of [...(this.listeners.get(event) ?? [])]) attempt(() => listener(data));
  }

  reopen() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.source && this.address() !== this.opened && this.open(), 0);
  }

  address() {
    const wishes = Object.assign({}, ...this.wishes);
    const query = new URLSearchParams(wishes).toString();
    return query ? `v1/events?${query}` : "v1/events";
  }

  open() {
    if (!this.gone || this.life.signal.aborted) return;
    this.source?.close();
    clearTimeout(this.again);
    this.opened = this.address();
    const source = (this.source = new EventSource(this.opened));
    const transit = new Transit();
    this.tried = now();
    source.onerror = () => this.broken(source);
    for (const [event, take] of Object.entries(this.takers())) {
      source.addEventListener(event, (message) => {
        if (source !== this.source) return;
        this.hear(take, message.data, now() - transit.delay(message.lastEventId));
        if (event === "hello" && transit.slow) this.again = setTimeout(() => this.open(), ANSWER_MS);
      });
    }
  }

  takers() {
    const pass = (event) => (data) => this.emit(event, data);
    return {
      hello: (data) => {
        this.keepTime(data);
        this.emit("hello", data);
      },
      beat: (data) => this.keepTime(data),
      meter: (data, told) => this.take(data, told),
      health: (data) => {
        this.health = data;
        this.emit("health", data);
      },
      settings: pass("settings"),
      telegram: pass("telegram"),
      log: pass("log"),
      clients: (data, told) => this.emit("clients", { servers: data, told }),
      end: () => this.gone(),
    };
  }

  /** The gateway's clock counts, not this device's. @param {{now: string | number}} data */
  keepTime({ now: at }) {
    this.offsetMs = new Date(at).getTime() - Date.now();
  }

  /** An event, written down at a moment; what cannot be read is reported, and renews nothing. */
  hear(take, text, told) {
    attempt(() => {
      const data = JSON.parse(text);
      this.alive = Math.max(this.alive, told);
      if (now() - this.alive <= LINK_MS) this.connection(true);
      take(data, told);
    });
  }

  /** @param {boolean} up */
  connection(up) {
    if (!up) this.alive = NEVER;
    if (this.up === up) return;
    this.up = up;
    this.emit("connection", up);
  }

  /** The stream has ended: it is opened again, unless the gateway wants a log-in. */
  async broken(source) {
    if (source !== this.source) return;
    source.close();
    this.connection(false);
    const signal = AbortSignal.timeout(ANSWER_MS);
    const asked = await fetch("v1/session", { cache: "no-store", signal }).catch(() => null);
    if (source !== this.source) return;
    clearTimeout(this.again);
    this.again = setTimeout(() => this.open(), PATIENCE_MS);
    if (asked?.status === 401) this.gone();
  }

  tick() {
    if (this.up && !this.connected) this.connection(false);
    const silent = now() - Math.max(this.alive, this.tried ?? NEVER) > LINK_MS;
    if (this.source && silent) this.open();
    this.emit("tick", null);
  }
}

/** A moment so many seconds before another; never, where there is none. @param {number} told @param {number | null} age_s */
const before = (told, age_s) => (age_s === null || age_s === undefined ? NEVER : told - Math.max(0, age_s * 1000));
