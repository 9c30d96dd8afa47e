// Upload with a progress bar. The form posts as multipart without scripts; here the bytes are streamed raw.

import { csrf, send, showProblem, text } from "./api.js";

const form = document.querySelector("[data-upload]");
const input = form.elements.file;
const zone = form.querySelector("[data-drop]");
const sending = form.querySelector("[data-sending]");
const cancel = form.querySelector("[data-cancel]");
const problem = form.querySelector("[data-error]");
const MB = 1_000_000;
let made = form.dataset.video;

for (const name of ["dragenter", "dragover"]) {
  zone.addEventListener(name, (event) => {
    event.preventDefault();
    zone.classList.add("over-it");
  });
}
for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over-it"));
zone.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!event.dataTransfer.files.length) return;
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

input.addEventListener("change", () => {
  const [file] = input.files;
  form.querySelector("[data-file-name]").textContent = file?.name ?? "";
  if (file && form.elements.title && !form.elements.title.value) form.elements.title.value = file.name.replace(/\.[^.]+$/, "").slice(0, 120);
  showProblem(problem, file && file.size > Number(form.dataset.max) ? text("upload.too_big") : "");
});

/** XMLHttpRequest, because fetch cannot report how much of a body has gone out. */
function put(address, file, onProgress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    request.addEventListener("load", () => (request.status < 400 ? resolve() : reject(new Error(detailOf(request)))));
    request.addEventListener("error", () => reject(new Error(text("upload.failed"))));
    request.addEventListener("abort", () => reject(new Error(text("upload.cancelled"))));
  });
  request.open("PUT", address);
  request.setRequestHeader("X-CSRF-Token", csrf());
  request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
  request.send(file);
  return { done, abort: () => request.abort() };
}

function detailOf(request) {
  try {
    const body = JSON.parse(request.responseText);
    return body.detail ?? body.title ?? text("upload.failed");
  } catch {
    return text("upload.failed");
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [file] = input.files;
  if (file.size > Number(form.dataset.max)) {
    showProblem(problem, text("upload.too_big"));
    return;
  }
  const button = form.querySelector("button.first");
  const meter = sending.querySelector("[data-meter]");
  const started = performance.now();
  button.disabled = true;
  showProblem(problem, "");
  sending.hidden = false;
  sending.querySelector("[data-name]").textContent = file.name;
  try {
    // Made once: a second try sends the file for the same post.
    made ||= (await send("POST", "/v1/videos", { title: form.elements.title.value, description: form.elements.description.value })).id;
    const address = `/v1/videos/${encodeURIComponent(made)}/upload?name=${encodeURIComponent(file.name.slice(-200))}`;
    const transfer = put(address, file, (loaded, total) => {
      const percent = Math.floor((loaded / total) * 100);
      const left = Math.ceil(((performance.now() - started) / 1000 / Math.max(loaded, 1)) * (total - loaded));
      meter.value = percent;
      sending.querySelector("[data-percent]").textContent = `${percent}%`;
      sending.querySelector("[data-detail]").textContent = loaded < total
        ? text("upload.moving", { done: (loaded / MB).toFixed(1), total: (total / MB).toFixed(1), left: String(left) })
        : text("upload.checking");
    });
    cancel.hidden = false;
    cancel.onclick = transfer.abort;
    await transfer.done;
    location.assign(`/seller/videos/${encodeURIComponent(made)}`);
  } catch (error) {
    showProblem(problem, error.message);
    sending.hidden = true;
    cancel.hidden = true;
    button.disabled = false;
  }
});
