"""Numbers and times as people read them."""

from datetime import datetime
from typing import TYPE_CHECKING

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


def format_duration(seconds: float) -> str:
    """Formats seconds as a duration in its largest sensible unit, as the lab's page does.

    Example:
        >>> [format_duration(seconds) for seconds in (0.25, 75, 1020, 9000, 3 * 86400)]
        ['0.2 s', '75 s', '17 min', '2.5 h', '3 days']
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.1f} h".replace(".0 h", " h")
    return f"{seconds / 86400:.0f} days"


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
        parts.append(f"{format_duration(progress.eta_seconds)} left")
    return ", ".join(parts)


def format_counts(record: "SweepRecord") -> str:
    """Formats the number of experiments in each state of a sweep."""
    return ", ".join(f"{count:,} {state}" for state, count in record.counts.items() if count)


def format_left(eta_seconds: float | None) -> str:
    """Formats the remaining time, to follow a state; nothing if it is unknown."""
    return "" if eta_seconds is None else f", about {format_duration(eta_seconds)} left"
