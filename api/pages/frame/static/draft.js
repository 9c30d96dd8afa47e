// The draft saves itself while it is written. The buttons do the same without scripts; what another window saved is never
// written over: the server answers with both, and saving by hand shows them.

import { text } from "./api.js";

const PAUSE_MS = 1500;

for (const form of document.querySelectorAll("form[data-draft]")) watch(form);

function watch(form) {
  const shown = form.querySelector("[data-saved]");
  let timer = 0;
  let unsaved = false;
  let sending = null;

  form.addEventListener("input", () => {
    clearTimeout(timer);
    unsaved = true;
    shown.textContent = text("draft.unsaved");
    timer = setTimeout(save, PAUSE_MS);
  });

  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    unsaved = false;
    if (!sending) return;
    // What is on its way changes what this form begins from.
    const { submitter } = event;
    event.preventDefault();
    sending.finally(() => form.requestSubmit(submitter));
  });

  window.addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });

  function save() {
    if (sending) {
      timer = setTimeout(save, PAUSE_MS);
      return;
    }
    unsaved = false;
    shown.textContent = text("draft.saving");
    sending = send().finally(() => { sending = null; });
  }

  async function send() {
    try {
      const said = await post();
      if (!unsaved) shown.textContent = text(said);
      unsaved ||= said !== "draft.saved";
    } catch {
      unsaved = true;
      shown.textContent = text("draft.offline");
    }
  }

  /** The answer is the page as it is now: it brings what the next save begins from. */
  async function post() {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const same = [...page.querySelectorAll("form[data-draft]")].find(
      (one) => one.getAttribute("action") === form.getAttribute("action") && one.elements.code?.value === form.elements.code?.value,
    );
    if (!same) throw new Error("no form came back");
    renew(form.querySelector("[data-section-error]"), same.querySelector("[data-section-error]"));
    if (!answer.ok) return "draft.refused";
    renew(form.closest("details")?.querySelector("[data-price]"), same.closest("details")?.querySelector("[data-price]"));
    form.elements.base.value = same.elements.base.value;
    for (const name of ["description", "description_en"]) renew(form.querySelector(`[data-shown="${name}"]`), same.querySelector(`[data-shown="${name}"]`));
    renew(document.querySelector("[data-checks]"), page.querySelector("[data-checks]"));
    return "draft.saved";
  }
}

function renew(place, source) {
  if (place && source) place.replaceChildren(...source.cloneNode(true).childNodes);
}
