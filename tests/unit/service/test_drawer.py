"""The process that draws: its answers and errors, its death, and its end when it is idle."""

import select
import time
from types import SimpleNamespace

import pytest

from core.figures import style_version
from service.figures import drawer
from service.figures.drawer import Drawer, DrawerLost

LAST, BROKEN = SimpleNamespace(file=max), SimpleNamespace(file=int)
"""Figures whose file is the greatest of what they are given, and that can't be drawn."""

ENDLESS, CODE = SimpleNamespace(file=select.select), SimpleNamespace(file=eval)
"""Figures that wait for nothing for ever, and that run code."""


@pytest.fixture
def drawing():
    drawing = Drawer()
    yield drawing
    drawing.stop()


def test_errors_are_raised_and_a_dead_process_is_replaced(drawing):
    assert drawing.draw(LAST, b"1", b"2", b"3") == b"3"
    first = drawing._process
    with pytest.raises(TypeError) as raised:
        drawing.draw(BROKEN, b"1", b"2", b"3")
    assert "in _serve" in raised.value.__notes__[0], "the log would not say where"
    assert drawing._process is first
    first.kill()
    first.wait()
    assert drawing.draw(LAST, b"1", b"2", b"4") == b"4"
    assert drawing._process is not first


def test_the_version_of_the_style_is_that_of_the_process_and_asked_for_once(drawing):
    assert drawing.style_version == style_version()
    drawing.stop()
    assert drawing.style_version == style_version()
    assert drawing._process is None


def test_a_figure_that_kills_its_process_is_given_up_and_the_next_is_drawn(drawing):
    with pytest.raises(DrawerLost, match="was killed"):
        drawing.draw(CODE, "__import__('os')._exit(1)", {}, {})
    assert drawing.draw(LAST, b"1", b"2", b"3") == b"3"


def test_a_figure_that_takes_too_long_is_given_up_and_the_next_is_drawn(drawing, monkeypatch):
    monkeypatch.setattr(drawer, "MAX_SECONDS", 0.0)
    with pytest.raises(DrawerLost, match="within 0 s"):
        drawing.draw(ENDLESS, [], [], [])
    monkeypatch.undo()
    assert drawing.draw(LAST, b"1", b"2", b"3") == b"3"


def test_it_ends_when_it_is_idle(drawing, monkeypatch):
    monkeypatch.setattr(drawer, "IDLE_SECONDS", 0.0)
    drawing.draw(LAST, b"1", b"2", b"3")
    deadline = time.monotonic() + 60
    while drawing._process is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
