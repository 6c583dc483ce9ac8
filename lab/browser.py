"""Opening the lab's page in a browser that outlives the lab.

A lab kills whatever is left of its process tree at its end, and its processes ignore Ctrl-C. So the
browser is started by a process of its own, from before the lab adopts orphans, which adopts them
instead: ``python -m lab.browser`` opens the URL on its standard input and ends with that input.
"""

import os
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab import process_tree

_NO_DESKTOP = ("CI", "SSH_CONNECTION")
"""Variables of the environment of sessions in which nobody sees a browser."""


def has_desktop() -> bool:
    """Whether a person at a terminal of this machine would see a browser."""
    has_display = any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return has_display and sys.stdout.isatty() and not any(map(os.environ.get, _NO_DESKTOP))


@contextmanager
def browser() -> Iterator[Callable[[str], None]]:
    """A function that opens a URL. What it opened stays open after the context."""
    command = (sys.executable, "-P", "-m", "lab.browser")
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:

        def open_url(url: str) -> None:
            if process.stdin is not None:
                process.stdin.write(f"{url}\n")
                process.stdin.flush()

        yield open_url


def _serve() -> None:
    process_tree.adopt_orphans(adopt=True)
    for line in sys.stdin:
        # some browsers return only when they are closed
        threading.Thread(target=webbrowser.open, args=[line.strip()], daemon=True).start()
    os._exit(0)


if __name__ == "__main__":
    _serve()
