"""A lab's answer about the series of many experiments."""

from pydantic import Field

from extrapolab.models.base import Record


class SeriesColumns(Record):
    """The recorded points of one of several experiments, over one axis of steps.

    ``seeds`` has a value at each step by seed and metric, None where the seed has no point, such as
    after it diverged. Over seeds, ``metrics`` has values by metric and statistic (``median``,
    ``q1``, ``q3``), and ``seeds`` is the number of seeds.

    ``thinned`` tells whether steps are left out, and ``of`` their number before that.
    """

    experiment: str
    name: str = ""
    state: str
    step: tuple[int, ...]
    seeds: dict[int, dict[str, tuple[float | None, ...]]] | int
    fitted: int | None = None
    diverged: int | None = None
    metrics: dict[str, dict[str, tuple[float, ...]]] = Field(default={})
    thinned: bool
    of: int
