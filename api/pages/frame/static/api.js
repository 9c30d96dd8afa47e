// Talking to the server, and saying things in the page's language. Used by every other module.

const texts = JSON.parse(document.getElementById("texts").textContent);
export const language = document.documentElement.lang;

/** The text under a key, with {name} filled in. */
export function text(key, params = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => params[name] ?? "");
}

/** A text the server sends in both languages, or as it is. */
export function say(value) {
  if (value && typeof value === "object") return language.startsWith("zh") ? value.zh : value.en;
  return value ?? "";
}

/** A field that the server sends in Chinese (`name`) and English (`name_en`). */
export function pick(row, name) {
  return language.startsWith("zh") ? row[name] : row[`${name}_en`] || row[name];
}

export function csrf() {
  return document.querySelector('meta[name="csrf"]').content;
}

/** An error with a sentence that can be shown as it is. */
export class Problem extends Error {
  constructor(message, status = 0, body = {}) {
    super(message);
    this.status = status;
    this.code = body.code ?? "";
    this.field = body.field ?? body.errors?.[0]?.field ?? "";
  }
}

/** Send JSON; answers are JSON. A problem document (RFC 9457) becomes a Problem with its own words. */
export async function send(method, path, body, { headers = {}, signal, keepalive = false } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal,
      keepalive,
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", Accept: "application/json", "Accept-Language": language, "X-CSRF-Token": csrf(), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(text("offline"));
  }
  const found = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const parts = [found.what ?? found.title, found.safe, found.todo].filter(Boolean).map(say);
    throw new Problem(found.detail && parts.length < 2 ? say(found.detail) : parts.join(language.startsWith("zh") ? "" : " ") || text("problem"), answer.status, found);
  }
  return found;
}

/** Post a page's own form without leaving the page; the server's redirect counts as done. */
export function postForm(form, submitter) {
  // Not `form.action`: a button of that name would stand in its place.
  return sendFields(form.getAttribute("action"), new FormData(form, submitter));
}

/** Post fields as a form does; what the server answers, if that is JSON. */
export async function sendFields(path, fields) {
  const headers = { Accept: "application/json", "Accept-Language": language, "X-CSRF-Token": csrf() };
  const answer = await fetch(path, { method: "POST", body: new URLSearchParams(fields), headers, redirect: "manual" });
  const found = answer.type === "opaqueredirect" ? {} : await answer.json().catch(() => ({}));
  if (answer.type === "opaqueredirect" || answer.ok) return found;
  throw new Problem(say(found.detail) || text("problem"), answer.status, found);
}

/** Post a form that is shown as one `part` of a page: the `address` to go on to, or the part again (`html`) that says what is wrong. */
export async function postForPart(form, part) {
  const fields = new URLSearchParams(new FormData(form));
  fields.set("part", part);
  const headers = { Accept: "application/json", "Accept-Language": language, "X-CSRF-Token": csrf() };
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body: fields, headers, credentials: "same-origin" }).catch(() => null);
  if (!answer) throw new Problem(text("offline"));
  const address = answer.headers.get("Location");
  if (answer.ok && address) return { address };
  if (answer.headers.get("Content-Type")?.startsWith("text/html")) return { html: await answer.text() };
  const found = await answer.json().catch(() => ({}));
  throw new Problem(say(found.detail) || text("problem"), answer.status, found);
}

/** Money on the wire is an integer of minor units as ISO 4217 has them; a browser knows those of everyday display only. Brief: no decimals when all are zero. */
export function money({ amount, currency }, brief = false) {
  const digits = texts.digits[currency] ?? 2;
  const shown = brief && amount % 10 ** digits === 0 ? 0 : digits;
  const format = new Intl.NumberFormat(language, { style: "currency", currency, minimumFractionDigits: shown, maximumFractionDigits: shown });
  const parts = format.formatToParts(`${amount}e-${digits}`);
  // The market's own sign where it has one: a browser's English writes CN¥ for the yuan.
  return parts.map((part) => (part.type === "currency" ? (texts.signs[currency] ?? part.value) : part.value)).join("");
}

/** A rate in parts per million as a percentage. */
export function percent(ppm) {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 2 }).format(ppm / 1e6);
}

/** The last day of a window that ends before an instant, on the reader's calendar. */
export function lastDay(until) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: texts.zone }).format(new Date(until) - 1000);
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A random identifier; crypto.randomUUID is missing on plain http, getRandomValues is not. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** An element with text, classes and children; nothing here ever parses a string as HTML. */
export function make(tag, { text: content, className, ...rest } = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (content !== undefined) element.textContent = content;
  for (const [name, value] of Object.entries(rest)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function announce(message) {
  const live = document.querySelector("[data-live]");
  if (live) live.textContent = message;
}

/** A short message over the page, read out as well. */
export function toast(message) {
  announce(message);
  const shown = make("p", { className: "toast", text: message });
  document.body.append(shown);
  setTimeout(() => shown.remove(), 2400);
}

/** Show or clear a problem in the page's own place for it. */
export function showProblem(place, message) {
  place.replaceChildren(...(message ? [make("div", { className: "note bad" }, make("p", { text: message }))] : []));
  if (message) place.scrollIntoView({ block: "nearest" });
}
