// Upload with a progress bar, to be paused and to go on, after the page was left too: by tus' own client, which stands in
// `window.tus`. The form posts as multipart without scripts.

import { csrf, language, sendFields, showProblem, text } from "./api.js";

const form = document.querySelector("[data-upload]");
const input = form.elements.file;
const zone = form.querySelector("[data-drop]");
const sending = form.querySelector("[data-sending]");
const cancel = form.querySelector("[data-cancel]");
const pause = form.querySelector("[data-pause]");
const unfinished = form.querySelector("[data-unfinished]");
const problem = form.querySelector("[data-error]");
const MB = 1_000_000;
const RETRY_AFTER_MS = [0, 1000, 3000, 5000, 10_000, 20_000];
const asked = form.dataset.video;
let made = asked;
let transfer = null;
let earlier = null;

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
  if (file) lookForEarlier(file);
});

/** What the browser knows a file by: the same file chosen again goes on where it stopped, whichever page it is chosen on. */
async function fingerprint(file) {
  return ["market", file.name, file.type, file.size, file.lastModified].join("-");
}

/** An unfinished upload of this file from this browser, of this post where the page is about one. */
async function lookForEarlier(file) {
  const found = await new tus.Upload(file, { endpoint: "/", fingerprint }).findPreviousUploads();
  if (input.files[0] !== file) return;
  earlier = found.find((one) => one.metadata.video && (!asked || one.metadata.video === asked)) ?? null;
  unfinished.hidden = !earlier;
}

function detailOf(error) {
  const answer = error.originalResponse;
  if (!answer) return text("upload.offline");
  try {
    const body = JSON.parse(answer.getBody());
    return body.detail ?? body.title ?? text("upload.failed");
  } catch {
    return text("upload.failed");
  }
}

function show(loaded, total, begun) {
  const percent = Math.floor((loaded / total) * 100);
  const sent = loaded - begun.at;
  const left = Math.ceil(((performance.now() - begun.ms) / 1000 / Math.max(sent, 1)) * (total - loaded));
  sending.querySelector("[data-meter]").value = percent;
  sending.querySelector("[data-percent]").textContent = `${percent}%`;
  sending.querySelector("[data-detail]").textContent = loaded < total
    ? text("upload.moving", { done: (loaded / MB).toFixed(1), total: (total / MB).toFixed(1), left: String(left) })
    : text("upload.checking");
}

function begin(file, video) {
  const begun = { at: null, ms: performance.now() };
  return new Promise((resolve, reject) => {
    transfer = new tus.Upload(file, {
      endpoint: `/v1/videos/${encodeURIComponent(video)}/uploads`,
      headers: { "X-CSRF-Token": csrf(), "Accept-Language": language, Accept: "application/json" },
      metadata: { filename: file.name.slice(-200), video },
      retryDelays: RETRY_AFTER_MS,
      removeFingerprintOnSuccess: true,
      fingerprint,
      onProgress: (loaded, total) => {
        begun.at ??= loaded;
        show(loaded, total, begun);
      },
      onSuccess: resolve,
      onError: (error) => reject(new Error(detailOf(error))),
    });
    if (earlier) transfer.resumeFromPreviousUpload(earlier);
    pause.onclick = async () => {
      const goesOn = pause.dataset.paused === "yes";
      pause.dataset.paused = goesOn ? "no" : "yes";
      pause.textContent = goesOn ? pause.dataset.words : pause.dataset.resume;
      if (goesOn) {
        begun.at = null;
        begun.ms = performance.now();
        transfer.start();
      } else {
        await transfer.abort();
        sending.querySelector("[data-detail]").textContent = text("upload.paused");
      }
    };
    cancel.onclick = async () => {
      await transfer.abort(true).catch(() => null);
      earlier = null;
      reject(new Error(text("upload.cancelled")));
    };
    transfer.start();
  });
}

/** Everything but the file, which goes piece by piece. */
function fieldsOf(whole) {
  const fields = new FormData(whole);
  fields.delete("file");
  return fields;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [file] = input.files;
  if (file.size > Number(form.dataset.max)) {
    showProblem(problem, text("upload.too_big"));
    return;
  }
  const button = form.querySelector("button.first");
  button.disabled = true;
  showProblem(problem, "");
  unfinished.hidden = true;
  sending.hidden = false;
  sending.querySelector("[data-name]").textContent = file.name;
  try {
    // Made once: a second try sends the file for the same post.
    made ||= earlier?.metadata.video ?? (await sendFields(form.dataset.begin, fieldsOf(form))).id;
    cancel.hidden = false;
    pause.hidden = false;
    await begin(file, made);
    location.assign(`/seller/videos/${encodeURIComponent(made)}`);
  } catch (error) {
    showProblem(problem, error.message);
    sending.hidden = true;
    cancel.hidden = true;
    pause.hidden = true;
    button.disabled = false;
    await lookForEarlier(file);
  }
});
