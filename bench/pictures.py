"""Pictures of the web client for the documents: `make screenshots` writes docs/images.

Invariant: what they show is the demo workspace on a server of their own, so that they can be made anew by anybody.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page

from bench import machine
from bench.browser import chromium, is_live
from bench.programs import ROOT, SECRET, Stack, product_root, stack, tutti

FOLDER = ROOT / "docs/images"
MOST_BYTES = 150_000
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
RESTED = """async () => {
    for (let before; before !== document.body.innerText; await new Promise(done => setTimeout(done, 700)))
        before = document.body.innerText;
}"""
"""Not by the network, which is never idle to Playwright: it does not see that the shared worker's script has come."""
PAGES = {"light": ("List", "Members", "Settings", "Inbox"), "dark": ("My tasks", "Account")}
PHONE_PAGES = {"light": ("List", "Inbox"), "dark": ("Board",)}


def main() -> int:
    """Write all pictures; 1 if one is too heavy for a page of documents."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    cores = machine.cores()
    with stack(cores.client) as servers, tutti(servers, cores.server) as server:
        password = _seed(servers)
        asyncio.run(_take_all(server.url, password))
    for file in FOLDER.glob("*.png"):
        _lighten(file)
    heavy = [file.name for file in FOLDER.glob("*.png") if file.stat().st_size > MOST_BYTES]
    for file in sorted(FOLDER.glob("*.png")):
        print(f"  {file.name}: {file.stat().st_size / 1000:.0f} KB")
    if heavy:
        print(f"Over {MOST_BYTES / 1000:.0f} KB: {', '.join(heavy)}")
    return 1 if heavy else 0


def _lighten(file: Path) -> None:
    """Make it a picture of 256 colours: a page has few, and it weighs half as much."""
    with Image.open(file) as picture:
        # Every colour counts, however small the dot is that has it.
        few = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(file, optimize=True)


def _seed(servers: Stack) -> str:
    """-> the demo account's password, which is said once."""
    environment = {
        **os.environ,
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "TUTTI_JWT_SECRET": SECRET,
        "PYTHONPATH": str(product_root()),
    }
    command = [sys.executable, "-m", "server.cli", "seed"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"password +(\S+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return found[1]


async def _take_all(url: str, password: str) -> None:
    async with chromium() as browser:
        for scheme in ("light", "dark"):
            page = await _signed_in(browser, url, password, color_scheme=scheme, viewport=DESK)
            await _take(page, f"board-{scheme}")
            await page.locator("[data-task]", has=page.locator("span", has_text="/")).first.click()
            await page.get_by_role("textbox", name="Title").wait_for()
            await _take(page, f"task-{scheme}")
            await page.keyboard.press("Escape")
            for name in PAGES[scheme]:
                await _visit(page, name)
                await _take(page, f"{name.lower().replace(' ', '-')}-{scheme}")
            if scheme == "light":
                await _palette(page)
            await page.context.close()
        for scheme, names in PHONE_PAGES.items():
            page = await _signed_in(browser, url, password, color_scheme=scheme, viewport=PHONE, has_touch=True)
            for name in names:
                await _visit(page, name)
                await _take(page, f"{name.lower().replace(' ', '-')}-phone")
            await page.context.close()


async def _visit(page: Page, name: str) -> None:
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
    await page.get_by_role("main", name=name).wait_for()


async def _palette(page: Page) -> None:
    await _visit(page, "Board")
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox").fill("de")
    await _take(page, "palette-light")
    await page.keyboard.press("Escape")


async def _signed_in(browser: Browser, url: str, password: str, **options: object) -> Page:
    context = await browser.new_context(base_url=url, reduced_motion="reduce", **options)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto("/")
    await (
        page.get_by_role("button", name="I have an account")
        .or_(page.get_by_role("button", name="Sign in"))
        .first.click()
    )
    await page.get_by_label("Email").fill("demo@example.com")
    await page.get_by_label("Password").fill(password)
    await page.locator("button[type=submit]").click()
    await is_live(page)
    await page.locator("[data-task]").first.wait_for()
    return page


async def _take(page: Page, name: str) -> None:
    await page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    await page.wait_for_function("() => !/Loading [a-z ]+…|Loading comments/.test(document.body.innerText)")
    await page.evaluate(RESTED)
    await page.screenshot(path=FOLDER / f"{name}.png", animations="disabled", caret="hide")


if __name__ == "__main__":
    raise SystemExit(main())
