// How long an event was on its way: the gateway's monotonic clock, which every event carries, against ours.
//
// The two clocks differ by what nobody knows; the least difference seen on a connection is taken for it. An answer
// that came slowly says little: there the gateway's clock is taken to have stood, when we asked, where it stands in the
// answer, so that an age is never too small. Clocks that run apart are allowed `DRIFT`.

import { now } from "./freshness.js";

const DRIFT = 2e-4;
export const SLOW_MS = 5000;

export class Transit {
  constructor() {
    this.asked = now();
    this.offset = /** @type {number | null} */ (null);
    this.last = this.asked;
  }

  /** How long ago an event was written down, in ms. @param {string} id the gateway's clock in ms; empty if it says none */
  delay(id) {
    const at = now();
    const sent = Number(id);
    if (id === "" || Number.isNaN(sent)) return 0;
    const offset = at - sent;
    if (this.offset === null) {
      this.slow = at - this.asked > SLOW_MS;
      this.offset = this.slow ? this.asked - sent : offset;
    }
    this.offset = Math.min(offset, this.offset + DRIFT * (at - this.last));
    this.last = at;
    return offset - this.offset;
  }
}
