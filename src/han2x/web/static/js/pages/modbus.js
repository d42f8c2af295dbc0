// Modbus: what every register holds now, who reads, and lists for those who are to.

import { get } from "../api.js";
import { h, say } from "../dom.js";
import { number, said, span, t } from "../i18n.js";
import { FRESH_MS } from "../live.js";
import { NEVER, now, watch } from "../freshness.js";
import { LIMIT_MS, refreshed } from "../refreshed.js";
import { card, note, row, table } from "../ui.js";

const PAUSE_MS = 2000;
const NAMES = {
  md: "Markdown",
  csv: "CSV",
  json: "JSON",
  homeassistant: "Home Assistant",
  nodered: "Node-RED",
  openhab: "openHAB",
  loxone: "Loxone",
  iobroker: "ioBroker",
  telegraf: "Telegraf",
  evcc: "evcc",
  siemens: "Siemens",
  schneider: "Schneider",
};

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const asked = now();
  const about = await get("v1/modbus", { signal: context.signal });
  serverCard(root, about, asked, context);
  const lists = h("div", { class: "row" });
  root.append(card(t("modbus.lists"), h("p", { class: "muted" }, t("modbus.lists_doc")), lists));
  if (about.units.length) registerCard(root, about, lists, context);
}

/** The servers and their clients, told every five seconds. */
function serverCard(root, about, asked, { live, signal }) {
  const body = h("div", { class: "stack" });
  const element = card(t("modbus.servers"), body);
  const place = watch(element);
  const show = (servers, told) =>
    place.show([[told, FRESH_MS]], () => body.replaceChildren(...servers.map(server)));
  root.append(element);
  show(about.servers, asked);
  live.on("clients", ({ servers, told }) => show(servers, told), signal);
  live.want({ clients: "1" }, signal);
}

function server({ name, text, clients, refused }) {
  const body = h(
    "tbody",
    {},
    clients.map((one) =>
      row([
        h("code", {}, one.peer),
        span(one.connected_s),
        span(one.idle_s),
        number(one.requests),
        number(one.exceptions),
        one.last_exception ? `0x${one.last_exception.toString(16).padStart(2, "0")}` : "",
      ]),
    ),
  );
  const heads = ["peer", "connected", "idle", "requests", "exceptions", "last"].map((key) =>
    t(`modbus.${key}`),
  );
  return h(
    "div",
    {},
    h("h3", {}, name),
    h("p", {}, said(text)),
    clients.length
      ? table(t("modbus.clients"), heads, body)
      : h("p", { class: "muted" }, t("modbus.no_clients")),
    refused > 0 && note("warn", t("modbus.refused", { count: number(refused) })),
  );
}

function registerCard(root, { units, lists: tools }, lists, context) {
  let unit = units.find((one) => one.meter === context.meterId) ?? units[0];
  const body = h("tbody", {});
  const find = h("input", {
    type: "search",
    id: "find-register",
    placeholder: t("modbus.find"),
    "aria-label": t("modbus.find"),
    oninput: () => hide(),
  });
  const choose = h(
    "select",
    { "aria-label": t("modbus.unit"), onchange: (event) => pick(units[event.target.selectedIndex]) },
    units.map((one) =>
      h(
        "option",
        { selected: one === unit },
        t("modbus.unit_name", { unit: one.unit_id, title: said(one.title ?? one.map), meter: one.name }),
      ),
    ),
  );
  const heads = ["register", "address", "name", "type", "raw", "value"].map((key) => t(`modbus.${key}`));
  const element = card(
    t("modbus.registers"),
    h("div", { class: "row" }, choose, find),
    table(t("modbus.registers"), heads, body),
  );
  element.classList.add("wide");
  root.append(element);
  /** @type {Map<string, any>} */
  let cells = new Map();

  function pick(next) {
    unit = next;
    cells = new Map();
    body.replaceChildren();
    place.show([[NEVER, 0]]);
    lists.replaceChildren(
      ...tools.map((tool) =>
        h(
          "a",
          {
            class: "button",
            href: `v1/modbus/lists/${encodeURIComponent(unit.map)}/${tool}`,
            download: true,
          },
          NAMES[tool] ?? tool,
        ),
      ),
    );
    soon();
  }

  async function ask(signal) {
    const asked = unit;
    return { asked, rows: await get(`v1/modbus/registers/${asked.unit_id}`, { signal }) };
  }

  function show({ asked, rows }) {
    if (asked !== unit) return;
    if (!cells.size) build(rows);
    for (const one of rows) update(one);
  }

  /** What a register holds is as old as the answer; what it says of a meter is as old as its last telegram. */
  function bounds(asked) {
    return [
      [asked, LIMIT_MS],
      [() => context.live.meters.get(unit.meter)?.received_at ?? NEVER, FRESH_MS],
    ];
  }

  function build(rows) {
    cells = new Map(rows.map((one) => [String(one.address), { raw: h("code", {}), value: h("b", {}) }]));
    body.replaceChildren(...rows.map((one) => registerRow(one, cells.get(String(one.address)))));
    hide();
  }

  function update({ address, raw, value }) {
    const cell = cells.get(String(address));
    if (!cell) return;
    say(cell.raw, raw);
    say(
      cell.value,
      typeof value === "number" ? number(value, Number.isInteger(value) ? 0 : 2) : (value ?? "–"),
    );
  }

  function hide() {
    const wanted = find.value.toLowerCase();
    for (const line of body.children)
      line.hidden = wanted !== "" && !line.textContent.toLowerCase().includes(wanted);
  }

  const { first, soon, place } = refreshed(element, context, { ask, show, pause: PAUSE_MS, bounds });
  first.catch(() => {});
  context.live.on("meter", (meter) => meter.id === unit.meter && soon(), context.signal);
  pick(unit);
}

function registerRow(one, cell) {
  const name = h("span", { title: one.meaning }, one.meaning || one.name);
  return row([
    h("code", {}, one.register),
    h("span", {}, `${one.address} (${one.hex})`),
    name,
    `${one.type}${one.access === "R" ? "" : ` ${one.access}`}`,
    cell.raw,
    h("span", {}, cell.value, one.unit && one.unit !== "–" ? ` ${one.unit}` : ""),
  ]);
}
