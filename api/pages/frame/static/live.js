// A live room: the card that is explained changes for everybody at once, and the film is where the server says it is.

import { announce, text } from "./api.js";
import { openSheet } from "./sheet.js";
import { catchUp, showStream } from "./stream.js";
import { flush, record } from "./touchpoints.js";

const room = document.querySelector("[data-room]");
const video = document.querySelector("video");
/** A stream of the host's is where it is: nobody is moved within it. */
const streamed = Boolean(video?.dataset.hls);
const sheet = document.querySelector("[data-sheet]");
/** How far the film may be from where it is for everybody, in seconds. */
const DRIFT_S = 1.5;
/** A page that has to be fetched anew is so within this time, not by all at the same moment. */
const SPREAD_MS = 3000;
let state = room?.dataset.state;
let sequence = Number(room?.dataset.sequence ?? -1);
/** Where the film was when the server said so, by a clock that only goes forward: the reader's own may be wrong. */
let heard = { at: performance.now(), position: Number(room?.dataset.position ?? 0) };

const position = () => (heard.position + performance.now() - heard.at) / 1000;
const second = () => Math.floor(state === "live" ? position() : (video?.currentTime ?? 0));

/** Which item is being explained to this reader, and since when: what they saw of it leads to what they buy later. */
let watched = { id: "", since: 0 };
/** Less than this was not watched, in milliseconds. */
const GLANCE_MS = 1000;

function watch(id) {
  if (id === watched.id) return;
  const ms = Math.round(performance.now() - watched.since);
  if (watched.id && ms >= GLANCE_MS) record("view", null, { live_item_id: watched.id, second: second(), watched_ms: ms });
  watched = { id, since: performance.now() };
}

/** What is on the screen counts while it is looked at, and a replay while it plays. */
function watchShown() {
  const stands = document.hidden || (state === "ended" && video?.paused);
  watch(stands ? "" : (room.querySelector("[data-explaining]:not([hidden])")?.dataset.explaining ?? ""));
}

function explain(id) {
  let found = null;
  for (const card of room.querySelectorAll("[data-explaining]")) {
    const on = card.dataset.explaining === id;
    if (on && card.hidden) announce(text("live_explained", { name: card.querySelector(".name").textContent }));
    card.hidden = !on;
    if (on) found = card;
  }
  const nothing = room.querySelector("[data-nothing]");
  if (nothing) nothing.hidden = found !== null;
  watchShown();
  return found !== null || !id;
}

function reload(within = SPREAD_MS) {
  setTimeout(() => location.reload(), Math.random() * within);
}

function hear(told) {
  if (told.sequence < sequence) return;
  const changed = told.sequence > sequence;
  sequence = told.sequence;
  heard = { at: performance.now(), position: told.position_ms };
  if (told.state !== state) {
    // A sheet that is being filled in stays; the room behind it is drawn anew afterwards.
    if (sheet?.open) sheet.addEventListener("close", () => reload(0), { once: true });
    else reload(state === "scheduled" ? 500 : SPREAD_MS);
    state = told.state;
    return;
  }
  if (room.dataset.host) {
    if (changed) location.reload();
    return;
  }
  if (state === "live" && !explain(told.item_id ?? "")) reload();
  keepUp();
}

/** The latest that the host has shown, in place of what was shown before; what one asked and waits stays. */
function hearQuestions(told) {
  const waiting = document.querySelector("[data-waiting]");
  if (waiting && told.waiting > Number(waiting.dataset.waiting)) {
    waiting.textContent = text("live_waiting", { n: told.waiting });
    waiting.hidden = false;
  }
  const list = room.querySelector("[data-questions]");
  if (!list || state !== "live") return;
  const template = room.querySelector("[data-question-template]");
  const known = new Map([...list.children].map((item) => [item.dataset.question, item]));
  const items = told.shown.map((one) => {
    const before = known.get(one.id);
    const item = before && !("unshown" in before.dataset) ? before : template.content.firstElementChild.cloneNode(true);
    item.dataset.question = one.id;
    item.querySelector("[data-person]").textContent = one.person_name;
    item.querySelector("[data-org]").textContent = one.org_name;
    item.querySelector("[data-text]").textContent = one.text;
    if (one.answered_ms !== null) {
      if (one.answer) item.querySelector("[data-answer]").textContent = one.answer;
      if (item.querySelector("[data-answered]").hidden && before) announce(text("live_answered", { question: one.text }));
      item.querySelector("[data-answered]").hidden = false;
    }
    return item;
  });
  const shown = new Set(told.shown.map((one) => one.id));
  const own = [...list.children].filter((item) => "unshown" in item.dataset && !shown.has(item.dataset.question));
  list.replaceChildren(...own, ...items);
  room.querySelector("[data-no-questions]").hidden = list.children.length > 0;
}

function hearPlaces(told) {
  for (const place of room.querySelectorAll("[data-left]")) {
    const left = told[place.dataset.left];
    if (left === undefined) continue;
    place.textContent = left ? text("live_left", { left, places: place.dataset.places }) : text("live_sold_out");
  }
}

function keepUp() {
  if (!video || streamed || state !== "live" || video.readyState === 0) return;
  const at = Math.min(position(), video.duration || Infinity);
  if (Math.abs(video.currentTime - at) > DRIFT_S) video.currentTime = at;
}

async function join() {
  keepUp();
  if (streamed) catchUp(video);
  await video.play().catch(() => undefined);
  room.querySelector("[data-join]").hidden = !video.paused;
}

function playLive() {
  // Nobody sees ahead of the others: wherever it is moved to, it goes back to where everybody is.
  for (const name of ["loadedmetadata", "seeked", "timeupdate"]) video.addEventListener(name, keepUp);
  video.addEventListener("pause", () => (room.querySelector("[data-join]").hidden = video.ended));
  video.addEventListener("playing", () => (room.querySelector("[data-join]").hidden = true));
  room.querySelector("[data-join]").addEventListener("click", join);
  room.querySelector("[data-sound]").addEventListener("click", (event) => {
    video.muted = !video.muted;
    event.currentTarget.setAttribute("aria-pressed", String(!video.muted));
  });
  join();
}

function playReplay() {
  const cards = [...room.querySelectorAll("[data-explaining]")].map((card) => [card.dataset.explaining, JSON.parse(card.dataset.spans ?? "[]")]);
  const show = () => {
    const at = video.currentTime;
    explain(cards.find(([, spans]) => spans.some(([from, to]) => at >= from && at < to))?.[0] ?? "");
  };
  for (const name of ["timeupdate", "seeked"]) video.addEventListener(name, show);
  for (const button of room.querySelectorAll("[data-jump]")) {
    button.addEventListener("click", () => {
      video.currentTime = Number(button.dataset.jump);
      video.play().catch(() => undefined);
    });
  }
  show();
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-buy]");
  if (!link || !sheet || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  const address = new URL(link.href);
  if (state === "live" || state === "ended") {
    record("card_click", null, { live_item_id: link.dataset.buy, second: second() });
    flush();
  }
  if (address.searchParams.has("live")) address.searchParams.set("second", String(second()));
  await openSheet(sheet, address);
});

if (room?.dataset.stream) {
  // The browser reconnects by itself, and is told the whole state each time.
  const stream = new EventSource(room.dataset.stream);
  stream.addEventListener("live", (event) => hear(JSON.parse(event.data)));
  stream.addEventListener("questions", (event) => hearQuestions(JSON.parse(event.data)));
  stream.addEventListener("places", (event) => hearPlaces(JSON.parse(event.data)));
  stream.addEventListener("end", () => stream.close());
  // Who was let in and may watch no longer is refused when the browser reconnects, and is told so by the page.
  let opened = false;
  stream.addEventListener("open", () => (opened = true));
  stream.addEventListener("error", () => opened && stream.readyState === EventSource.CLOSED && reload());
}
if (room && !room.dataset.host && (state === "live" || state === "ended")) {
  for (const name of ["play", "pause"]) video?.addEventListener(name, watchShown);
  document.addEventListener("visibilitychange", () => {
    watchShown();
    if (document.hidden) flush();
  });
  addEventListener("pagehide", () => {
    watch("");
    flush();
  });
  watchShown();
}
if (streamed) showStream(video, (shown) => (document.querySelector("[data-interrupted]").hidden = shown));
if (video && !room.dataset.host && state === "live") playLive();
if (video && !room.dataset.host && state === "ended") playReplay();
