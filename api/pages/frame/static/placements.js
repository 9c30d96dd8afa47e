// The placement editor: drag a card along the video's time. The number fields do the same without a mouse.

import { postForm, showProblem, text, toast } from "./api.js";

const tracks = document.querySelector("[data-tracks]");
const video = document.querySelector("[data-preview]");

function edit() {
  const duration = Number(tracks.dataset.duration);
  const picture = tracks.querySelector("svg");
  const head = picture.querySelector("[data-head]");
  const secondAt = (event) => {
    const box = picture.getBoundingClientRect();
    return Math.round(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * duration);
  };
  const rowOf = (span) => document.querySelector(`[data-placement-row="${CSS.escape(span.dataset.span)}"]`);

  function place(span, from, to) {
    span.setAttribute("x", String((from / duration) * 1000));
    span.setAttribute("width", String(Math.max(((to - from) / duration) * 1000, 6)));
    const row = rowOf(span);
    row.elements.from_s.value = String(from);
    row.elements.to_s.value = String(to);
  }

  function seek(second) {
    if (video) video.currentTime = second;
    const fresh = document.querySelector("[data-new-placement]");
    fresh.elements.from_s.value = String(second);
    fresh.elements.to_s.value = String(Math.min(second + 10, duration));
    showHead(second);
  }

  function showHead(second) {
    for (const end of ["x1", "x2"]) head.setAttribute(end, String((second / duration) * 1000));
  }

  async function save(span) {
    try {
      await postForm(rowOf(span), rowOf(span).querySelector('[value="save"]'));
      toast(text("saved"));
    } catch (problem) {
      showProblem(document.querySelector("[data-edit-error]") ?? tracks.appendChild(document.createElement("div")), problem.message);
    }
  }

  picture.addEventListener("pointerdown", (event) => {
    const span = event.target.closest("[data-span]");
    if (!span) {
      seek(secondAt(event));
      return;
    }
    const row = rowOf(span);
    const from = Number(row.elements.from_s.value);
    const length = Number(row.elements.to_s.value) - from;
    const grip = secondAt(event) - from;
    // Near the right end one stretches the card, elsewhere one moves it.
    const stretch = length - grip <= Math.max(1, Math.round(length * 0.15));
    span.classList.add("chosen");
    picture.setPointerCapture(event.pointerId);
    const drag = (moved) => {
      const at = secondAt(moved);
      if (stretch) place(span, from, Math.min(Math.max(at, from + 1), duration));
      else {
        const start = Math.min(Math.max(at - grip, 0), duration - length);
        place(span, start, start + length);
      }
    };
    picture.addEventListener("pointermove", drag);
    picture.addEventListener("pointerup", () => {
      picture.removeEventListener("pointermove", drag);
      span.classList.remove("chosen");
      if (Number(row.elements.from_s.value) !== from || Number(row.elements.to_s.value) !== from + length) save(span);
    }, { once: true });
  });

  for (const row of document.querySelectorAll("[data-placement-row]")) {
    row.addEventListener("input", () => {
      const span = picture.querySelector(`[data-span="${CSS.escape(row.dataset.placementRow)}"]`);
      const from = Number(row.elements.from_s.value);
      const to = Number(row.elements.to_s.value);
      if (to > from) {
        span.setAttribute("x", String((from / duration) * 1000));
        span.setAttribute("width", String(((to - from) / duration) * 1000));
      }
    });
  }
  video?.addEventListener("timeupdate", () => showHead(video.currentTime));
}

// The cover's second is the one that is shown.
const cover = document.querySelector("[data-cover-second]");
if (cover) video?.addEventListener("seeked", () => { cover.value = String(Math.min(Math.floor(video.currentTime), Number(cover.max))); });
if (tracks) edit();
