// What the gateway pushes: one EventSource, the newest value of each meter, and a tick each second for ages.
//
// Listeners belong to an AbortSignal (a page's), so none outlives its page. The stream is opened anew when a page
// wants more of it (telegrams, the log, clients), and after any end of it that the browser does not mend itself.

/**
 * @typedef {{name: string, got: number, [more: string]: any}} Meter a meter as the API gives it; `got`: when, on
 * this page's own monotonic clock, in ms
 */

const FRESH_S = 30;
const PATIENCE_MS = 5000;
const SILENCE_MS = 45_000;

export class Live {
  constructor() {
    /** @type {Map<string, Meter>} */
    this.meters = new Map();
    this.health = { services: [] };
    this.connected = false;
    this.offsetMs = 0;
    this.heard = 0;
    /** @type {Map<string, Set<(data: any) => void>>} */
    this.listeners = new Map();
    /** @type {Set<Record<string, string>>} */
    this.wishes = new Set();
    this.timer = setInterval(() => this.tick(), 1000);
  }

  /** Opens the stream; `gone` is called when the gateway wants a log-in. @param {() => void} gone */
  start(gone) {
    this.gone = gone;
    this.open();
  }

  stop() {
    this.source?.close();
    clearTimeout(this.again);
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
    this.wishes.add(wish);
    signal.addEventListener(
      "abort",
      () => {
        this.wishes.delete(wish);
        this.reopen();
      },
      { once: true },
    );
    this.reopen();
  }

  /** Seconds since a meter's last telegram, as of now. @param {Meter} meter @returns {number | null} */
  age(meter) {
    return meter.age_s === null ? null : meter.age_s + (performance.now() - meter.got) / 1000;
  }

  /** Whether what is shown of a meter is of now. @param {Meter} meter */
  fresh(meter) {
    const age = this.age(meter);
    return meter.live && age !== null && age <= FRESH_S;
  }

  /** The gateway's clock, in ms. */
  now() {
    return Date.now() + this.offsetMs;
  }

  /** @param {Record<string, any>} data */
  take(data) {
    const meter = /** @type {Meter} */ ({ ...data, got: performance.now() });
    this.meters.set(meter.name, meter);
    if (meter.last_telegram && meter.age_s !== null) {
      this.keepTime({ now: Date.parse(meter.last_telegram) + meter.age_s * 1000 });
    }
    this.emit("meter", meter);
  }

  emit(event, data) {
    for (const listener of this.listeners.get(event) ?? []) listener(data);
  }

  reopen() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.address() !== this.opened && this.open(), 0);
  }

  address() {
    const wishes = Object.assign({}, ...this.wishes);
    const query = new URLSearchParams(wishes).toString();
    return query ? `v1/events?${query}` : "v1/events";
  }

  open() {
    this.source?.close();
    clearTimeout(this.again);
    this.opened = this.address();
    const source = (this.source = new EventSource(this.opened));
    this.heard = performance.now();
    source.onopen = () => this.connection(true);
    source.onerror = () => this.broken(source);
    for (const [event, take] of Object.entries(this.takers())) {
      source.addEventListener(event, (message) => this.hear(take, message.data));
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
      meter: (data) => this.take(data),
      health: (data) => {
        this.health = data;
        this.emit("health", data);
      },
      settings: pass("settings"),
      telegram: pass("telegram"),
      log: pass("log"),
      clients: pass("clients"),
      end: () => this.gone(),
    };
  }

  /** The gateway's clock counts, not this device's. @param {{now: string | number}} data */
  keepTime({ now }) {
    this.offsetMs = new Date(now).getTime() - Date.now();
  }

  hear(take, text) {
    this.heard = performance.now();
    this.connection(true);
    take(JSON.parse(text));
  }

  connection(up) {
    if (this.connected === up) return;
    this.connected = up;
    this.emit("connection", up);
  }

  async broken(source) {
    if (source !== this.source) return;
    this.connection(false);
    if (source.readyState !== EventSource.CLOSED) return;
    clearTimeout(this.again);
    const asked = await fetch("v1/session", { cache: "no-store" }).catch(() => null);
    if (source !== this.source) return;
    this.again = setTimeout(() => this.open(), PATIENCE_MS);
    if (asked?.status === 401) this.gone();
  }

  tick() {
    const silent = this.source && performance.now() - this.heard > SILENCE_MS;
    if (silent && !document.hidden) {
      this.connection(false);
      this.open();
    }
    this.emit("tick", null);
  }
}
