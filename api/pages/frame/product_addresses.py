"""Addresses of products and of what is said about them; pages find them among all others in `addresses.py`."""

from urllib.parse import urlencode

PRODUCTS = "/products"


def with_query(path: str, **query: str | int | None) -> str:
    """Return ``path`` with the given filters in its query; empty ones are left out so that addresses stay short."""
    kept = {key: str(value) for key, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def product(listing_id: str) -> str:
    """The public page of a product."""
    return f"{PRODUCTS}/{listing_id}"


def product_buy(listing_id: str, plan_id: str | None = None, trial: int | None = None) -> str:
    """The purchase sheet of a product that is bought, or with `trial` 1 tried, without a video."""
    return with_query(f"{PRODUCTS}/{listing_id}/buy", plan=plan_id, trial=trial)


def product_ask(listing_id: str, kind: str, placement: str = "", second: int | None = None) -> str:
    """The form that asks a product's seller for a demo, a quote or advice."""
    return with_query(f"{PRODUCTS}/{listing_id}/ask/{kind}", placement=placement, second=second)


def product_terms(listing_id: object, version_id: object = None) -> str:
    """The terms on which a product is sold, or was when a version was on sale."""
    return with_query(f"{PRODUCTS}/{listing_id}/terms", version=str(version_id) if version_id else None)


def terms_pdf(listing_id: object, version_id: object) -> str:
    """The document of the terms."""
    return f"/v1/listings/{listing_id}/terms/pdf?version_id={version_id}"


def product_reviews(listing_id: str) -> str:
    """What customers say of a product."""
    return f"{PRODUCTS}/{listing_id}/reviews"


def product_review(listing_id: object, review_id: object) -> str:
    """Every version of a review."""
    return f"{PRODUCTS}/{listing_id}/reviews/{review_id}"


def review_answer(review_id: object) -> str:
    """Where a seller's answer to a review posts."""
    return f"/reviews/{review_id}/answer"


def product_questions(listing_id: str) -> str:
    """What is asked about a product."""
    return f"{PRODUCTS}/{listing_id}/questions"


def question(question_id: object) -> str:
    """Where a question is removed."""
    return f"/questions/{question_id}"


def question_answer(question_id: object) -> str:
    """Where a seller answers a question, hides it, or shows it again."""
    return f"/questions/{question_id}/answer"
