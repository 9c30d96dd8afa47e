// While a file is being examined, or a cover made: ask now and then, and show the page anew once that is over.

import { send } from "./api.js";

const place = document.querySelector("[data-examining]");
const SOON_MS = 1000;
const LATER_MS = 5000;
const SOON_FOR = 30;

async function look(times) {
  const found = await send("GET", `/v1/seller/videos/${encodeURIComponent(place.dataset.examining)}`).catch(() => null);
  if (found && found.video.state !== "processing" && !found.video.cover_pending) location.reload();
  else setTimeout(look, times < SOON_FOR ? SOON_MS : LATER_MS, times + 1);
}

if (place) setTimeout(look, SOON_MS, 1);
