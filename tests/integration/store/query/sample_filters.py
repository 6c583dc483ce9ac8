"""Random filters as text, each with the predicate that it means."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from core import statistics
from core.result import METRICS, Outcome
from core.spec.paths import value_at
from store.records import FailureKind
from store.states import State
from tests.kit import population
from tests.kit.population import NOW, Stored

COMPARISONS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SAMPLE_METRICS = ("train_loss", "extrapolation_error", "zero_baseline")


@dataclass(frozen=True)
class SampleFilter:
    """A filter as text, and the same as a predicate."""

    text: str
    matches: Callable[[Any], bool]


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _compared(value: Any, sign: str, other: Any) -> bool:
    if value is None or other is None or not (_finite(value) and _finite(other)):
        return False
    return COMPARISONS[sign](value, other)


def _finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def statistic(name: str, stored: Stored, metric: str) -> float | None:
    """The statistic of an experiment's runs, None if it is not finite or there are no runs."""
    if not stored.runs:
        return None
    value = statistics.statistic(name, statistics.values_of_runs(stored.runs, [metric])[:, 0])
    return value if math.isfinite(value) else None


# Fields with one value per experiment
numbers = st.sampled_from(
    [-1, 0, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 2.5, 1e-3, 1e200, -1e200, 2**53 + 1, 100]
)
spec_numbers = st.sampled_from(
    [
        "student.dim",
        "student.start.scale",
        "training.length",
        "teacher.seed",
        "teacher.dim",
        "optimizer.lr",
        "evaluation.horizon",
    ]
)
signs = st.sampled_from([*COMPARISONS])


def _value_of(path: str) -> Callable[[Stored], Any]:
    record_values = {
        "seeds": lambda s: len(s.spec.seeds),
        "priority": lambda s: s.priority,
        "attempts": lambda s: s.attempts,
    }
    return record_values.get(path, lambda s: value_at(s.content, path))


number_fields = spec_numbers | st.sampled_from(["priority", "attempts", "seeds"])
number_filters = st.builds(
    lambda path, sign, number: SampleFilter(
        f"{path} {sign} {number}", lambda s: _compared(_value_of(path)(s), sign, number)
    ),
    number_fields,
    signs,
    numbers,
)
pair_filters = st.builds(
    lambda a, sign, b: SampleFilter(
        f"{a}{sign}{b}", lambda s: _compared(_value_of(a)(s), sign, _value_of(b)(s))
    ),
    number_fields,
    signs,
    number_fields,
)
list_filters = st.builds(
    lambda path, listed: SampleFilter(
        f"{path} in ({', '.join(map(str, listed))})", lambda s: _value_of(path)(s) in listed
    ),
    number_fields,
    st.lists(numbers, min_size=1, max_size=3),
)
between_filters = st.builds(
    lambda path, low, high: SampleFilter(
        f"{path} between {low} and {high}",
        lambda s: (
            _compared(_value_of(path)(s), ">=", low) and _compared(_value_of(path)(s), "<=", high)
        ),
    ),
    number_fields,
    numbers,
    numbers,
)

TEXTS: dict[str, tuple[Callable[[Stored], str | None], tuple[str, ...]]] = {
    "name": (lambda s: s.spec.name, population.NAMES),
    "notes": (lambda s: s.spec.notes, ("", "look again")),
    "owner": (lambda s: s.owner, population.OWNERS),
    "state": (lambda s: s.state, tuple(State)),
    "failure": (lambda s: s.failure, tuple(FailureKind)),
    "teacher.kind": (lambda s: s.spec.teacher.kind, ("balanced", "delay", "random")),
    "student.structure": (
        lambda s: value_at(s.content, "student.structure"),
        ("symmetric", "general"),
    ),
}
text_filters = st.sampled_from([*TEXTS]).flatmap(
    lambda name: st.builds(
        lambda sign, word: SampleFilter(
            f"{name} {sign} {quoted(word)}", lambda s: _compared(TEXTS[name][0](s), sign, str(word))
        ),
        st.sampled_from(["=", "!="]),
        st.sampled_from(TEXTS[name][1]),
    )
)
SUBSTRINGS = ("a", "B", "%", "_", "ö", "\\", "'", '"', "teacher", "", " ", "E")


def _lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


substring_filters = st.builds(
    lambda name, part: SampleFilter(
        f"{name} ~ {quoted(part)}",
        lambda s: (word := TEXTS[name][0](s)) is not None and _lower(part) in _lower(word),
    ),
    st.sampled_from([*TEXTS]),
    st.sampled_from(SUBSTRINGS),
)
missing_filters = st.builds(
    lambda path, negation: SampleFilter(
        f"{path} is {negation}null", lambda s: (_value_of(path)(s) is None) is not bool(negation)
    ),
    spec_numbers,
    st.sampled_from(["", "not "]),
)
flag_filters = st.sampled_from(
    [
        SampleFilter("student.tied", lambda s: value_at(s.content, "student.tied") is True),
        SampleFilter(
            "student.tied = false", lambda s: value_at(s.content, "student.tied") is False
        ),
        SampleFilter(
            "student.tied != true", lambda s: value_at(s.content, "student.tied") is False
        ),
        SampleFilter("student.tied is null", lambda s: value_at(s.content, "student.tied") is None),
        SampleFilter("finished is null", lambda s: s.finished is None),
        SampleFilter("failure is not null", lambda s: s.failure is not None),
        SampleFilter("tag is null", lambda s: not s.spec.tags),
        SampleFilter("tag is not null", lambda s: bool(s.spec.tags)),
        SampleFilter("sweep:swp_x or sweep is not null", lambda s: False),
    ]
)
AGO = {"-1s": 1.0, "-30m": 1800.0, "-1h": 3600.0, "-1d": 86400.0, "-2w": 14 * 86400.0, "now": 0.0}
time_filters = st.builds(
    lambda name, sign, ago: SampleFilter(
        f"{name} {sign} {ago}", lambda s: _compared(getattr(s, name), sign, NOW - AGO[ago])
    ),
    st.sampled_from(["created", "started", "finished"]),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.sampled_from([*AGO]),
)
tag_filters = st.sampled_from(population.TAGS).flatmap(
    lambda tag: st.sampled_from(
        [
            SampleFilter(
                f"tag:{tag}" if " " not in tag else f"tag:{quoted(tag)}",
                lambda s: tag in s.spec.tags,
            ),
            SampleFilter(f"tag = {quoted(tag)}", lambda s: tag in s.spec.tags),
            SampleFilter(
                f"tag ~ {quoted(tag[:2].upper())}",
                lambda s: any(tag[:2] in other for other in s.spec.tags),
            ),
            SampleFilter(f"tag in (nothing, {quoted(tag)})", lambda s: tag in s.spec.tags),
        ]
    )
)

# Conditions on one run
metric_filters = st.builds(
    lambda name, sign, number: SampleFilter(
        f"{name} {sign} {number}", lambda run: _compared(run.summary.get(name), sign, number)
    ),
    st.sampled_from(SAMPLE_METRICS),
    signs,
    numbers,
)
metric_pair_filters = st.builds(
    lambda a, sign, b: SampleFilter(
        f"{a} {sign} {b}", lambda r: _compared(r.summary.get(a), sign, r.summary.get(b))
    ),
    st.sampled_from(SAMPLE_METRICS),
    signs,
    st.sampled_from(SAMPLE_METRICS),
)
non_finite_filters = st.builds(
    lambda function, name: SampleFilter(
        f"{function}({name})", lambda run: _TESTS[function](run.summary.get(name, 0.0))
    ),
    st.sampled_from(["is_nan", "is_infinite"]),
    st.sampled_from(SAMPLE_METRICS),
)
_TESTS = {"is_nan": math.isnan, "is_infinite": math.isinf}
absent_metric_filters = st.builds(
    lambda name: SampleFilter(f"{name} is null", lambda run: name not in run.summary),
    st.sampled_from([*METRICS]),
)
outcome_filters = st.builds(
    lambda sign, outcome: SampleFilter(
        f"outcome {sign} {outcome}", lambda run: COMPARISONS[sign](run.outcome, outcome)
    ),
    st.sampled_from(["=", "!="]),
    st.sampled_from([*Outcome]),
)
seed_filters = st.builds(
    lambda sign, number: SampleFilter(
        f"seed {sign} {number}", lambda run: COMPARISONS[sign](run.seed, number)
    ),
    signs,
    st.integers(0, 4),
)
run_filters = st.one_of(
    metric_filters,
    metric_pair_filters,
    non_finite_filters,
    absent_metric_filters,
    outcome_filters,
    seed_filters,
)


def _any_run(sample: SampleFilter) -> SampleFilter:
    return SampleFilter(sample.text, lambda s: any(map(sample.matches, s.runs)))


statistic_filters = st.builds(
    lambda name, metric, sign, number: SampleFilter(
        f"{name}({metric}) {sign} {number}",
        lambda s: _compared(statistic(name, s, metric), sign, number),
    ),
    st.sampled_from(["median", "mean", "min", "max"]),
    st.sampled_from(SAMPLE_METRICS),
    signs,
    numbers,
)
missing_statistic_filters = st.builds(
    lambda name, metric: SampleFilter(
        f"{name}(final({metric})) is null", lambda s: statistic(name, s, metric) is None
    ),
    st.sampled_from(["median", "mean", "min", "max"]),
    st.sampled_from(SAMPLE_METRICS),
)


def _joined(parts: st.SearchStrategy[SampleFilter]) -> st.SearchStrategy[SampleFilter]:
    def combined(a: SampleFilter, word: str, b: SampleFilter) -> SampleFilter:
        return SampleFilter(
            f"({a.text} {word} {b.text})",
            (lambda s: a.matches(s) and b.matches(s))
            if word == "and"
            else (lambda s: a.matches(s) or b.matches(s)),
        )

    negated = st.builds(
        lambda a: SampleFilter(f"not ({a.text})", lambda s: not a.matches(s)), parts
    )
    return negated | st.builds(combined, parts, st.sampled_from(["and", "or"]), parts)


run_conditions = st.recursive(run_filters, _joined, max_leaves=3)
quantified_filters = st.builds(
    lambda word, sample: SampleFilter(
        f"{word}({sample.text})",
        lambda s: bool(s.runs) and {"any": any, "all": all}[word](map(sample.matches, s.runs)),
    ),
    st.sampled_from(["any", "all"]),
    run_conditions,
)
count_filters = st.builds(
    lambda sample, sign, number: SampleFilter(
        f"count({sample.text}) {sign} {number}",
        lambda s: COMPARISONS[sign](sum(map(sample.matches, s.runs)), number),
    ),
    run_conditions,
    signs,
    st.integers(0, 3),
)

leaves = st.one_of(
    number_filters,
    pair_filters,
    list_filters,
    between_filters,
    text_filters,
    substring_filters,
    missing_filters,
    flag_filters,
    time_filters,
    tag_filters,
    run_filters.map(_any_run),
    statistic_filters,
    missing_statistic_filters,
    quantified_filters,
    count_filters,
)
filters = st.recursive(leaves, _joined, max_leaves=6)
"""Filters of experiments, with predicates on :class:`Stored`."""
