// Markdown as it will be shown, while it is typed: rendered and cleaned by the server, a little after the last key. The button
// beside it does the same without scripts, on the page itself.

const PAUSE_MS = 400;

for (const field of document.querySelectorAll("textarea[data-markdown]")) watch(field);

for (const button of document.querySelectorAll("[data-preview]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    for (const details of button.form.querySelectorAll("details.shown")) details.open = true;
  });
}

function watch(field) {
  const details = field.parentElement.querySelector("details.shown");
  const shown = details.querySelector("[data-shown]");
  const nothing = shown.dataset.nothing;
  let timer = 0;
  let sent = new AbortController();
  let last = field.defaultValue;

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE_MS);
  });
  details.addEventListener("toggle", show);

  async function show() {
    if (!details.open || field.value === last) return;
    const text = field.value;
    sent.abort();
    sent = new AbortController();
    try {
      const body = new URLSearchParams({ csrf: field.form.elements.csrf.value, text });
      const answer = await fetch(field.dataset.markdown, { method: "POST", body, headers: { Accept: "text/html" }, signal: sent.signal });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      shown.replaceChildren(...page.body.childNodes);
      if (!shown.hasChildNodes()) shown.textContent = nothing;
      last = text;
    } catch {
      // A later key, or the button, tries again.
    }
  }
}
