"""The cache of drawn figures: bounded, first in first out, and never a reason to fail."""

import random
import tempfile

from service.figures.cache import FigureCache


def incompressible(size, seed):
    return random.Random(seed).randbytes(size)


def test_a_stored_figure_is_returned():
    cache = FigureCache(10_000)
    assert cache.get("a") is None
    cache.put("a", b"<svg/>")
    cache.put("b", b"<svg></svg>" * 1000)
    assert (cache.get("a"), cache.get("b")) == (b"<svg/>", b"<svg></svg>" * 1000)


def test_a_figure_stored_again_is_replaced():
    cache = FigureCache(10_000)
    for content in (b"before", b"after"):
        cache.put("a", content)
    assert cache.get("a") == b"after"


def test_the_oldest_figures_make_room_for_new_ones():
    cache = FigureCache(10_000)
    figures = {number: incompressible(900 + 37 * (number % 7), number) for number in range(50)}
    for number, content in figures.items():
        cache.put(number, content)
        assert cache.get(number) == content
    kept = [number for number in figures if cache.get(number) is not None]
    assert kept == list(range(kept[0], 50))
    assert 8 <= len(kept) <= 11
    assert all(cache.get(number) == figures[number] for number in kept)


def test_a_figure_larger_than_the_cache_is_not_stored():
    cache = FigureCache(1000)
    cache.put("small", incompressible(500, 0))
    cache.put("large", incompressible(2000, 1))
    assert cache.get("large") is None
    assert cache.get("small") is not None


def test_a_disk_that_cannot_be_written_to_costs_a_warning(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    cache = FigureCache(1000)
    cache.put("a", b"<svg/>")
    assert cache.get("a") is None
    assert "could not be cached" in caplog.text
