// An episode's player reports how far it came: every ten seconds, when it pauses, and when the page is left.

import { announce, make, send, showProblem, text } from "./api.js";

const video = document.querySelector("[data-course]");
const EVERY_S = 10;
let said = -1;
let completed = false;

async function report(keepalive = false) {
  const at = Math.round(video.currentTime * 1000);
  if (at === said) return;
  said = at;
  try {
    const kept = await send("PUT", video.dataset.progress, { position_ms: at }, { keepalive });
    if (kept.completed_at && !completed) complete();
    showProblem(document.querySelector("[data-problem]"), "");
  } catch (problem) {
    if (keepalive) return;
    if (problem.status === 404) video.pause();
    else said = -1; // The next report says it again.
    showProblem(document.querySelector("[data-problem]"), problem.message);
  }
}

function complete() {
  completed = true;
  const done = document.querySelector(`[data-episode-item="${video.dataset.course}"] [data-done]`);
  if (!done || done.querySelector(".said")) return;
  done.append(make("span", { className: "small", text: text("course_completed") }));
  const meter = document.querySelector("[data-meter]");
  meter.value += 1;
  announce(text("course_completed"));
}

video.addEventListener("timeupdate", () => {
  if (!video.seeking && Math.abs(video.currentTime * 1000 - said) >= EVERY_S * 1000) report();
});
for (const name of ["pause", "ended"]) video.addEventListener(name, () => report());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && video.currentTime > 0) report(true);
});
