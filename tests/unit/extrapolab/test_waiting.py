"""A long wait is counted on a terminal, and leaves no trace there."""

import io
import threading

from extrapolab.client.connection import waiting
from extrapolab.client.connection.waiting import show_waits, shown_wait


class Terminal(io.StringIO):
    """A terminal that says when something was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        count = super().write(text)
        self.written.set()
        return count


def test_a_long_wait_is_counted_and_erased(monkeypatch):
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.0)
    terminal = Terminal()
    show_waits(terminal)
    with shown_wait():
        assert terminal.written.wait(60)
    assert terminal.getvalue().startswith("\r\x1b[Kwaiting for the lab, 0 s")
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_an_answer_in_time_and_a_file_show_nothing(monkeypatch):
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 3600.0)
    terminal, file = Terminal(), io.StringIO()
    show_waits(terminal)
    with shown_wait():
        pass
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.0)
    show_waits(file)
    with shown_wait():
        pass
    assert terminal.getvalue() == file.getvalue() == ""
