"""The process that draws: its answers and errors, its death, and its end when it is idle."""

import time
from types import SimpleNamespace

import pytest

from service.figures import drawer
from service.figures.drawer import Drawer

LAST, BROKEN = SimpleNamespace(file=max), SimpleNamespace(file=int)
"""Figures whose file is the greatest of what they are given, and that can't be drawn."""


@pytest.fixture
def drawing():
    drawing = Drawer()
    yield drawing
    drawing.stop()


def test_errors_are_raised_and_a_dead_process_is_replaced(drawing):
    assert drawing.draw(LAST, b"1", b"2", b"3") == b"3"
    first = drawing._process
    with pytest.raises(TypeError):
        drawing.draw(BROKEN, b"1", b"2", b"3")
    assert drawing._process is first
    first.kill()
    first.wait()
    assert drawing.draw(LAST, b"1", b"2", b"4") == b"4"
    assert drawing._process is not first


def test_it_ends_when_it_is_idle(drawing, monkeypatch):
    monkeypatch.setattr(drawer, "IDLE_SECONDS", 0.0)
    drawing.draw(LAST, b"1", b"2", b"3")
    deadline = time.monotonic() + 60
    while drawing._process is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
