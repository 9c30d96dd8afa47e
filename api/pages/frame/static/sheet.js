// The sheets of cards: the server renders them. Of the purchase sheet this keeps the price live, pays, and turns it into progress.

import { language, make, money, newId, percent, pick, postForPart, send, showProblem, text, clock, lastDay } from "./api.js";
import { follow, paint } from "./progress.js";

const PAUSE_MS = 220;

/** Fetch the sheet and show it over the player or the product. Without an answer, go to the page itself. */
export async function openSheet(dialog, address) {
  const part = new URL(address);
  part.searchParams.set("part", "sheet");
  const answer = await fetch(part, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    location.assign(address);
    return;
  }
  const body = dialog.querySelector("[data-sheet-body]");
  const close = () => dialog.close();
  fill(body, await answer.text());
  if (body.querySelector("[data-buy-form]")) dialog.addEventListener("close", enhance(body, close), { once: true });
  else ask(body, close);
  dialog.setAttribute("aria-label", body.querySelector("h2").textContent);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.showModal();
  body.querySelector("[data-pay], textarea, .act a").focus({ preventScroll: true });
}

function fill(body, html) {
  body.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
}

/** A request is sent from the sheet it was written in: refused, it says why there, with everything that was typed. */
function ask(body, close) {
  for (const button of body.querySelectorAll("[data-close]")) button.addEventListener("click", close);
  const form = body.querySelector("[data-ask-form]");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector(".act button");
    button.disabled = true;
    try {
      const { address, html } = await postForPart(form, "sheet");
      if (address) {
        location.assign(address);
        return;
      }
      fill(body, html);
      ask(body, close);
      (body.querySelector("[aria-invalid]") ?? body.querySelector(".act button")).focus();
    } catch (problem) {
      showProblem(form.querySelector("[data-error]"), problem.message);
      button.disabled = false;
    }
  });
}

/** What is said of a promise beside the price: of a trial that a purchase does not begin, so. */
function verdict(claim, tried) {
  if (!claim.ok) return "differs";
  return claim.kind === "trial_days" && !tried ? "no_trial" : "kept";
}

/** How long a term is, in words. */
function termOf(months) {
  return months === 12 ? text("term.year") : months === 1 ? text("term.month") : text("term.months", { n: months });
}

/** A priced line as a sentence, as the server's own rendering says it. */
function describe(line, among) {
  if (line.trial) return text("trial_line", { days: line.trial.days });
  const what = among > 1 ? `${pick(line, "title")} · ${pick(line, "plan_name")}` : pick(line, "plan_name");
  if (line.price_lines.length || line.pricing !== "per_seat") return what;
  const said = `${money(line.unit_price, true)} × ${new Intl.NumberFormat(language).format(line.quantity)} × ${termOf(line.term_months)}`;
  return among > 1 ? `${what} · ${said}` : said;
}

/** What a coupon takes off a line, by which, for how long and until when; as the server's own rendering says it. */
function discount(line) {
  if (!line.coupon) return [];
  const said = text("discount", { name: line.coupon });
  const terms = line.term_months ? ` · ${text(line.coupon_every_term ? "every_term" : "first_term")}` : "";
  const until = line.coupon_until ? [make("span", { className: "part", text: text("discount_until", { day: lastDay(line.coupon_until) }) })] : [];
  return [make("dt", { text: said + terms, "data-line": "" }, ...until), make("dd", { className: "num", text: money({ ...line.discount, amount: -line.discount.amount }), "data-line": "" })];
}

/** In minor units, the tax that is taken off a price with tax because none applies. */
function untaxedMinor(line) {
  return line.tax_included ? line.list.amount - line.discount.amount - line.gross.amount : 0;
}

/** The same as a row, as the server's own rendering says it. */
function untaxed(line) {
  const minor = untaxedMinor(line);
  if (!minor) return [];
  return [make("dt", { text: text("untaxed", { rate: percent(line.home_rate_ppm) }), "data-line": "" }), make("dd", { className: "num", text: money({ ...line.list, amount: -minor }), "data-line": "" })];
}

/** Until when a first term is that is no whole one, as the server's own rendering says it. */
function firstTerm(line) {
  return line.first_term_ends_at ? [make("span", { className: "part", text: text("first_until", { day: lastDay(line.first_term_ends_at) }) })] : [];
}

/** Make a rendered sheet live. Returns a function that ends what it started. */
export function enhance(root, close = () => history.back()) {
  const form = root.querySelector("[data-buy-form]");
  const quantity = form.elements.quantity;
  const pay = form.querySelector("[data-pay]");
  let pricing = null;
  let timer = 0;
  let stream = null;
  let stale = false;
  let attempt = { body: "", key: "" };

  const plan = () => form.querySelector('input[name="plan_id"]:checked');

  async function price() {
    pricing?.abort();
    const mine = (pricing = new AbortController());
    const amounts = form.querySelector("[data-amounts]");
    amounts.setAttribute("aria-busy", "true");
    pay.disabled = true;
    try {
      const profile = {
        ...(form.elements.billing_profile_id.value ? { billing_profile_id: form.elements.billing_profile_id.value } : {}),
        ...(form.elements.coupon?.value ? { coupon: form.elements.coupon.value } : {}),
      };
      const quantities = [...form.querySelectorAll("[data-taken]")].map((one) => ({ number: Number(one.dataset.taken), quantity: Number(one.value) }));
      const quote = form.dataset.offer
        ? await send("POST", `/v1/offers/${encodeURIComponent(form.dataset.offer)}/quote`, { ...profile, ...(quantities.length ? { quantities } : {}) }, { signal: mine.signal })
        : await send("POST", "/v1/quotes", {
            plan_id: plan().value,
            quantity: Number(quantity.value),
            ...(form.dataset.trial ? { trial: true } : {}),
            ...(form.elements.align_with?.value ? { align_with: form.elements.align_with.value } : {}),
            ...(form.elements.end_customer_id?.value ? { end_customer_id: form.elements.end_customer_id.value } : {}),
            // From the product page there is no video to name.
            ...(form.dataset.video ? { video_id: form.dataset.video, placement_id: form.dataset.placement, second: Number(form.dataset.second) } : {}),
            ...(form.dataset.live ? { live_session_id: form.dataset.live, second: Number(form.dataset.second) } : {}),
            ...(form.dataset.circle ? { circle_id: form.dataset.circle } : {}),
            ...(form.dataset.share ? { share: form.dataset.share } : {}),
            ...profile,
          }, { signal: mine.signal });
      stale = false;
      form.elements.coupon?.removeAttribute("aria-invalid");
      showQuote(quote);
      showProblem(form.querySelector("[data-error]"), "");
      amounts.setAttribute("aria-busy", "false");
    } catch (problem) {
      if (problem.name === "AbortError") return;
      // An old price must not be payable: the button asks for the new one instead.
      stale = true;
      form.querySelector("[data-pay-text]").textContent = text("update");
      if (problem.field === "coupon") form.elements.coupon.setAttribute("aria-invalid", "true");
      showProblem(form.querySelector("[data-error]"), problem.code ? problem.message : text("price_failed"));
    }
    pay.disabled = false;
  }

  function showQuote(quote) {
    form.elements.quote_id.value = quote.id;
    const paper = form.querySelector("[data-pro-forma]");
    if (paper) paper.href = paper.href.replace(/quotes\/[^/]+/, `quotes/${quote.id}`);
    const { trial } = quote.lines[0];
    if (trial) form.querySelector("[data-trial-note]").textContent = text(trial.converts ? "trial_converts" : "trial_ends", { days: trial.days, amount: money(trial.gross), term: termOf(trial.term_months) });
    const list = form.querySelector("[data-amounts] dl");
    for (const old of list.querySelectorAll("[data-line]")) old.remove();
    const rows = quote.lines.flatMap((line) => [make("dt", { text: describe(line, quote.lines.length), "data-line": "" }, ...line.price_lines.map((part) => make("span", { className: "part", text: pick(part, "text") })), ...firstTerm(line)), make("dd", { className: "num", text: money(line.coupon || untaxedMinor(line) ? line.list : line.tax_included ? line.gross : line.net), "data-line": "" }), ...discount(line), ...untaxed(line)]);
    list.prepend(...rows);
    list.querySelector("[data-tax-label]").textContent = text("tax", { rate: [...new Set(quote.lines.map((line) => line.tax_rate_ppm))].map(percent).join(" / ") });
    for (const name of ["net", "tax", "gross"]) list.querySelector(`[data-${name}]`).textContent = money(quote[name]);
    const note = form.querySelector("[data-tax-note]");
    note.textContent = quote.lines.find((line) => line.tax_note)?.tax_note ?? "";
    note.hidden = !note.textContent;
    form.querySelector("[data-approval]").hidden = !quote.needs_approval;
    form.querySelector("[data-approval-reasons]").replaceChildren(...quote.approval_reasons.map((reason) => make("li", { text: because(reason) })));
    const deciding = quote.approval_steps.map((step) => text(`decides.${step.who}`, { names: step.persons.join(text("or")) }));
    form.querySelector("[data-approval-steps]").textContent = text("decided_by", { who: deciding.join(text("then")) });
    form.querySelector("[data-pay-text]").textContent = quote.needs_approval ? text("ask") : trial ? text("trial_begin") : text("pay", { amount: money(quote.gross) });
    const claims = form.querySelector("[data-claims] ul");
    claims?.replaceChildren(...quote.claims.map((claim) => make("li", {}, make("span", { className: "at", text: clock(claim.second) }), make("span", { text: text("quoted", { text: pick(claim, "text") }) }), form.querySelector("[data-verdicts]").content.querySelector(`.verdict.${verdict(claim, Boolean(trial))}`).cloneNode(true))));
  }

  /** Why it needs approval, as the server's own rendering says it. */
  function because(reason) {
    const subject = reason.code.startsWith("category_") ? form.dataset.category : language === "en" ? (reason.subject_en ?? reason.subject) : reason.subject;
    const amount = (value) => (value ? money(value, true) : "");
    return text(`reason.${reason.code}`, { limit: amount(reason.limit), spent: amount(reason.spent), subject: subject ?? "" });
  }

  function changed() {
    clearTimeout(timer);
    // What is shown is not what is chosen any more: neither a click nor Enter may buy at it.
    stale = true;
    pay.disabled = true;
    if (!quantity.checkValidity()) {
      quantity.setAttribute("aria-invalid", "true");
      return;
    }
    quantity.removeAttribute("aria-invalid");
    timer = setTimeout(price, PAUSE_MS);
  }

  form.addEventListener("input", (event) => {
    if (event.target.name === "plan_id") {
      quantity.min = event.target.dataset.min;
      quantity.max = event.target.dataset.max;
      quantity.step = event.target.dataset.step;
      quantity.value = String(sold(Number(quantity.value)));
    }
    if (["plan_id", "quantity", "billing_profile_id", "align_with", "end_customer_id"].includes(event.target.name)) changed();
  });

  /** The number of seats nearest above `wanted` in which the plan is sold. */
  function sold(wanted) {
    const [least, most, step] = [quantity.min, quantity.max, quantity.step].map((one) => Number(one) || 1);
    const packs = Math.min(Math.ceil(Math.max(wanted - least, 0) / step), Math.floor((most - least) / step));
    return least + packs * step;
  }

  for (const button of form.querySelectorAll("[data-by]")) {
    button.addEventListener("click", () => {
      quantity.value = String(sold(Number(quantity.value) + Number(button.dataset.by) * (Number(quantity.step) || 1)));
      changed();
    });
  }

  // A code is checked when it stands there whole, not letter by letter; until then nothing can be bought at the price shown.
  form.elements.coupon?.addEventListener("input", () => {
    stale = true;
    form.querySelector("[data-pay-text]").textContent = text("update");
  });
  form.elements.coupon?.addEventListener("change", price);

  for (const button of root.querySelectorAll("[data-close]")) button.addEventListener("click", close);

  // No button of the form's any more: Enter in another field is not meant for it.
  const apply = form.querySelector("[data-apply]");
  if (apply) apply.type = "button";
  apply?.addEventListener("click", () => {
    clearTimeout(timer);
    if (form.reportValidity()) price();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (stale) {
      clearTimeout(timer);
      if (form.reportValidity()) await price();
      return;
    }
    // A trial that ends by itself asks for no method.
    const [gateway, ...token] = form.elements.payment_method_id?.value.split(":") ?? [];
    const body = {
      quote_id: form.elements.quote_id.value,
      billing_profile_id: form.elements.billing_profile_id.value || null,
      ...(gateway ? { gateway, payment_method: token.join(":") } : {}),
      ...(form.elements.po_number.value ? { po_number: form.elements.po_number.value } : {}),
    };
    // The same purchase keeps its key, so that pressing again after a lost answer cannot buy twice.
    const asText = JSON.stringify(body);
    if (attempt.body !== asText) attempt = { body: asText, key: attempt.body ? newId() : form.elements.idempotency_key.value };
    pay.disabled = true;
    pay.setAttribute("aria-busy", "true");
    try {
      const purchase = await send("POST", "/v1/purchases", body, { headers: { "Idempotency-Key": attempt.key } });
      showProgress(purchase);
    } catch (problem) {
      showProblem(form.querySelector("[data-error]"), problem.message);
      if (problem.field && form.elements[problem.field]) form.elements[problem.field].setAttribute("aria-invalid", "true");
      if (problem.status === 410 || problem.code === "price_changed" || problem.code?.startsWith("coupon_")) {
        await price();
        showProblem(form.querySelector("[data-error]"), problem.message);
      }
    }
    pay.disabled = false;
    pay.removeAttribute("aria-busy");
  });

  function showProgress(purchase) {
    const section = root.querySelector("[data-progress]");
    const leads = form.elements.payment_method_id?.selectedOptions[0]?.hasAttribute("data-leads");
    const order = purchase.orders[0];
    const address = `/orders/${encodeURIComponent(order.id)}`;
    form.hidden = true;
    section.hidden = false;
    section.querySelector("[data-order]").href = address;
    section.querySelector("[data-order]").focus();
    paint(section, { state: order.state, percent: 0, steps: [] }, purchase.by_payer);
    stream = follow(`/v1/orders/${encodeURIComponent(order.id)}/progress`, (progress) => {
      paint(section, progress, purchase.by_payer);
      const confirm = section.querySelector("[data-confirm-payment]");
      confirm.href = `${address}/confirm`;
      confirm.hidden = progress.payment_state !== "requires_action";
      // Where it is paid, or confirmed, is somewhere else: the payer is led there, and back to this second of the video.
      if (leads && !confirm.hidden) location.assign(confirm.href);
      if (progress.state === "active") {
        const open = section.querySelector("[data-open]");
        open.href = progress.launch_url ?? address;
        open.hidden = false;
        section.querySelector("[data-order]").classList.remove("first");
      }
    });
  }

  return () => {
    clearTimeout(timer);
    pricing?.abort();
    stream?.close();
  };
}

const page = document.querySelector("main [data-buy-form]");
if (page) enhance(page.closest("[data-sheet-body]"));
