"""An embedded lab for tests, started as users start it: one ``extrapolab up`` and its children."""

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from lab.settings import LabSettings

EXTRAPOLAB = Path(sys.executable).with_name("extrapolab")
"""The command line program of this environment."""

START_SECONDS = 60.0
_READY = re.compile(r"The lab is ready at (http://\S+)")


class RunningLab:
    """A running lab.

    Attributes:
        url: The address of its API.
        data: Its data folder.
        process: The ``extrapolab up`` process.
    """

    def __init__(self, url: str, data: Path, process: psutil.Popen, output: Path) -> None:
        self.url, self.data, self.process, self._output = url, data, process, output

    @property
    def output(self) -> str:
        """The output of ``extrapolab up`` so far."""
        return self._output.read_text()

    def processes(self) -> list[psutil.Process]:
        """All processes below ``extrapolab up``."""
        return self.process.children(recursive=True)

    def child(self, word: str) -> psutil.Process:
        """The direct child whose command line has ``word``, such as ``uvicorn``."""
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(psutil.NoSuchProcess):  # a child may end in between
                matches = [
                    child
                    for child in self.process.children()
                    if any(word in part for part in child.cmdline())
                ]
                if len(matches) == 1:
                    return matches[0]
            assert time.monotonic() < deadline, f"the lab has no child {word}"
            time.sleep(0.05)

    def stop(self, sig: signal.Signals = signal.SIGINT) -> int:
        """Asks the lab to stop, as Ctrl-C does, and waits; returns its exit code."""
        self.process.send_signal(sig)
        return self.process.wait(timeout=15)


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without a lab's settings, and with ``changes``."""
    settings = {f"EXTRAPOLAB_{name.upper()}" for name in LabSettings.model_fields}
    return {
        name: value
        for name, value in {**psutil.Process().environ(), **changes}.items()
        if name in changes or name not in settings
    }


def up(
    data: Path, *options: str, seconds: float = START_SECONDS, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Runs an ``extrapolab up`` that must end by itself, in at most ``seconds``."""
    command = [EXTRAPOLAB, "up", "--data", data, *options]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment(**changes),
        timeout=seconds,
        check=False,
    )


@contextmanager
def running_lab(
    data: Path, *options: str, variables: Mapping[str, str] | None = None
) -> Iterator[RunningLab]:
    """A lab on a free port with two slots by default; it is stopped when the context ends."""
    output = data.with_name(f"{data.name}.out")
    with output.open("wb") as file:
        command = [EXTRAPOLAB, "up", "--data", data, "--port", "0", "--workers", "2", *options]
        process = psutil.Popen(
            command,
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            env=environment(**variables or {}),
        )
    try:
        yield RunningLab(_wait_for_url(process, output), data, process, output)
    finally:
        if process.is_running():
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=15)


def _wait_for_url(process: psutil.Popen, output: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while not (ready := _READY.search(output.read_text())):
        if process.poll() is not None or time.monotonic() > deadline:
            if process.poll() is None:
                process.kill()
            raise RuntimeError(f"The lab did not start:\n{output.read_text()}")
        time.sleep(0.05)
    return ready[1]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """The lab of the test session, for tests that leave it unchanged."""
    # a name that would mean something in a URL
    with running_lab(tmp_path_factory.mktemp("lab") / "a?b #%41;'é") as running:
        yield running
