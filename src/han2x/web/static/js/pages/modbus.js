// Modbus: what every register holds now, who reads, and lists for those who are to.

import { get } from "../api.js";
import { h, say } from "../dom.js";
import { number, said, span, t } from "../i18n.js";
import { card, note, row, seldom, table } from "../ui.js";

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
  const about = await get("v1/modbus", { signal: context.signal });
  const servers = h("div", { class: "stack" });
  root.append(card(t("modbus.servers"), servers));
  const draw = (clients) =>
    servers.replaceChildren(
      ...about.servers.map((one) => server({ ...one, clients: clients[one.name] ?? one.clients })),
    );
  draw({});
  context.live.on("clients", draw, context.signal);
  const lists = h("div", { class: "row" });
  root.append(card(t("modbus.lists"), h("p", { class: "muted" }, t("modbus.lists_doc")), lists));
  if (about.units.length) registerCard(root, about, lists, context);
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
  let unit = units.find((one) => one.meter === context.meterName) ?? units[0];
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
        t("modbus.unit_name", { unit: one.unit_id, title: one.title ?? one.map, meter: one.meter }),
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

  async function load() {
    const asked = unit;
    const rows = await get(`v1/modbus/registers/${asked.unit_id}`, { signal: context.signal });
    if (asked !== unit) return;
    if (!cells.size) build(rows);
    for (const one of rows) update(one);
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

  const soon = seldom(() => load().catch(() => {}), PAUSE_MS, context.signal);
  context.live.on("meter", (meter) => meter.name === unit.meter && soon(), context.signal);
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
