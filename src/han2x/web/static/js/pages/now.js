// Now: net power large, the phases against the main fuse, the hour with its budget, how fresh it all is.

import { h, say, set } from "../dom.js";
import { capital, localTime, number, quantity, span, t, time } from "../i18n.js";
import { icon } from "../icons.js";
import { mood, verdictNext, verdictText } from "../source.js";
import { recent, remember, traceView } from "../trace.js";
import { card, facts } from "../ui.js";

const PHASES = ["1", "2", "3"];
const ENERGIES = ["act_energy_pos", "act_energy_neg", "react_energy_pos", "react_energy_neg"];

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const parts = [trouble(), power(), hour(), phases(), money(), registers()];
  const [top, large, ...small] = parts.map((part) => part.element);
  const [hours, lines, costs, meters] = small;
  root.append(
    top,
    large,
    h("div", { class: "stack" }, hours, costs),
    h("div", { class: "stack" }, lines, meters),
  );
  const trace = await recent(context);
  const draw = () => {
    const meter = context.meter();
    if (!meter) return;
    for (const part of parts) part.show(meter, context.live, trace);
  };
  const taken = (meter) => {
    if (meter.name !== context.meterName) return;
    remember(trace, context.live.now(), context.live.fresh(meter) ? meter.net_power : null);
    draw();
  };
  context.live.on("meter", taken, context.signal);
  context.live.on("tick", draw, context.signal);
  draw();
}

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
  function show({ diagnosis }) {
    const well = !diagnosis || diagnosis.verdict === "good";
    element.hidden = well;
    if (well) return;
    element.className = `verdict wide ${mood(diagnosis.verdict)}`;
    if (!sign.firstChild) sign.append(icon("warning"));
    say(text, verdictText(diagnosis));
    say(next, verdictNext(diagnosis));
  }
  return { element, show };
}

function power() {
  const value = h("span", { class: "big", id: "net-power" }, "–");
  const direction = h("p", { class: "direction" });
  const dot = h("i", { class: "dot", "aria-hidden": "true" });
  const age = h("span", { id: "age" }, t("now.never"));
  const trace = traceView();
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

  function show(meter, live, points) {
    const fresh = live.fresh(meter);
    const net = meter.net_power;
    element.classList.toggle("stale", !fresh);
    say(value, number(net));
    set(element, { "data-direction": net < 0 ? "export" : "import" });
    say(direction, net === null ? t("now.unknown") : net < 0 ? t("now.exporting") : t("now.importing"));
    const seconds = live.age(meter);
    say(
      age,
      seconds === null
        ? t("now.never")
        : fresh
          ? t("now.age", { span: span(seconds) })
          : t("now.stale", { span: span(seconds) }),
    );
    trace.draw(points, live.now());
  }
  return { element, show };
}

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

  function show(meter) {
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

  function show(meter, live) {
    const two = meter.values.curr_l1 && meter.values.curr_l3 && !meter.values.curr_l2;
    rows.forEach((row) => row.show(meter, live, two));
    say(
      foot,
      [meter.fuse_a ? t("now.fuse", { fuse: number(meter.fuse_a) }) : t("now.no_fuse"), netText(meter.net)]
        .filter(Boolean)
        .join(" "),
    );
  }
  return { element, show };
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

  function show(meter, live, two) {
    const amps = meter.values[`curr_l${number_}`];
    const volts = meter.values[`volt_l${number_}`];
    const known = amps && amps.value !== null;
    say(current, known ? quantity(amps.value, "A", 1) : two && number_ === "2" ? t("now.not_sent") : "–");
    say(voltage, volts ? quantity(volts.value, "V", 1) : "–");
    const share =
      known && meter.fuse_a ? Math.abs(amps.value) / meter.fuse_a : known ? Math.abs(amps.value) / 63 : 0;
    set(bar, { "--share": `${Math.min(100, share * 100).toFixed(1)}%` });
    element.className = !live.fresh(meter)
      ? "stale"
      : meter.fuse_a && share > 0.9
        ? "over"
        : meter.fuse_a && share > 0.75
          ? "near"
          : "";
  }
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

  function show({ costs, capacity }) {
    element.hidden = !costs && !capacity;
    prices.hidden = !costs;
    say(price, costs?.price ? quantity(costs.price.nok_per_kwh, t("unit.nok_kwh"), 2) : "–");
    say(today, costs ? quantity(costs.today.total, t("unit.nok"), 2) : "–");
    say(
      todayNote,
      costs && !costs.today.complete
        ? t("now.incomplete")
        : costs?.price?.provisional
          ? t("now.provisional")
          : "",
    );
    say(step, stepText(capacity));
  }
  return { element, show };
}

function stepText(capacity) {
  if (!capacity || capacity.step === null) return "";
  const parameters = { step: capacity.step, kw: number(capacity.mean_kw, 2) };
  return capacity.mean_kw === null ? t("cost.step", parameters) : t("now.step", parameters);
}

function registers() {
  const list = h("div", {});
  const element = card(t("now.registers"), list);
  let shown = "";
  function show(meter) {
    const rows = ENERGIES.filter((name) => name in meter.values || name in meter.estimates).map((name) => [
      t(`quantity.${name}`),
      energy(meter, name),
    ]);
    const others = [
      [t("now.reactive"), reactive(meter)],
      [
        t("now.meter"),
        [capital(meter.vendor), meter.meter_type, meter.meter_id].filter(Boolean).join(" ") || "–",
      ],
      [t("now.clock"), localTime(meter.clock, "moment")],
      [t("now.last"), time(meter.last_telegram, "moment")],
    ];
    const text = JSON.stringify([meter.values, meter.estimates, others]);
    if (text === shown) return;
    shown = text;
    list.replaceChildren(
      rows.length
        ? facts([...rows, ...others])
        : h("div", {}, h("p", { class: "muted" }, t("now.energies_later")), facts(others)),
    );
  }
  return { element, show };
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
