// Now: net power large, the phases against the main fuse, the hour with its budget, how fresh it all is.

import { h, say, set } from "../dom.js";
import { attempt, NEVER, now, watch } from "../freshness.js";
import { capital, localTime, number, quantity, span, t, time } from "../i18n.js";
import { icon } from "../icons.js";
import { ENERGY_MS, FRESH_MS } from "../live.js";
import { hoursKnown } from "../periods.js";
import { mood, verdictNext, verdictText } from "../source.js";
import { recent, refill, remember, traceView } from "../trace.js";
import { card, facts } from "../ui.js";

const PHASES = ["1", "2", "3"];
const POWERS = ["act_pow_pos", "act_pow_neg"];
const ENERGIES = ["act_energy_pos", "act_energy_neg", "react_energy_pos", "react_energy_neg"];

/**
 * A part of the page: `show` draws a meter, by places that are watched.
 * @typedef {{element: HTMLElement, show: (meter: import("../live.js").Meter, live: import("../live.js").Live) => void}} Part
 */

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const { live, signal } = context;
  const trace = traceView();
  /** @type {Part[]} */
  const parts = [trouble(), power(trace), hour(), phases(), money(), registers()];
  const [top, large, hours, lines, costs, meters] = parts.map((part) => part.element);
  root.append(
    top,
    large,
    h("div", { class: "stack" }, hours, costs),
    h("div", { class: "stack" }, lines, meters),
  );
  const points = /** @type {import("../trace.js").Points} */ ([]);
  const fill = async () => refill(points, await recent(context));
  const draw = (meter) => parts.forEach((part) => attempt(() => part.show(meter, live)));
  const taken = (meter) => {
    if (meter.id !== context.meterId) return;
    remember(points, live.now(), live.fresh(meter) ? meter.net_power : null);
    draw(meter);
  };
  live.on("meter", taken, signal);
  live.on("tick", () => trace.draw(points, live.now()), signal);
  live.on("connection", (up) => up && fill(), signal);
  const known = context.meter();
  if (known) draw(known);
  await fill();
  trace.draw(points, live.now());
}

/** What the gateway says of a meter is good until it should have said so again. @returns {import("../freshness.js").Bound[]} */
const told = (meter) => [[meter.told, FRESH_MS]];

/** Quantities that are shown together are as old as the oldest; absent ones say nothing. @returns {import("../freshness.js").Bound[]} */
const came = (meter, live, names) => [
  [meter.received_at, FRESH_MS],
  ...names
    .filter((name) => meter.values[name])
    .map((name) => /** @type {import("../freshness.js").Bound} */ ([live.origin(meter, name), FRESH_MS])),
];

function trouble() {
  const sign = h("span", { class: "sign" });
  const text = h("p", { class: "verdict-text" });
  const next = h("p", {});
  const element = h(
    "section",
    { class: "verdict wide", role: "status", "aria-live": "polite", hidden: true },
    sign,
    h("div", {}, text, next, h("a", { href: "#/signal" }, t("now.find_out"))),
  );
  const place = watch(element, { note: false });
  function draw({ diagnosis }) {
    const well = !diagnosis || diagnosis.verdict === "good";
    element.hidden = well;
    if (well) return;
    element.className = `verdict wide ${mood(diagnosis.verdict)}`;
    if (!sign.firstChild) sign.append(icon("warning"));
    say(text, verdictText(diagnosis));
    say(next, verdictNext(diagnosis));
  }
  return { element, show: (meter) => place.show(told(meter), () => draw(meter)) };
}

/** @param {ReturnType<typeof traceView>} trace */
function power(trace) {
  const value = h("span", { class: "big", id: "net-power" }, "–");
  const direction = h("p", { class: "direction" });
  const dot = h("i", { class: "dot", "aria-hidden": "true" });
  const age = h("span", { id: "age" }, t("now.never"));
  let last = NEVER;
  const element = card(
    t("now.net_power"),
    h(
      "div",
      { class: "hero" },
      h("p", {}, value, " ", h("span", { class: "unit" }, "W")),
      direction,
      h("p", { class: "fresh" }, dot, age),
    ),
    trace.elements,
  );
  element.classList.add("wide", "power");

  const tell = (ageMs, fresh) => say(age, ageText(fresh ? now() - last : ageMs, fresh));
  const place = watch(element, { tell });

  function draw(meter) {
    const net = meter.net_power;
    say(value, number(net));
    set(element, { "data-direction": net < 0 ? "export" : "import" });
    say(direction, net === null ? t("now.unknown") : net < 0 ? t("now.exporting") : t("now.importing"));
    last = meter.received_at;
  }
  const show = (meter, live) => place.show(came(meter, live, POWERS), () => draw(meter));
  return { element, show };
}

const ageText = (ageMs, fresh) =>
  Number.isFinite(ageMs)
    ? t(fresh ? "now.age" : "now.stale", { span: span(ageMs / 1000) })
    : t("now.never");

function hour() {
  const used = h("span", { class: "middle", id: "hour-used" }, "–");
  const rest = h("span", { class: "muted" });
  const bar = h(
    "div",
    { class: "budget", role: "img" },
    h("i", { class: "used" }),
    h("i", { class: "forecast" }),
    h("i", { class: "limit" }),
  );
  const forecast = h("p", {});
  const left = h("p", { class: "left" });
  const basis = h("p", { class: "muted small" });
  const element = card(
    t("now.hour"),
    h("p", {}, used, h("span", { class: "unit" }, " kWh "), rest),
    bar,
    forecast,
    left,
    basis,
  );

  const place = watch(element);
  function draw(meter) {
    const { budget, hour: energies } = meter;
    say(used, number(budget ? budget.used : energies?.act_energy_pos, 2));
    bar.hidden = !budget;
    say(rest, budget ? t("now.rest", { span: span(budget.rest_s) }) : "");
    if (!budget)
      return [forecast, left, basis].forEach((part, index) => say(part, index ? "" : t("now.no_budget")));
    const full = Math.max(budget.limit ?? 0, budget.forecast, budget.used, 0.001) * 1.1;
    const share = (kwh) => `${Math.min(100, (100 * kwh) / full).toFixed(1)}%`;
    set(bar, {
      "--used": share(budget.used),
      "--forecast": share(budget.forecast),
      "--limit": share(budget.limit ?? 0),
      "aria-label": t("now.hour_bar", { used: number(budget.used, 2), forecast: number(budget.forecast, 2) }),
    });
    bar.classList.toggle("limited", budget.limit !== null);
    bar.classList.toggle("over", budget.limit !== null && budget.forecast > budget.limit);
    say(forecast, t("now.forecast", { kwh: number(budget.forecast, 2) }));
    say(left, leftText(budget));
    left.classList.toggle("over", budget.left_w !== null && budget.left_w <= 0);
    say(basis, basisText(budget.basis));
  }
  const show = (meter) =>
    place.show([...told(meter), [meter.received_at, FRESH_MS]], () => draw(meter));
  return { element, show };
}

function basisText({ power_w: power, rests_on_s: rests }) {
  const parameters = { power: quantity(power, "W"), span: span(rests) };
  return rests ? t("now.basis", parameters) : t("now.basis_latest", parameters);
}

function leftText({ limit, left_w: left }) {
  if (limit === null || left === null) return t("now.no_limit");
  const kwh = number(limit, 2);
  return left > 0 ? t("now.left", { kw: number(left / 1000, 1), kwh }) : t("now.passed", { kwh });
}

function phases() {
  const rows = PHASES.map(phase);
  const foot = h("p", { class: "muted small" });
  const element = card(
    t("now.phases"),
    h(
      "ul",
      { class: "phases" },
      rows.map((row) => row.element),
    ),
    foot,
  );

  const place = watch(element);
  const names = PHASES.flatMap((one) => [`curr_l${one}`, `volt_l${one}`]);
  function draw(meter, live) {
    const two = meter.values.curr_l1 && meter.values.curr_l3 && !meter.values.curr_l2;
    rows.forEach((row) => row.show(meter, live, two));
    say(
      foot,
      [meter.fuse_a ? t("now.fuse", { fuse: number(meter.fuse_a) }) : t("now.no_fuse"), netText(meter.net)]
        .filter(Boolean)
        .join(" "),
    );
  }
  return { element, show: (meter, live) => place.show(came(meter, live, names), () => draw(meter, live)) };
}

const netText = (net) => (net ? t(`net.${net}`) : "");

function phase(number_) {
  const current = h("b", {}, "–");
  const voltage = h("span", { class: "volts" }, "–");
  const bar = h("i", { class: "bar", "aria-hidden": "true" });
  const name = h("span", { class: "phase-name" }, `L${number_}`);
  const element = h(
    "li",
    {},
    name,
    h("span", { class: "meterbar" }, bar),
    h("span", { class: "amps" }, current),
    voltage,
  );

  const place = watch(element, { note: false });
  function draw(meter, two) {
    const amps = meter.values[`curr_l${number_}`];
    const volts = meter.values[`volt_l${number_}`];
    const known = amps && amps.value !== null;
    say(current, known ? quantity(amps.value, "A", 1) : two && number_ === "2" ? t("now.not_sent") : "–");
    say(voltage, volts ? quantity(volts.value, "V", 1) : "–");
    const share =
      known && meter.fuse_a ? Math.abs(amps.value) / meter.fuse_a : known ? Math.abs(amps.value) / 63 : 0;
    set(bar, { "--share": `${Math.min(100, share * 100).toFixed(1)}%` });
    element.className = meter.fuse_a && share > 0.9 ? "over" : meter.fuse_a && share > 0.75 ? "near" : "";
  }
  const names = [`curr_l${number_}`, `volt_l${number_}`];
  const show = (meter, live, two) => place.show(came(meter, live, names), () => draw(meter, two));
  return { element, show };
}

function money() {
  const price = h("span", { class: "middle" }, "–");
  const today = h("span", { class: "middle" }, "–");
  const todayNote = h("p", { class: "muted small" });
  const step = h("p", {});
  const prices = h(
    "div",
    { class: "pair" },
    h("div", {}, h("p", { class: "label" }, t("now.price")), price),
    h("div", {}, h("p", { class: "label" }, t("now.today")), today),
  );
  const element = card(
    t("now.cost"),
    prices,
    todayNote,
    step,
    h("p", {}, h("a", { href: "#/cost" }, t("now.to_cost"))),
  );

  const place = watch(element);
  function draw({ costs, capacity }) {
    element.hidden = !costs && !capacity;
    prices.hidden = !costs;
    say(price, costs?.price ? quantity(costs.price.nok_per_kwh, t("unit.nok_kwh"), 2) : "–");
    say(today, costs && hoursKnown(costs.today) ? quantity(costs.today.total, t("unit.nok"), 2) : "–");
    say(todayNote, costs ? todayText(costs) : "");
    say(step, stepText(capacity));
  }
  return { element, show: (meter) => place.show(told(meter), () => draw(meter)) };
}

function todayText({ today, price }) {
  if (!hoursKnown(today)) return t(today.hours ? "cost.none_received" : "cost.none_finished");
  if (!today.complete) return t("now.incomplete");
  return price?.provisional ? t("now.provisional") : "";
}

function stepText(capacity) {
  if (!capacity || capacity.step === null) return "";
  const parameters = { step: capacity.step, kw: number(capacity.mean_kw, 2) };
  return capacity.mean_kw === null ? t("cost.step", parameters) : t("now.step", parameters);
}

const LINES = ["l1", "l2", "l3"];

/** Import less export of each phase; what is not sent is a dash. */
function phasePowers(values) {
  const watts = LINES.map((line) => {
    const [taken, given] = POWERS.map((power) => values[`${power}_${line}`]);
    return taken || given ? number((taken?.value ?? 0) - (given?.value ?? 0), 0) : "–";
  });
  return `${watts.join(" / ")} W`;
}

/** What only some meters send. */
const BESIDES = [
  {
    label: "now.phase_power",
    names: POWERS.flatMap((power) => LINES.map((line) => `${power}_${line}`)),
    text: phasePowers,
  },
  {
    label: "now.power_factor",
    names: ["power_factor"],
    text: (values) => number(values.power_factor.value, 2),
  },
  {
    label: "now.frequency",
    names: ["frequency"],
    text: (values) => quantity(values.frequency.value, "Hz", 2),
  },
];

function registers() {
  const list = h("div", {});
  const element = card(t("now.registers"), list);
  let shown = "";
  /** @type {Map<string, ReturnType<typeof watch>>} */
  let places = new Map();
  function draw(meter) {
    const text = JSON.stringify([
      meter.values,
      meter.estimates,
      meter.clock,
      meter.last_telegram,
      meter.vendor,
      meter.meter_type,
      meter.meter_id,
    ]);
    if (text === shown) return;
    places = new Map();
    const placed = (name, value) => {
      const box = h("span", { class: "stack" }, h("span", {}, value));
      places.set(name, watch(box));
      return box;
    };
    const rows = ENERGIES.filter((name) => name in meter.values || name in meter.estimates).map((name) => [
      t(`quantity.${name}`),
      placed(name, energy(meter, name)),
    ]);
    const others = [
      [t("now.reactive"), placed("react_pow", reactive(meter))],
      ...BESIDES.filter(({ names }) => names.some((name) => name in meter.values)).map((row) => [
        t(row.label),
        placed(row.label, row.text(meter.values)),
      ]),
      [
        t("now.meter"),
        [capital(meter.vendor), meter.meter_type, meter.meter_id].filter(Boolean).join(" ") || "–",
      ],
      [t("now.clock"), localTime(meter.clock, "moment")],
      [t("now.last"), time(meter.last_telegram, "moment")],
    ];
    list.replaceChildren(
      rows.length
        ? facts([...rows, ...others])
        : h("div", {}, h("p", { class: "muted" }, t("now.energies_later")), facts(others)),
    );
    shown = text;
  }
  function show(meter, live) {
    draw(meter);
    for (const [name, place] of places) place.show(registerBounds(meter, live, name));
  }
  return { element, show };
}

/** A register comes once an hour, and is good until the one after next; reactive power comes with the currents. */
function registerBounds(meter, live, name) {
  if (name === "react_pow") return came(meter, live, ["react_pow_pos", "react_pow_neg"]);
  const besides = BESIDES.find((row) => row.label === name);
  if (besides) return came(meter, live, besides.names);
  return [
    [live.origin(meter, name), ENERGY_MS],
    [meter.received_at, FRESH_MS],
  ];
}

function energy(meter, name) {
  const unit = name.startsWith("act") ? "kWh" : "kvarh";
  const exact = meter.values[name] ? quantity(meter.values[name].value, unit, 2) : "–";
  const estimate = meter.estimates[name];
  if (estimate === undefined || estimate === meter.values[name]?.value) return exact;
  return [
    h("span", {}, exact),
    h("span", { class: "muted small" }, t("now.estimate", { value: quantity(estimate, unit, 2) })),
  ];
}

function reactive({ values }) {
  const parts = ["react_pow_pos", "react_pow_neg"]
    .filter((name) => values[name])
    .map((name) => quantity(values[name].value, "var"));
  return parts.length ? `${parts[0]} / ${parts[1] ?? "–"}` : "–";
}
