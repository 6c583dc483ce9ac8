"""Makes the pictures of pages in docs/images: ``make screenshots``, with the system's Chromium.

A lab in a temporary folder runs a study, a sweep and a few experiments; then each page is drawn in
light and in dark, while two experiments train and others wait.
"""

import io
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from extrapolab import Experiment, Lab

FOLDER = Path(__file__).parent.parent / "docs" / "images"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SIZE = ViewportSize(width=1440, height=900)
MAX_BYTES = 200_000
CELL = 50
"""The cell of the sweep's map that is pointed at."""

IMAGES_OF_THE_SCREEN = """Promise.all([...document.images]
    .filter((image) => image.checkVisibility() && image.getBoundingClientRect().top < innerHeight)
    .map((image) => image.decode()))"""
TRAINED_STEPS = 1_000_000
"""Steps after which an experiment that still trains is shown."""

SPEC: dict[str, Any] = {
    "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
    "student": {"kind": "linear", "dim": 20, "start": {"kind": "gaussian", "scale": 0.001}},
    "training": {"length": 6},
    "optimizer": {"kind": "gd", "lr": 0.02, "steps": 5000},
    "seeds": 5,
}
GENERAL = {"kind": "linear", "dim": 20, "structure": "general"}
LENGTHS = {"path": "training.length", "values": [2, 3, 4, 5, 6, 7, 8, 10, 12]}
SCALES = {
    "path": "student.start.scale",
    "values": [1e-6, 1e-5, 1e-4, 0.001, 0.01, 0.1, 0.3, 1, 3],
}


@contextmanager
def running_lab() -> Iterator[str]:
    """A lab with two worker slots; its URL."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--data", folder, "--port", "0", "--workers", "2", "--no-open")
        command = [str(Path(sys.executable).with_name("extrapolab")), "up", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                line = process.stdout.readline() if process.stdout else ""
                if (found := re.search(r"http://\S+", line)) is None:
                    raise RuntimeError(f"the lab did not start: {line}")
                yield found[0]
            finally:
                process.send_signal(signal.SIGINT)


def fill(url: str) -> dict[str, str]:
    """Runs experiments; the path of each page by its name."""
    with Lab(url, user="ada") as ada, Lab(url, user="grace") as grace:
        study = ada.study("balanced")
        study.submit()
        base = {**SPEC, "student": GENERAL, "tags": ["phase"], "seeds": 3}
        base["optimizer"] = {"lr": 0.02, "steps": 1500}  # a few don't fit, some diverge
        sweep = ada.sweep(base, [LENGTHS, SCALES], name="When does it extrapolate?")
        near = ada.submit(SPEC | {"name": "two poles, near zero", "notes": NOTES})
        student = {**GENERAL, "start": {"kind": "gaussian", "scale": 1.0}}
        large = ada.submit(SPEC | {"name": "two poles, large start", "student": student})
        figure = {"x": "training.length", "series": "student.start.scale", "query": "tag:phase"}
        study.wait()
        sweep.wait()
        near.wait()
        large.wait()
        hopeless = grace.submit(patient("without a limit", dim=30), max_seconds=1)
        running = [grace.submit(patient(f"five poles, d = {dim}", dim=dim)) for dim in (40, 60)]
        wait_for(running, hopeless)
        for dim in (80, 100):
            grace.submit(patient(f"five poles, d = {dim}", dim=dim))
        ada.submit(patient("five poles, k = 24", dim=60, length=24))
        return {
            "lab": "/",
            "experiments": "/experiments?q=tag%3Aphase",
            "experiment": f"/experiments/{near.id}",
            "sweep": f"/sweeps/{sweep.id}",
            "study": "/studies/balanced",
            "compare": f"/compare?ids={near.id},{large.id}",
            "figures": f"/figures?{urlencode(figure)}",
            "new": "/new",
        }


NOTES = "Does a student of **20 states** find a teacher of 2?"


def patient(name: str, *, dim: int, length: int = 12) -> dict[str, Any]:
    """A spec that trains for many minutes."""
    eigenvalues = {"kind": "uniform", "low": -1, "high": 1}
    return SPEC | {
        "name": name,
        "teacher": {"kind": "balanced", "dim": 5, "eigenvalues": eigenvalues},
        "student": {"kind": "linear", "dim": dim, "start": {"kind": "gaussian", "scale": 0.01}},
        "training": {"length": length},
        "optimizer": {"kind": "gd", "lr": 0.002, "steps": 20 * TRAINED_STEPS},
    }


def wait_for(running: list[Experiment], hopeless: Experiment) -> None:
    """Waits until these have trained for a while, and that one has failed."""
    while hopeless.refresh().state != "failed" or any(
        (progress := experiment.refresh().progress) is None or progress.step < TRAINED_STEPS
        for experiment in running
    ):
        time.sleep(1)


def draw(browser: Browser, url: str, name: str, scheme: Literal["light", "dark"]) -> None:
    """Writes the picture of a page, in at most 256 colours."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme)
    page = context.new_page()
    page.goto(url)
    page.evaluate("document.fonts.ready")
    page.evaluate(IMAGES_OF_THE_SCREEN)
    if name == "sweep":
        page.locator("svg a").nth(CELL).hover()
    page.wait_for_timeout(1500)  # charts draw what they fetched
    picture = Image.open(io.BytesIO(page.screenshot()))
    context.close()
    path = FOLDER / f"page-{name}-{scheme}.png"
    colours = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    colours.save(path, optimize=True)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise RuntimeError(f"{path} has {size} bytes; at most {MAX_BYTES} are allowed")


def main() -> None:
    """Makes all pictures."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        raise SystemExit("There is no Chromium; install your system's.")
    with running_lab() as url, sync_playwright() as playwright:
        pages = fill(url)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, path in pages.items():
            draw(browser, url + path, name, "light")
            draw(browser, url + path, name, "dark")


if __name__ == "__main__":
    main()
