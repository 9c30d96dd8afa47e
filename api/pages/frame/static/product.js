// A product's page: the purchase sheet opens over it; without scripts the sheet is a page of its own.

import { openSheet } from "./sheet.js";

const sheet = document.querySelector("[data-sheet]");

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-buy]");
  if (!link || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  await openSheet(sheet, link.href);
});
