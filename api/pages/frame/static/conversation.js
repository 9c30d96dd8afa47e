// A thread that is live: what the other side writes appears without a reload. Without scripts the page shows it when it is loaded.

import { announce } from "./api.js";

const AGAIN_MS = 5000;

/** Put the server's new rendering of what was said in place of the old one; what is being typed stays. */
async function refresh(section) {
  const answer = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-conversation]");
  if (!fresh) return;
  const before = section.querySelectorAll("[data-said-list] li").length;
  section.replaceChildren(...fresh.childNodes);
  if (section.querySelectorAll("[data-said-list] li").length > before) announce(section.dataset.said);
}

function watchConversation() {
  const section = document.querySelector("[data-conversation]");
  if (!section || new URLSearchParams(location.search).has("cursor")) return;
  let known = null;
  const stream = new EventSource(section.dataset.conversation);
  stream.addEventListener("conversation", async (event) => {
    const now = JSON.parse(event.data);
    const mark = `${now.last_number} ${now.state} ${now.assigned_to}`;
    if (known !== null && known !== mark) await refresh(section);
    known = mark;
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => refresh(section).then(watchConversation), AGAIN_MS);
  });
}

watchConversation();
