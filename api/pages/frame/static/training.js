// What of a training's video is really played: spans, never the place that was reached. Seeking adds nothing.

import { announce, send, showProblem, text } from "./api.js";

const video = document.querySelector("[data-watched]");
const EVERY_MS = 10_000;
const JUMP_S = 2;
let waiting = [];
let from = null;
let last = 0;
let completed = video.dataset.completed === "1";

/** Ends the span that is playing at the place that was played last. */
function cut() {
  if (from !== null && last > from) waiting.push([Math.round(from * 1000), Math.round(last * 1000)]);
  from = null;
}

async function report(keepalive = false) {
  const playing = from !== null;
  const at = last;
  cut();
  if (playing) from = at;
  if (!waiting.length) return;
  const spans = waiting;
  waiting = [];
  try {
    const kept = await send("PUT", video.dataset.watched, { spans }, { keepalive });
    show(kept);
    showProblem(document.querySelector("[data-problem]"), "");
  } catch (problem) {
    if (keepalive) return;
    if (problem.status === 404) video.pause();
    else waiting = [...spans, ...waiting].slice(-200); // The next report says it again.
    showProblem(document.querySelector("[data-problem]"), problem.message);
  }
}

function show(kept) {
  const percent = kept.duration_ms ? Math.min(100, Math.floor((kept.watched_ms * 100) / kept.duration_ms)) : 0;
  document.querySelector("[data-percent]").textContent = `${percent}%`;
  document.querySelector("[data-meter]").value = percent;
  if (kept.completed_at && !completed) {
    completed = true;
    announce(text("training_completed"));
    document.querySelector("[data-done]").hidden = false;
  }
}

video.addEventListener("timeupdate", () => {
  const at = video.currentTime;
  if (video.seeking) return;
  // A jump that no event told of ends a span as well.
  if (from !== null && (at < last || at - last > JUMP_S)) cut();
  if (from === null && !video.paused) from = at;
  last = at;
});
video.addEventListener("seeking", cut);
video.addEventListener("playing", () => {
  cut();
  from = video.currentTime;
  last = from;
});
for (const name of ["pause", "ended"]) video.addEventListener(name, () => report());
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && report(true));
setInterval(report, EVERY_MS);
// Begins: from now on as much counts as time allows.
send("PUT", video.dataset.watched, { spans: [] }).then(show, () => undefined);
