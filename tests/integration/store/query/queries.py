"""Questions as text beside what they mean: each comes with a predicate on :class:`tests.kit.population.Stored`."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from core import statistics
from core.result import METRICS, Outcome, RunResult
from core.spec.sweep import look_up
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
OWN_METRICS = ("train_loss", "extrapolation_error", "zero_baseline")


@dataclass(frozen=True)
class Question:
    """What is asked, and the answer for one thing."""

    text: str
    holds: Callable[[Any], bool]


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


# What an experiment has one of
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


def _at(path: str) -> Callable[[Stored], Any]:
    own = {
        "seeds": lambda s: len(s.spec.seeds),
        "priority": lambda s: s.priority,
        "attempts": lambda s: s.attempts,
    }
    return own.get(path, lambda s: look_up(s.content, path))


own_numbers = spec_numbers | st.sampled_from(["priority", "attempts", "seeds"])
number_questions = st.builds(
    lambda path, sign, number: Question(f"{path} {sign} {number}", lambda s: _compared(_at(path)(s), sign, number)),
    own_numbers, signs, numbers,
)  # fmt: skip
pair_questions = st.builds(
    lambda a, sign, b: Question(f"{a}{sign}{b}", lambda s: _compared(_at(a)(s), sign, _at(b)(s))),
    own_numbers, signs, own_numbers,
)  # fmt: skip
list_questions = st.builds(
    lambda path, some: Question(f"{path} in ({', '.join(map(str, some))})", lambda s: _at(path)(s) in some),
    own_numbers, st.lists(numbers, min_size=1, max_size=3),
)  # fmt: skip
between_questions = st.builds(
    lambda path, low, high: Question(
        f"{path} between {low} and {high}",
        lambda s: _compared(_at(path)(s), ">=", low) and _compared(_at(path)(s), "<=", high),
    ),
    own_numbers, numbers, numbers,
)  # fmt: skip

WORDS: dict[str, tuple[Callable[[Stored], str | None], tuple[str, ...]]] = {
    "name": (lambda s: s.spec.name, population.NAMES),
    "notes": (lambda s: s.spec.notes, ("", "look again")),
    "owner": (lambda s: s.owner, population.OWNERS),
    "state": (lambda s: s.state, tuple(State)),
    "failure": (lambda s: s.failure, tuple(FailureKind)),
    "teacher.kind": (lambda s: s.spec.teacher.kind, ("balanced", "delay", "random")),
    "student.structure": (
        lambda s: look_up(s.content, "student.structure"),
        ("symmetric", "general"),
    ),
}
word_questions = st.sampled_from([*WORDS]).flatmap(
    lambda name: st.builds(
        lambda sign, word: Question(
            f"{name} {sign} {quoted(word)}", lambda s: _compared(WORDS[name][0](s), sign, str(word))
        ),
        st.sampled_from(["=", "!="]), st.sampled_from(WORDS[name][1]),
    )
)  # fmt: skip
PARTS = ("a", "B", "%", "_", "ö", "\\", "'", '"', "teacher", "", " ", "E")


def _lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


part_questions = st.builds(
    lambda name, part: Question(
        f"{name} ~ {quoted(part)}",
        lambda s: (word := WORDS[name][0](s)) is not None and _lower(part) in _lower(word),
    ),
    st.sampled_from([*WORDS]), st.sampled_from(PARTS),
)  # fmt: skip
missing_questions = st.builds(
    lambda path, no: Question(
        f"{path} is {no}null", lambda s: (_at(path)(s) is None) is not bool(no)
    ),
    spec_numbers, st.sampled_from(["", "not "]),
)  # fmt: skip
flag_questions = st.sampled_from(
    [
        Question("student.tied", lambda s: look_up(s.content, "student.tied") is True),
        Question("student.tied = false", lambda s: look_up(s.content, "student.tied") is False),
        Question("student.tied != true", lambda s: look_up(s.content, "student.tied") is False),
        Question("student.tied is null", lambda s: look_up(s.content, "student.tied") is None),
        Question("finished is null", lambda s: s.finished is None),
        Question("failure is not null", lambda s: s.failure is not None),
        Question("tag is null", lambda s: not s.spec.tags),
        Question("tag is not null", lambda s: bool(s.spec.tags)),
        Question("sweep:swp_x or sweep is not null", lambda s: False),
    ]
)
AGO = {"-1s": 1.0, "-30m": 1800.0, "-1h": 3600.0, "-1d": 86400.0, "-2w": 14 * 86400.0, "now": 0.0}
time_questions = st.builds(
    lambda name, sign, ago: Question(
        f"{name} {sign} {ago}", lambda s: _compared(getattr(s, name), sign, NOW - AGO[ago])
    ),
    st.sampled_from(["created", "started", "finished"]), st.sampled_from(["<", "<=", ">", ">="]),
    st.sampled_from([*AGO]),
)  # fmt: skip
tag_questions = st.sampled_from(population.TAGS).flatmap(
    lambda tag: st.sampled_from(
        [
            Question(
                f"tag:{tag}" if " " not in tag else f"tag:{quoted(tag)}",
                lambda s: tag in s.spec.tags,
            ),
            Question(f"tag = {quoted(tag)}", lambda s: tag in s.spec.tags),
            Question(
                f"tag ~ {quoted(tag[:2].upper())}",
                lambda s: any(tag[:2] in other for other in s.spec.tags),
            ),
            Question(f"tag in (nothing, {quoted(tag)})", lambda s: tag in s.spec.tags),
        ]
    )
)

# What is asked of one run
metric_questions = st.builds(
    lambda name, sign, number: Question(
        f"{name} {sign} {number}", lambda run: _compared(run.summary.get(name), sign, number)
    ),
    st.sampled_from(OWN_METRICS), signs, numbers,
)  # fmt: skip
metric_pairs = st.builds(
    lambda a, sign, b: Question(f"{a} {sign} {b}", lambda r: _compared(r.summary.get(a), sign, r.summary.get(b))),
    st.sampled_from(OWN_METRICS), signs, st.sampled_from(OWN_METRICS),
)  # fmt: skip
odd_questions = st.builds(
    lambda function, name: Question(f"{function}({name})", lambda run: _ODD[function](run.summary.get(name, 0.0))),
    st.sampled_from(["is_nan", "is_infinite"]), st.sampled_from(OWN_METRICS),
)  # fmt: skip
_ODD = {"is_nan": math.isnan, "is_infinite": math.isinf}
absent_questions = st.builds(
    lambda name: Question(f"{name} is null", lambda run: name not in run.summary),
    st.sampled_from([*METRICS]),
)
outcome_questions = st.builds(
    lambda sign, outcome: Question(f"outcome {sign} {outcome}", lambda run: COMPARISONS[sign](run.outcome, outcome)),
    st.sampled_from(["=", "!="]), st.sampled_from([*Outcome]),
)  # fmt: skip
seed_questions = st.builds(
    lambda sign, number: Question(f"seed {sign} {number}", lambda run: COMPARISONS[sign](run.seed, number)),
    signs, st.integers(0, 4),
)  # fmt: skip
of_a_run = st.one_of(
    metric_questions,
    metric_pairs,
    odd_questions,
    absent_questions,
    outcome_questions,
    seed_questions,
)


def _any_run(question: Question) -> Question:
    return Question(question.text, lambda s: any(map(question.holds, s.runs)))


statistic_questions = st.builds(
    lambda name, metric, sign, number: Question(
        f"{name}({metric}) {sign} {number}", lambda s: _compared(statistic(name, s, metric), sign, number)
    ),
    st.sampled_from(["median", "mean", "min", "max"]), st.sampled_from(OWN_METRICS), signs, numbers,
)  # fmt: skip
no_statistic = st.builds(
    lambda name, metric: Question(f"{name}(final({metric})) is null", lambda s: statistic(name, s, metric) is None),
    st.sampled_from(["median", "mean", "min", "max"]), st.sampled_from(OWN_METRICS),
)  # fmt: skip


def _joined(parts: st.SearchStrategy[Question]) -> st.SearchStrategy[Question]:
    def both(a: Question, word: str, b: Question) -> Question:
        return Question(
            f"({a.text} {word} {b.text})",
            (lambda s: a.holds(s) and b.holds(s))
            if word == "and"
            else (lambda s: a.holds(s) or b.holds(s)),
        )

    negated = st.builds(lambda a: Question(f"not ({a.text})", lambda s: not a.holds(s)), parts)
    return negated | st.builds(both, parts, st.sampled_from(["and", "or"]), parts)


run_conditions = st.recursive(of_a_run, _joined, max_leaves=3)
quantified = st.builds(
    lambda word, question: Question(
        f"{word}({question.text})",
        lambda s: bool(s.runs) and {"any": any, "all": all}[word](map(question.holds, s.runs)),
    ),
    st.sampled_from(["any", "all"]), run_conditions,
)  # fmt: skip
counted = st.builds(
    lambda question, sign, number: Question(
        f"count({question.text}) {sign} {number}", lambda s: COMPARISONS[sign](sum(map(question.holds, s.runs)), number)
    ),
    run_conditions, signs, st.integers(0, 3),
)  # fmt: skip

leaves = st.one_of(
    number_questions, pair_questions, list_questions, between_questions, word_questions, part_questions,
    missing_questions, flag_questions, time_questions, tag_questions, of_a_run.map(_any_run), statistic_questions,
    no_statistic, quantified, counted,
)  # fmt: skip
questions = st.recursive(leaves, _joined, max_leaves=6)
"""Whole questions about :class:`Stored`."""

RunPredicate = Callable[[RunResult], bool]
