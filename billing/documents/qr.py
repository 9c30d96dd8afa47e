"""The QR code by which a holder of the paper finds the document at its issuer."""

from __future__ import annotations

import io

import segno

from kernel.errors import Invalid


def qr_svg(content: str) -> bytes:
    """Draw `content` as an SVG QR code (ISO/IEC 18004) of error correction level M, black on nothing.

    The same content gives the same bytes; modules are vectors, so that any printer resolution can be read.

    Raises:
        Invalid: `verification_url_too_long` when no QR code can hold it.
    """
    try:
        code = segno.make(content, error="m", micro=False, boost_error=False)
    except segno.DataOverflowError as error:
        raise Invalid("verification_url_too_long", field="verification_url") from error
    out = io.BytesIO()
    code.save(out, kind="svg", border=0, xmldecl=False, svgns=True, omitsize=True, nl=False)
    return out.getvalue()
