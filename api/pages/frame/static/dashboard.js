// Small courtesies of the dashboards. Every one of them has a way without scripts.

import "./kept-form.js";

document.addEventListener("submit", (event) => {
  // A form may hold several buttons: the one pressed asks for itself.
  const question = event.submitter?.dataset.confirm ?? event.target.dataset?.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form && event.target.matches("select")) form.requestSubmit();
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  await navigator.clipboard?.writeText(field.value).then(() => button.replaceChildren(button.dataset.copied), () => undefined);
});

// A document that somebody waits for is being drawn, or a connector is being tested: look again until it is there.
if (document.querySelector("[data-drawing], [data-running]")) setTimeout(() => location.reload(), 3000);
