// Attributable events of the player, sent in batches; each has its own id, so that sending twice counts once.

import { newId, send } from "./api.js";

const waiting = [];
const LIMIT = 100;
const share = document.querySelector("[data-feed]")?.dataset.share;

export function record(kind, videoId, details = {}) {
  waiting.push({ id: newId(), kind, video_id: videoId, occurred_at: new Date().toISOString(), ...(share ? { share } : {}), ...details });
}

/** Send what is waiting. What could not be sent stays for the next time. */
export async function flush() {
  if (!waiting.length) return;
  const batch = waiting.splice(0, LIMIT);
  try {
    await send("POST", "/v1/touchpoints", { events: batch }, { keepalive: true });
  } catch (problem) {
    if (problem.status === 0 || problem.status >= 500) waiting.unshift(...batch);
  }
}

setInterval(flush, 3000);
