// The vertical player: one post at a time plays, cards come at their second, keys and scrubber work.

import { announce, clock, language, make, postForm, send, text, toast } from "./api.js";
import { openSheet } from "./sheet.js";
import { flush, record } from "./touchpoints.js";

const feed = document.querySelector("[data-feed]");
const sheet = document.querySelector("[data-sheet]");
const SKIP_S = 5;
const VIEW_MS = 20_000;
let sound = false;
let current = null;
/** The language of captions, "" for none; null until a video has the reader's own. */
let captioned = null;

class Post {
  constructor(element) {
    this.element = element;
    this.id = element.dataset.video;
    this.duration = Number(element.dataset.duration);
    this.video = element.querySelector("video");
    this.stage = element.querySelector("[data-stage]");
    this.seek = element.querySelector("[data-seek]");
    this.cards = [...element.querySelectorAll("[data-card]")];
    /** They sell nothing: what becomes of them is counted apart, and no sale is attributed to it. */
    this.responses = [...element.querySelectorAll("[data-response-card]")];
    this.watched = 0;
    this.seen = false;
    this.viewed = false;
    this.words = element.querySelector("[data-words]");
    this.captions = element.querySelector("[data-captions]");
    this.chapters = [...element.querySelectorAll("[data-chapter]")];
    this.chapterNow = element.querySelector("[data-chapter-now]");
    this.video.controls = false;
    this.video.muted = true;
    element.querySelector("[data-toggle]").addEventListener("click", () => this.toggle());
    element.querySelector("[data-sound]").addEventListener("click", toggleSound);
    this.captions?.addEventListener("click", () => this.nextCaptions());
    for (const track of this.video.textTracks) {
      captioned ??= track.mode === "showing" ? track.language : null;
      track.mode = "disabled";
      track.addEventListener("cuechange", () => this.say());
    }
    this.seek.addEventListener("input", () => this.jump(Number(this.seek.value)));
    for (const name of ["play", "pause"]) this.video.addEventListener(name, () => this.stage.classList.toggle("paused", this.video.paused));
    this.video.addEventListener("timeupdate", () => this.paint());
    this.paint();
  }

  /** The words are set by the page, above its own cards: "hidden" tells their times and draws nothing. */
  showCaptions() {
    let on = null;
    for (const track of this.video.textTracks) {
      const chosen = track.language === captioned;
      track.mode = chosen ? "hidden" : "disabled";
      if (chosen) on = track;
    }
    this.captions?.setAttribute("aria-pressed", String(on !== null));
    this.say();
    return on;
  }

  nextCaptions() {
    const all = [...this.video.textTracks];
    captioned = all[all.findIndex((track) => track.language === captioned) + 1]?.language ?? "";
    const on = this.showCaptions();
    announce(on ? on.label : text("captions_off"));
    if (all.length > 1 || !on) toast(on ? on.label : text("captions_off"));
  }

  say() {
    if (!this.words) return;
    const on = [...this.video.textTracks].find((track) => track.mode === "hidden");
    const said = [...(on?.activeCues ?? [])].map((cue) => cue.getCueAsHTML().textContent).join("\n");
    this.words.textContent = said;
    this.words.lang = on?.language ?? "";
    this.words.hidden = !said;
  }

  async start() {
    this.showCaptions();
    this.video.muted = !sound;
    if (!this.seen) record("impression", this.id);
    this.seen = true;
    this.tick = performance.now();
    try {
      await this.video.play();
    } catch {
      this.stage.classList.add("paused");
    }
  }

  stop() {
    this.video.pause();
    this.count();
    this.report();
  }

  toggle() {
    if (this.video.paused) this.start();
    else this.video.pause();
  }

  jump(second) {
    this.video.currentTime = Math.min(Math.max(second, 0), Math.max(this.duration - 0.1, 0));
    this.paint();
  }

  /** Time really watched, not the position: seeking adds nothing. */
  count() {
    const now = performance.now();
    if (!this.video.paused && this.tick) this.watched += Math.min(now - this.tick, 2000);
    this.tick = now;
  }

  report() {
    if (this.watched >= 1000) record("view", this.id, { watched_ms: Math.round(this.watched), second: Math.floor(this.video.currentTime) });
    this.watched = 0;
  }

  paint() {
    this.count();
    if (!this.viewed && this.watched >= VIEW_MS) {
      this.viewed = true;
      this.report();
    }
    const at = this.video.currentTime;
    this.element.querySelector("[data-done]").setAttribute("width", String(Math.min(1000, (at / this.duration) * 1000)));
    this.element.querySelector("[data-clock]").textContent = `${clock(at)} / ${clock(this.duration)}`;
    if (document.activeElement !== this.seek || this.video.paused) this.seek.value = String(Math.floor(at));
    this.seek.setAttribute("aria-valuetext", clock(at));
    this.showChapter(at);
    for (const card of this.cards) {
      const on = at >= Number(card.dataset.from) && at < Number(card.dataset.to);
      if (on && !card.classList.contains("on")) {
        announce(text("card_shown", { name: card.querySelector(".name").textContent }));
        record("impression", this.id, { placement_id: card.dataset.card, second: Math.floor(at) });
      }
      card.classList.toggle("on", on);
    }
    this.paintResponses(at);
  }

  /** Each is counted once as shown, however often its second comes by. */
  paintResponses(at) {
    for (const card of this.responses) {
      const on = at >= Number(card.dataset.from) && at < Number(card.dataset.to);
      if (on && !card.classList.contains("on")) announce(text("card_shown", { name: card.querySelector(".name").textContent }));
      if (on && !card.dataset.counted) {
        card.dataset.counted = "1";
        send("POST", `/v1/response-cards/${encodeURIComponent(card.dataset.responseCard)}/sights`, { sight: "impression" }, { keepalive: true }).catch(() => undefined);
      }
      card.classList.toggle("on", on);
    }
  }

  /** The seconds at which its chapters begin, once each: every chapter is linked twice. */
  get chapterStarts() {
    return [...new Set(this.chapters.map((link) => Number(link.dataset.chapter)))];
  }

  showChapter(at) {
    if (!this.chapters.length) return;
    const start = this.chapterStarts.findLast((second) => second <= at);
    if (start === this.chapterStart) return;
    this.chapterStart = start;
    for (const link of this.chapters) {
      if (Number(link.dataset.chapter) === start) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const now = this.chapters.find((link) => link.hasAttribute("aria-current"));
    this.chapterNow.textContent = now ? now.querySelector("span:last-child").textContent : text("chapters");
  }

  /** To the chapter that follows, or to the beginning of this one, and from there to the one before. */
  moveChapter(step) {
    const starts = this.chapterStarts;
    const at = this.video.currentTime;
    const second = step > 0 ? starts.find((start) => start > at) : starts.findLast((start) => start < at - 2) ?? starts[0];
    if (second !== undefined) this.openChapter(second);
  }

  openChapter(second) {
    this.jump(second);
    announce(this.chapterNow.textContent);
  }

  openCard() {
    // Of several the one that came last.
    const card = [...this.element.querySelectorAll("[data-card].on, [data-response-card].on")].at(-1) ?? this.cards[0] ?? this.responses[0];
    card?.click();
  }
}

function toggleSound() {
  sound = !sound;
  for (const post of posts.values()) {
    post.video.muted = !sound;
    post.element.querySelector("[data-sound]").setAttribute("aria-pressed", String(sound));
  }
}

function move(step) {
  const all = [...posts.values()];
  all[all.indexOf(current) + step]?.element.scrollIntoView({ behavior: "smooth" });
}

const posts = new Map([...document.querySelectorAll("[data-post]")].map((element) => [element, new Post(element)]));

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const post = posts.get(target);
      if (isIntersecting && post !== current) {
        current?.stop();
        current = post;
        post.start();
        history.replaceState(null, "", post.element.dataset.address);
      }
    }
  },
  { root: feed, threshold: 0.6 },
);
for (const element of posts.keys()) watcher.observe(element);

const first = posts.values().next().value;
const startAt = Number(feed.dataset.start);
if (first && startAt) first.video.addEventListener("loadedmetadata", () => first.jump(startAt), { once: true });

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-card], a[data-buy]");
  if (!link || event.metaKey || event.ctrlKey) return;
  const post = posts.get(link.closest("[data-post]"));
  const second = link.dataset.card ? Math.floor(post.video.currentTime) : Number(link.dataset.from);
  record("card_click", post.id, { placement_id: link.dataset.card ?? link.dataset.buy, second });
  flush();
  event.preventDefault();
  const address = new URL(link.href);
  address.searchParams.set("second", String(second));
  await openSheet(sheet, address);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-chapter]");
  if (!link || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  posts.get(link.closest("[data-post]")).openChapter(Number(link.dataset.chapter));
  link.closest("details")?.removeAttribute("open");
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-act]")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  // A second press waits for the first.
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  const on = button.value === "1";
  try {
    await postForm(form, button);
  } catch {
    // Sent by a script, a form leaves its button out, and the button says what is wanted.
    form.append(make("input", { type: "hidden", name: button.name, value: button.value }));
    form.submit();
    return;
  }
  button.removeAttribute("aria-busy");
  button.value = on ? "0" : "1";
  button.setAttribute("aria-pressed", String(on));
  const likes = button.querySelector("[data-likes]");
  if (likes) {
    likes.dataset.likes = String(Number(likes.dataset.likes) + (on ? 1 : -1));
    likes.textContent = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 }).format(likes.dataset.likes);
  }
  if (button.dataset.on) button.textContent = on ? button.dataset.on : button.dataset.off;
});

/** The address to send on. A signed-in person's link remembers who sent it; a visitor's is the plain one. */
async function shareAddress(post) {
  const address = new URL(post.element.dataset.address, location);
  if (feed.dataset.known) {
    const { code } = await send("POST", `/v1/videos/${encodeURIComponent(post.id)}/share`).catch(() => ({}));
    if (code) address.searchParams.set("share", code);
  }
  record("share", post.id, { second: Math.floor(post.video.currentTime) });
  return address.href;
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-share-link]");
  if (!link) return;
  event.preventDefault();
  const post = posts.get(link.closest("[data-post]"));
  const url = await shareAddress(post);
  if (navigator.share) {
    await navigator.share({ title: post.element.getAttribute("aria-label"), url }).catch(() => undefined);
  } else if (navigator.clipboard) {
    await navigator.clipboard.writeText(url).then(() => toast(text("copied")), () => location.assign(url));
  } else {
    location.assign(url);
  }
});

const KEYS = {
  " ": () => current.toggle(),
  ArrowLeft: () => current.jump(current.video.currentTime - SKIP_S),
  ArrowRight: () => current.jump(current.video.currentTime + SKIP_S),
  ArrowUp: () => move(-1),
  ArrowDown: () => move(1),
  c: () => current.openCard(),
  m: toggleSound,
  "[": () => current.moveChapter(-1),
  "]": () => current.moveChapter(1),
  t: () => current.nextCaptions(),
};

document.addEventListener("keydown", (event) => {
  if (!current || sheet.open || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, summary, .rail") || (event.key === " " && event.target.closest("button, a"))) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

addEventListener("pagehide", () => {
  current?.count();
  current?.report();
  flush();
});
