"""Query parameters that name metrics and statistics over seeds."""

from typing import Annotated

from fastapi import Query

from core.result import METRICS
from core.statistics import STATISTICS
from service.http.errors import Invalid
from service.http.parameters import known_names

DEFAULT_METRICS = "fit_error,extrapolation_error,relative_extrapolation_error"
ALL_STATISTICS = ",".join(STATISTICS)

MetricNames = Annotated[
    str, Query(description="Metrics, separated by commas.", examples=["fit_error,effective_rank"])
]
StatisticNames = Annotated[
    str, Query(description="Statistics over seeds, separated by commas.", examples=["median,q1,q3"])
]


def parse(metrics: str, statistic: str) -> tuple[list[str], list[str]]:
    """The named metrics and statistics; raises Invalid with every unknown name."""
    metric_names, unknown_metrics = known_names(metrics, "metrics", "metric", METRICS)
    statistic_names, unknown_statistics = known_names(
        statistic, "statistic", "statistic", STATISTICS
    )
    if problems := [*unknown_metrics, *unknown_statistics]:
        raise Invalid(*problems)
    return metric_names, statistic_names
