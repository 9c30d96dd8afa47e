// A client typed by the generated contract (market.ts): signs in, reads the feed, asks for a price and buys.
// Arguments: the market's address, e-mail, password, plan, billing profile. Prints what was bought as JSON.

import createClient from "openapi-fetch";
import type { paths } from "./market.ts";

const [address, email, password, planId, profileId] = process.argv.slice(2) as [string, string, string, string, string];
const market = createClient<paths>({ baseUrl: address });

function told<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.data === undefined) throw new Error(`${answer.response.url} ${answer.response.status} ${JSON.stringify(answer.error)}`);
  return answer.data;
}

const signedIn = await market.POST("/v1/session", { body: { email, password } });
const session = told(signedIn);
const cookie = signedIn.response.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
const headers = { Cookie: cookie, "X-CSRF-Token": session.csrf };

const feed = told(await market.GET("/v1/feed", { params: { query: { limit: 100 } }, headers }));
const [video, card] = feed.items
  .flatMap((item) => item.cards.map((one) => [item, one] as const))
  .find(([, one]) => one.plan_id === planId)!;

const quote = told(
  await market.POST("/v1/quotes", {
    body: { plan_id: card.plan_id, quantity: 20, video_id: video.id, placement_id: card.placement_id },
    headers,
  }),
);
const bought = told(
  await market.POST("/v1/purchases", {
    params: { header: { "Idempotency-Key": crypto.randomUUID() } },
    body: { quote_id: quote.id, billing_profile_id: profileId, payment_method: "sbx_ok" },
    headers,
  }),
);
console.log(JSON.stringify({ state: bought.state, quoted: quote.gross.amount, paid: bought.gross.amount }));
