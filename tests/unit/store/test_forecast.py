"""A forecast is that of slots which take one experiment after the other."""

import heapq
import random

import pytest

from store.queue.forecast import Forecast


def simulated(free_in, duration, count):
    """The start of the last of ``count`` experiments, and the end of all."""
    slots = list(free_in)
    heapq.heapify(slots)
    for _ in range(count):
        start = heapq.heappop(slots)
        heapq.heappush(slots, start + duration)
    return start, max(slots)


@pytest.mark.parametrize("seed", range(200))
def test_forecast_equals_a_simulation(seed):
    draw = random.Random(seed)
    free_in = sorted(
        draw.choice([0.0, 5.0, draw.uniform(0, 40)]) for _ in range(draw.randint(1, 6))
    )
    duration, count = draw.choice([0.5, 3.0, 10.0]), draw.randint(1, 40)
    forecast = Forecast(tuple(free_in), duration)
    start, end = simulated(free_in, duration, count)
    assert forecast.starts_in(count) == pytest.approx(start)
    assert forecast.empty_in(count) == pytest.approx(end)


def test_forecast_says_nothing_without_a_basis():
    assert Forecast((), 2.0).starts_in(1) is None
    assert Forecast((), 2.0).empty_in(1) is None
    assert Forecast((0.0, 3.0), None).starts_in(1) == 0.0
    assert Forecast((0.0, 3.0), None).starts_in(2) is None
    assert Forecast((0.0, 3.0), None).empty_in(1) is None
    assert Forecast((0.0, None), None).empty_in(0) is None


def test_forecast_takes_a_running_experiment_without_an_estimate_for_an_average_one():
    forecast = Forecast((1.0, None), 4.0)
    assert [forecast.starts_in(position) for position in (1, 2, 3)] == [1.0, 4.0, 5.0]


def test_empty_queue_ends_with_the_last_running_experiment():
    assert Forecast((0.0, 3.0), None).empty_in(0) == 3.0
    assert Forecast((), None).empty_in(0) == 0.0
