"""The line on top of every page: what the lab does now, in a few numbers."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from store.db.tables import experiments, workers


@dataclass(frozen=True)
class Readout:
    """The lab in a few numbers; None where there is nothing to estimate from."""

    running: int
    waiting: int
    slots: int
    eta_seconds: float | None
    seed_steps_per_second: float | None


def readout(tx: Connection) -> Readout:
    """Reads the numbers."""
    counts: dict[str, int] = dict(
        tx.execute(
            select(experiments.c.state, func.count())
            .where(experiments.c.state.in_(["running", "queued"]))
            .group_by(experiments.c.state)
        ).all()
    )
    slots = tx.scalar(select(func.count()).select_from(workers)) or 0
    return Readout(counts.get("running", 0), counts.get("queued", 0), slots, None, None)
