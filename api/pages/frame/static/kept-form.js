// A form that is sent after its session has ended is refused. What was typed is kept in this tab, but for files and
// passwords, until whoever typed it has signed in again and is back on the page.

import { text } from "./api.js";

const KEPT = "kept-form";
const MOST = 100_000;
const NEVER = new Set(["csrf", "key"]);
const person = document.querySelector('meta[name="person"]')?.content;
const here = new URL(location.href);

document.addEventListener("submit", (event) => {
  const form = event.target;
  // Signing in keeps nothing, and takes nothing away.
  if (event.defaultPrevented || form.method !== "post" || !person) return;
  sessionStorage.removeItem(KEPT);
  const typed = [...form.elements].filter((field) => field.name && !NEVER.has(field.name) && !["password", "file", "submit", "button"].includes(field.type));
  const fields = typed.map((field) => [field.name, field.value, field.checked ?? null]);
  const kept = JSON.stringify({ page: here.pathname, action: form.getAttribute("action"), person, fields });
  if (kept.length < MOST) sessionStorage.setItem(KEPT, kept);
});

if (here.searchParams.has("unsaved") && person) {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  if (kept?.page === here.pathname && kept.person === person) restore(kept);
  here.searchParams.delete("unsaved");
  history.replaceState(history.state, "", here);
}

function restore({ action, fields }) {
  const form = [...document.forms].find((one) => one.getAttribute("action") === action);
  if (!form) return;
  const left = [...form.elements];
  for (const [name, value, checked] of fields) {
    const ticks = checked !== null && ["checkbox", "radio"].includes(left.find((one) => one.name === name)?.type);
    const at = left.findIndex((one) => one.name === name && (!ticks || one.value === value));
    if (at < 0) continue;
    const [field] = left.splice(at, 1);
    if (ticks) field.checked = checked;
    else if (field.type !== "hidden") field.value = value;
  }
  for (let one = form.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
  const note = document.createElement("p");
  note.className = "note wait";
  note.setAttribute("role", "status");
  note.textContent = text("form.kept");
  form.before(note);
  note.scrollIntoView({ block: "center" });
}
