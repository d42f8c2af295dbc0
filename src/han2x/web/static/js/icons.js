// The few icons, drawn for this page: strokes on a grid of 24.

import { svg } from "./dom.js";

const PATHS = {
  now: "M13 3L5 14h6l-1 7 8-11h-6z",
  history: "M4 4v16h16M8 15l3-4 3 2 5-7",
  cost: "M5 20V10M10 20V4M15 20v-7M20 20V8",
  signal: "M3 12h4l2-6 4 12 3-8 1 2h4",
  modbus: "M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01",
  mqtt: "M5 19a14 14 0 0 0-1-1M5 13a6 6 0 0 1 6 6M5 7a12 12 0 0 1 12 12M6 18h.01",
  settings: "M4 7h9M19 7h1M4 17h1M11 17h9M16 4v6M8 14v6",
  system: "M5 4h14v10H5zM9 20h6M12 14v6",
  api: "M8 7l-5 5 5 5M16 7l5 5-5 5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  good: "M5 12l5 5 9-10",
  warning: "M12 4l9 16H3zM12 10v4M12 17h.01",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18zM12 11v6M12 7.5h.01",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
};

/** @param {keyof typeof PATHS} name */
export const icon = (name) =>
  svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
