"""Photograph every sample page: ``python -m tests.browser.preview.shoot OUT_FOLDER [NAME ...]``.

Phone (390 px) and desk (1280 px), light and dark, Chinese and English. Films are made once into OUT_FOLDER/media.
Prints what the browser complained about; exits 1 if it complained.
"""

import sys
import threading
from pathlib import Path

import av
from playwright.sync_api import Browser, ConsoleMessage, sync_playwright

from app.sample.scenes.make import generate_scenes
from tests.browser.chromium import CHROMIUM
from tests.browser.preview.catalogue import samples
from tests.browser.preview.serve import server

SIZES = {"phone": (390, 844), "desk": (1280, 832)}
#: language and colour scheme of each series; the four together cover both of each.
SERIES = (
    ("zh-CN", "light", "phone"),
    ("zh-CN", "dark", "desk"),
    ("en", "light", "desk"),
    ("en", "dark", "phone"),
    ("zh-CN", "light", "desk"),
)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def covers(media: Path) -> None:
    """Make the films, and a cover from the frame at two seconds."""
    for scene in generate_scenes(media):
        cover = scene.path.with_suffix(".jpg")
        if not cover.exists():
            with av.open(str(scene.path)) as film:
                film.seek(2_000_000)
                picture = next(film.decode(video=0)).to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
                picture.save(cover, quality=82)


def shoot(browser: Browser, base: str, out: Path, wanted: list[str]) -> list[str]:
    """Take the pictures; returns the browser's complaints."""
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "/v1/" not in message.location.get("url", ""):
            complaints.append(f"{message.type}: {message.text} {message.location}")

    for language, scheme, size in SERIES:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            locale=language,
        )
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        for name in samples("en"):
            if wanted and name not in wanted:
                continue
            page.goto(f"{base}/{language}/{name}")
            if name == "feed":
                page.wait_for_selector(".card.on")
                page.wait_for_timeout(500)
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")
            if wide:
                complaints.append(f"wider than the screen: {language} {name} {size}")
            page.screenshot(path=out / f"{name}-{size}-{scheme}-{language}.png", full_page=name != "feed")
            if name == "feed":
                page.locator(".card.on").click()
                page.wait_for_selector("dialog[open]")
                page.wait_for_timeout(400)
                page.screenshot(path=out / f"sheet-{size}-{scheme}-{language}.png")
        context.close()
    return complaints


def main() -> int:
    """Serve, photograph, report."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    covers(out / "media")
    serving = server(0, out / "media")
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        complaints = shoot(browser, f"http://127.0.0.1:{serving.server_port}", out, sys.argv[2:])
        browser.close()
    serving.shutdown()
    print("\n".join(sorted(set(complaints))) or "no complaint")
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
