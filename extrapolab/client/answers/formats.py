"""Numbers and times as people read them."""

from datetime import datetime
from typing import TYPE_CHECKING

from core.labels import duration

if TYPE_CHECKING:
    from extrapolab.models.experiments import ExperimentRecord
    from extrapolab.models.sweeps import SweepRecord


def format_number(value: float | None) -> str:
    """Formats a number to three significant digits; None is a dash.

    Example:
        >>> [format_number(value) for value in (0.000123456, 12.0, float("nan"), None)]
        ['0.000123', '12', 'nan', '-']
    """
    return "-" if value is None else f"{value:.3g}"


def format_time(time: datetime) -> str:
    """Formats a time in this machine's time zone."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"


def format_speed(record: "ExperimentRecord") -> str:
    """Formats steps per second and the remaining time, as far as they are known."""
    progress = record.progress
    if progress is None or record.state != "running":
        return ""
    parts = []
    if progress.steps_per_second is not None:
        parts.append(f"{progress.steps_per_second:,.0f} steps/s")
    if progress.eta_seconds is not None:
        parts.append(f"{duration(progress.eta_seconds)} left")
    return ", ".join(parts)


def format_counts(record: "SweepRecord") -> str:
    """Formats the number of experiments in each state of a sweep."""
    return ", ".join(f"{count:,} {state}" for state, count in record.counts.items() if count)


def format_left(eta_seconds: float | None) -> str:
    """Formats the remaining time, to follow a state; nothing if it is unknown."""
    return "" if eta_seconds is None else f", about {duration(eta_seconds)} left"
