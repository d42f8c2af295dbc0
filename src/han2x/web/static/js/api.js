// Requests to the gateway: relative addresses, the CSRF token, and errors with a sentence a person can act on.

import { number, t, tOr } from "./i18n.js";

/** @typedef {{path: string, code?: string, params?: Record<string, any>, text: string}} Complaint */

/** A request that was refused. `code` is stable, `complaints` stand by their fields. */
export class Refusal extends Error {
  /** @param {number} status @param {{error?: string, text?: string, complaints?: Complaint[], [more: string]: any}} body */
  constructor(status, body) {
    super(errorText(status, body));
    this.status = status;
    this.code = body.error ?? "";
    this.complaints = body.complaints ?? [];
    this.body = body;
  }
}

/** The sentence of an error. @param {number} status @param {Record<string, any>} body */
function errorText(status, body) {
  const wait = body.retry_s === undefined ? {} : { retry_s: number(Math.ceil(body.retry_s)) };
  return tOr(`error.${body.error}`, body.text ?? t("error.http", { status }), { ...body, ...wait });
}

/** The sentence of a complaint. @param {Complaint} complaint */
export function complaintText({ code, params = {}, text }) {
  const said = text.charAt(0).toUpperCase() + text.slice(1);
  return tOr(`complaint.${code}`, tOr(`must.${params.must}`, said), spoken(params));
}

function spoken(parameters) {
  const written = (name, value) =>
    typeof value === "number" && name !== "port" ? number(value) : Array.isArray(value) ? value.join(", ") : value;
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, written(name, value)]));
}

/** How long an answer is waited for; a frozen gateway takes requests and never answers. */
const ANSWER_MS = 20_000;

const door = { csrf: "", loggedOut: () => {}, changing: false };

/** What is needed to change things, and what to do when the session has ended. @param {string} csrf @param {() => void} loggedOut */
export function useSession(csrf, loggedOut) {
  door.csrf = csrf;
  door.loggedOut = loggedOut;
}

/**
 * A request; its response if it is well, else a `Refusal` is thrown.
 * @param {string} method
 * @param {string} path
 * @param {{body?: any, text?: string, headers?: Record<string, string>, signal?: AbortSignal}} [more]
 */
export async function request(method, path, { body, text, headers = {}, signal } = {}) {
  const response = await reached(path, {
    method,
    signal,
    cache: "no-store",
    headers: { ...contentType(body, text), ...(method === "GET" ? {} : { "X-CSRF": door.csrf }), ...headers },
    body: text ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
  if (response.ok) return response;
  const refused = new Refusal(response.status, await response.json().catch(() => ({})));
  if (response.status === 401 && refused.code === "login" && path !== "v1/session") sessionEnded();
  throw refused;
}

/** The session has ended; but while the password is being changed it only gives way to a new one. */
export function sessionEnded() {
  if (!door.changing) door.loggedOut();
}

/** Changes user name and password; returns the session that follows. @param {Record<string, string>} body */
export async function changeUser(body) {
  door.changing = true;
  try {
    await send("PUT", "v1/user", body);
    const session = await get("v1/session");
    door.csrf = session.csrf;
    return session;
  } finally {
    door.changing = false;
  }
}

function contentType(body, text) {
  if (text !== undefined) return { "Content-Type": "text/plain" };
  return body === undefined ? {} : { "Content-Type": "application/json" };
}

async function reached(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refusal(0, { error: "unreachable" });
  }
}

/**
 * What the gateway has at a path; a `Refusal` if it does not say so in time.
 * @param {string} path @param {{signal?: AbortSignal, headers?: Record<string, string>}} [more]
 */
export async function get(path, { signal, ...more } = {}) {
  const limit = new AbortController();
  const stop = () => limit.abort();
  const timer = setTimeout(stop, ANSWER_MS);
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  try {
    return await (await request("GET", path, { ...more, signal: limit.signal })).json();
  } catch (error) {
    if (!limit.signal.aborted || signal?.aborted) throw error;
    throw new Refusal(0, { error: "unreachable" });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** A change; the answer's JSON, or null where there is none. @param {string} method @param {string} path @param {any} [body] @param {object} [more] */
export async function send(method, path, body, more = {}) {
  const response = await request(method, path, { body, ...more });
  const answer = await response.text();
  return answer ? JSON.parse(answer) : null;
}

/**
 * A response of JSON lines or server-sent events, one value after the other.
 * @param {string} path @param {any} body @param {AbortSignal} [signal]
 */
export async function* streamed(path, body, signal) {
  const response = await request("POST", path, { body, signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) {
      const json = line.replace(/^data:/, "").trim();
      if (json.startsWith("{")) yield JSON.parse(json);
    }
    if (done) return;
  }
}
