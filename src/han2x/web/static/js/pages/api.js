// The API, made from its own OpenAPI description: each request, its parameters, and a place to try it.

import { get, request } from "../api.js";
import { h, say } from "../dom.js";
import { t } from "../i18n.js";
import { card } from "../ui.js";

const MOST = 100_000;
const ENDLESS = /event-stream/;

/** @param {HTMLElement} root @param {import("../app.js").Context} context */
export async function show(root, context) {
  const description = await get("v1/openapi.json", { signal: context.signal });
  root.append(
    h(
      "p",
      { class: "muted wide" },
      t("api.about"),
      " ",
      h("a", { href: "v1/openapi.json", download: "han2x-openapi.json" }, "openapi.json"),
    ),
  );
  for (const [tag, operations] of byTag(description)) root.append(topic(tag, operations, description));
}

function byTag({ paths }) {
  /** @type {Map<string, any[]>} */
  const tags = new Map();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (!["get", "post", "put", "patch", "delete"].includes(method)) continue;
      const tag = operation.tags?.[0] ?? path.split("/")[2] ?? path;
      const parameters = [...(methods.parameters ?? []), ...(operation.parameters ?? [])];
      tags.set(tag, [...(tags.get(tag) ?? []), { path, method, ...operation, parameters }]);
    }
  }
  return tags;
}

function topic(tag, operations, description) {
  const element = card(
    tag,
    operations.map((operation) => opened(operation, description)),
  );
  element.classList.add("wide");
  return element;
}

function opened(operation, description) {
  const details = h(
    "details",
    { class: "operation" },
    h(
      "summary",
      {},
      h("b", { class: `method ${operation.method}` }, operation.method.toUpperCase()),
      " ",
      h("code", {}, operation.path),
      " ",
      h("span", { class: "muted" }, operation.summary ?? ""),
    ),
  );
  details.addEventListener("toggle", () => details.append(form(operation, description)), { once: true });
  return details;
}

function form(operation, description) {
  const parameters = operation.parameters.map((one) => parameter(resolve(one, description)));
  const body = bodyField(operation, description);
  const answer = h("pre", { class: "answer", hidden: true, tabindex: "0" });
  const attempt = () => void tried(operation, parameters, body?.input.value, answer);
  return h(
    "form",
    { onsubmit: (event) => (event.preventDefault(), attempt()) },
    operation.description && h("p", {}, operation.description),
    parameters.map((one) => one.element),
    body?.element,
    h("button", { type: "submit" }, t("api.try")),
    answer,
  );
}

const resolve = (one, description) =>
  one.$ref
    ? one.$ref
        .slice(2)
        .split("/")
        .reduce((at, key) => at[key], description)
    : one;

function parameter({ name, in: where, required, description, schema }) {
  const input = h("input", { required: Boolean(required), value: schema?.default ?? schema?.example ?? "" });
  return {
    name,
    where,
    input,
    element: h(
      "label",
      { class: "field" },
      h("span", {}, h("code", {}, name), ` ${description ?? ""}`),
      input,
    ),
  };
}

function bodyField({ requestBody }, description) {
  const content = requestBody && resolve(requestBody, description).content;
  if (!content) return null;
  const schema = resolve(Object.values(content)[0].schema ?? {}, description);
  const input = h("textarea", {
    rows: 5,
    spellcheck: "false",
    value: JSON.stringify(sample(schema, description), null, 2),
  });
  return { input, element: h("label", { class: "field" }, h("span", {}, t("api.body")), input) };
}

/** A value that fits a schema, to begin with. */
function sample(schema, description, depth = 0) {
  const whole = resolve(schema, description);
  if (whole.example !== undefined || whole.default !== undefined) return whole.example ?? whole.default;
  if (whole.enum) return whole.enum[0];
  if (whole.type === "object" && depth < 3)
    return Object.fromEntries(
      Object.entries(whole.properties ?? {}).map(([name, one]) => [
        name,
        sample(one, description, depth + 1),
      ]),
    );
  return { string: "", integer: 0, number: 0, boolean: false, array: [], object: {} }[whole.type] ?? null;
}

async function tried({ path, method }, parameters, text, answer) {
  const given = parameters.filter(({ input }) => input.value !== "");
  let address = path.replace(/^\//, "");
  for (const { name, where, input } of given)
    if (where === "path") address = address.replace(`{${name}}`, encodeURIComponent(input.value));
  const query = new URLSearchParams(
    given.filter(({ where }) => where === "query").map(({ name, input }) => [name, input.value]),
  );
  const headers = Object.fromEntries(
    given.filter(({ where }) => where === "header").map(({ name, input }) => [name, input.value]),
  );
  answer.hidden = false;
  const stop = new AbortController();
  try {
    const body = text ? JSON.parse(text) : undefined;
    const response = await request(method.toUpperCase(), query.size ? `${address}?${query}` : address, {
      body,
      headers,
      signal: stop.signal,
    });
    say(answer, `${response.status}\n${await content(response, stop)}`);
  } catch (error) {
    say(answer, error.body ? `${error.status}\n${JSON.stringify(error.body, null, 2)}` : error.message);
  }
}

/** The answer, shortened; of a stream that does not end, the beginning. */
async function content(response, stop) {
  const type = response.headers.get("content-type") ?? "";
  if (ENDLESS.test(type)) return beginning(response, stop);
  const text = await response.text();
  const pretty = type.includes("json") && text ? JSON.stringify(JSON.parse(text), null, 2) : text;
  return pretty.slice(0, MOST);
}

async function beginning(response, stop) {
  const { value } = await response.body.pipeThrough(new TextDecoderStream()).getReader().read();
  stop.abort();
  return `${value ?? ""}…`;
}
