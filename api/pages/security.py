"""Response headers: one policy for every answer, set by the middleware in `api/headers.py` and by pages themselves."""

#: Content Security Policy Level 3: nothing is allowed but what is named; scripts only of ours and with the nonce.
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'{media}; "
    "media-src 'self' blob:{media}; connect-src 'self'; font-src 'none'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


def page_headers(nonce: str, media_origin: str = "") -> dict[str, str]:
    """Headers of an answer rendered with ``nonce``; ``media_origin`` is the object storage's origin when not ours."""
    return {
        "Content-Security-Policy": _POLICY.format(nonce=nonce, media=f" {media_origin}" if media_origin else ""),
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
