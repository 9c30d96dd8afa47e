// Live progress of an order by server-sent events: in the purchase sheet, and on the order page.

import { announce, say, text } from "./api.js";

const ENDED = new Set(["active", "completed", "rejected", "expired", "cancelled", "refunded"]);
const STEPS = ["paid", "fulfilling", "active"];
/** What is said of an order whose payment has come to a stand. */
const PAYMENT = { failed: "payment_failed", requires_action: "requires_action" };
const AGAIN_MS = 5000;
const PAPER_MS = 1500;
const PAPER_TRIES = 40;

const standing = (progress) => PAYMENT[progress.payment_state] ?? progress.state;

/** Which lines are how far: one that can be opened before the others changes the page. */
const standings = (progress) => progress.lines.map((line) => `${line.order_line_id} ${line.state}`).sort().join();

/** Listen to an order. The browser reconnects by itself; an ended order closes the stream. */
export function follow(address, onProgress) {
  const stream = new EventSource(address);
  stream.addEventListener("progress", (event) => {
    const progress = JSON.parse(event.data);
    if (ENDED.has(progress.state)) stream.close();
    onProgress(progress);
  });
  return stream;
}

/** Show a state in the sheet: one big word, three steps, a bar, a sentence on what is safe; `byPayer` where another organization pays. */
export function paint(section, progress, byPayer = false) {
  const state = standing(progress);
  const percent = state === "active" ? 100 : (progress.percent ?? 0);
  const headline = section.querySelector("[data-headline]");
  const words = text(`head.${state}`, { percent });
  if (headline.textContent !== words) headline.textContent = words;
  section.querySelector("[data-meter]").value = percent;
  const reached = STEPS.indexOf(state === "completed" ? "active" : state);
  for (const step of section.querySelectorAll("[data-step-key]")) {
    const place = STEPS.indexOf(step.dataset.stepKey);
    step.className = place < reached || state === "active" || state === "completed" ? "done" : place === reached ? (state === "paid" ? "done" : "now") : "";
    if (state === "delivery_failed" || state === "refunded") step.className = { paid: "done", fulfilling: "bad" }[step.dataset.stepKey] ?? "";
  }
  const note = text(`note.${byPayer && state === "pending_payment" ? "by_payer" : state}`);
  section.querySelector("[data-message]").textContent = (state === "fulfilling" && say(progress.message)) || (note.startsWith("note.") ? "" : note);
}

/** Put the server's new rendering in place of the old one, keeping scroll and focus. */
async function refresh() {
  const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  if (!fresh) return;
  const main = document.getElementById("main");
  const held = main.contains(document.activeElement) ? document.activeElement : null;
  main.replaceChildren(...fresh.childNodes);
  if (held) ((held.id && document.getElementById(held.id)) || main).focus({ preventScroll: true });
}

/** The invoice follows the delivery within moments: look until it is there. */
async function awaitPaper(tries = PAPER_TRIES) {
  const section = document.querySelector("[data-order-progress]");
  if (!section || section.dataset.paper === "1" || !tries) return;
  await new Promise((done) => setTimeout(done, PAPER_MS));
  await refresh();
  await awaitPaper(tries - 1);
}

function watchOrder() {
  const section = document.querySelector("[data-order-progress]");
  if (!section) return;
  let state = section.dataset.state;
  let paying = section.dataset.payment;
  let deliveries = null;
  if (ENDED.has(state)) {
    awaitPaper();
    return;
  }
  const stream = follow(section.dataset.orderProgress, async (progress) => {
    if (progress.state !== state || (progress.payment_state ?? "") !== paying) {
      state = progress.state;
      paying = progress.payment_state ?? "";
      await refresh();
      if (ENDED.has(state)) awaitPaper();
      announce(text(`head.${standing(progress)}`, { percent: progress.percent ?? 0 }));
      return;
    }
    const now = standings(progress);
    if (deliveries !== null && now !== deliveries) await refresh();
    deliveries = now;
    for (const line of progress.lines) {
      const link = document.querySelector(`[data-order-progress] [data-line="${CSS.escape(line.order_line_id)}"]`);
      for (const percent of link?.querySelectorAll("[data-percent]") ?? []) percent.textContent = `${line.percent}%`;
      for (const meter of link?.querySelectorAll("[data-meter]") ?? []) meter.value = line.percent;
      for (const message of link?.querySelectorAll("[data-message]") ?? []) message.textContent = say(line.message);
    }
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED && !ENDED.has(state)) setTimeout(refresh, AGAIN_MS);
  });
}

watchOrder();
