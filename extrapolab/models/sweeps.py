"""What a lab answers about sweeps, as frozen values."""

from datetime import datetime
from typing import Any

from pydantic import Field

from extrapolab.models.experiments import Cost, Record


class SweepWarning(Record):
    """What is questionable about some experiments of a sweep, where the first of them lies, and how many there are."""

    message: str
    first: dict[str, Any]
    experiments: int


class SweepSubmission(Record):
    """The lab's answer to a sweep: of its ``count`` experiments ``created`` were queued, ``reused`` were there."""

    id: str
    name: str
    count: int
    created: int
    reused: int
    state: str
    warnings: tuple[SweepWarning, ...] = ()


class SweepPoint(Record):
    """One experiment of a sweep that is only checked."""

    coordinates: dict[str, Any]
    spec_hash: str


class SweepCheck(Record):
    """What a lab would do with a sweep: nothing was stored. ``points`` are its first few."""

    name: str
    count: int
    created: int
    reused: int
    cost: Cost
    warnings: tuple[SweepWarning, ...] = ()
    points: tuple[SweepPoint, ...] = ()


class SweepProgress(Record):
    """How many experiments of a sweep have ended."""

    done: int
    of: int


class SweepRecord(Record):
    """A sweep as the lab knows it now.

    ``state`` is ``queued``, ``running``, ``completed``, or ``incomplete``: nothing is pending, but
    some experiments failed or were cancelled. Base and axes are there where one sweep was asked
    for, not in a list.
    """

    id: str
    name: str
    owner: str = ""
    created_at: datetime
    state: str
    counts: dict[str, int]
    progress: SweepProgress
    base: dict[str, Any] = Field(default_factory=dict)
    axes: tuple[dict[str, Any], ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether nothing of it is pending."""
        return self.state not in {"queued", "running"}


class SweepMember(Record):
    """One experiment of a sweep, by id, with its value on each axis."""

    coordinates: dict[str, Any]
    experiment: str
    state: str


class SweepAxis(Record):
    """An axis of a grid: its path, and its values."""

    path: str
    values: tuple[Any, ...]


class SweepGrid(Record):
    """Two axes crossed.

    ``metrics`` has numbers by metric, statistic, row and column; ``states`` what each cell is.
    """

    rows: SweepAxis
    columns: SweepAxis
    states: list[list[str]]
    metrics: dict[str, dict[str, list[list[float]]]]


class SweepRow(SweepMember):
    """The same with statistics over its seeds, by metric and name; None until it is completed."""

    seeds: int
    diverged: int | None = None
    metrics: dict[str, dict[str, float]] | None = None

    @property
    def flat(self) -> dict[str, Any]:
        """Coordinates, id, state and numbers side by side; a number is called ``metric.statistic``."""
        numbers = {
            f"{m}.{name}": v
            for m, found in (self.metrics or {}).items()
            for name, v in found.items()
        }
        own = {
            "experiment": self.experiment,
            "state": self.state,
            "seeds": self.seeds,
            "diverged": self.diverged,
        }
        return {**self.coordinates, **own, **numbers}
