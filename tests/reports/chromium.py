"""Pages in Debian's Chromium, without a window."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

BROWSER, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))

_NEEDED = {
    "Debian's package chromium": BROWSER,
    "Debian's package chromium-driver": DRIVER,
    "Python's package selenium": find_spec("selenium"),
}
MISSING = ", ".join(name for name, found in _NEEDED.items() if not found)
"""What has to be installed first; empty where everything is there."""


def open_browser() -> Any:
    """Return a browser that logs what it asks for and complains of; call its `quit` at the end."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))


def show(browser: Any, path: Path, *, width: int = 1280, scheme: str = "light", media: str = "screen") -> None:
    """Open a page in a window of so many pixels, in the colours that the reader's system asks for."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(path.as_uri())
