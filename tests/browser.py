"""Pages as a browser shows them.

In: a page on the disk. Out: the page, opened in Chromium without a network, and what it did: errors on the
console, requests for anything beside itself, faults that axe-core finds for people who read by other means.
The fixtures `chromium` and `open_page` stand in conftest.py; a test that uses them is marked `browser`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
GRAVE = ("serious", "critical")
"""Impacts of a fault that a page may not have."""
Scheme = Literal["light", "dark"]


@dataclass
class Opened:
    """An opened page and what it did so far."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def width(self) -> int:
        """How wide the content is; more than the window's width means a scroll bar."""
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert isinstance(wide, int)
        return wide

    def faults(self) -> list[str]:
        """Serious and critical faults by axe-core: rule, what is wrong, the elements."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [
            f"{fault['id']} ({fault['impact']}): {fault['help']}: "
            + "; ".join(str(node["target"]) for node in fault["nodes"][:5])
            for fault in found
            if fault["impact"] in GRAVE
        ]


class Opener(Protocol):
    """Opens a page from the disk."""

    def __call__(
        self, path: Path, *, width: int = 1280, height: int = 900, scheme: Scheme = "light"
    ) -> Opened:
        """Open it in a window of this size and colour scheme."""
        ...


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium."""
    from playwright.sync_api import sync_playwright

    program = next(found for name in BROWSERS if (found := shutil.which(name)))
    # The sandbox refuses to run for root, which is who runs tests in a container.
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@contextmanager
def opener(browser: Browser) -> Iterator[Opener]:
    """Give what opens pages, and close them all at the end."""
    contexts = []

    def opened(path: Path, *, width: int = 1280, height: int = 900, scheme: Scheme = "light") -> Opened:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            offline=True,
            accept_downloads=True,
            reduced_motion="reduce",
            locale="en-GB",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        shown = Opened(page)
        address = path.resolve().as_uri()
        page.on(
            "console",
            lambda told: shown.errors.append(told.text) if told.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: shown.errors.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                shown.requests.append(asked.url) if asked.url.partition("#")[0] != address else None
            ),
        )
        page.goto(address)
        return shown

    yield opened
    for context in contexts:
        context.close()
