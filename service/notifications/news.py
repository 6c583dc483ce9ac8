"""The words of notifications: what ended, and how."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import quote

from sqlalchemy import Connection

from core.result import Outcome
from core.statistics import statistic
from core.studies import STUDIES, Size, Verdict
from service.http.errors import Missing
from service.schemas import SweepState
from service.stored_study import verdicts
from store.errors import NotFound
from store.experiments import repository
from store.notifications import Notification, SubjectKind
from store.records import Experiment
from store.states import State
from store.sweeps import repository as sweeps

MAX_LINES = 20
"""Most news that a message tells one by one."""


@dataclass(frozen=True)
class News:
    """What a notification says.

    Attributes:
        kind: The kind of what ended.
        id: Its id; of a study its name, of a test empty.
        state: Its state; ``removed`` if it is gone.
        title: A line.
        sentence: How it went.
        page: The address of its page.
    """

    kind: SubjectKind
    id: str
    state: str
    title: str
    sentence: str
    page: str


def read(tx: Connection, notification: Notification) -> News:
    """Reads the news of what a notification is about."""
    subject, origin = notification.subject, notification.origin
    if subject.kind is SubjectKind.TEST:
        text = "The lab's notifications reach you here."
        return News(subject.kind, "", "sent", "A test", text, f"{origin}/")
    try:
        match subject.kind:
            case SubjectKind.EXPERIMENT:
                return _of_experiment(repository.get(tx, subject.id), origin)
            case SubjectKind.SWEEP:
                return _of_sweep(sweeps.get(tx, subject.id), origin)
            case SubjectKind.STUDY:
                return _of_study(tx, subject.id, origin)
    except (NotFound, Missing):  # a newer version of the lab may lack a study
        title = f"{subject.kind.capitalize()} removed: {subject.id}"
        return News(subject.kind, subject.id, "removed", title, "It was removed.", f"{origin}/")


def title_of(news: Sequence[News]) -> str:
    """The title of a message with these news."""
    if len(news) == 1:
        return news[0].title
    return f"{len(news):,} ended: {_counted(Counter(each.state for each in news))}"


def text_of(news: Sequence[News]) -> str:
    """The text of a message with these news."""
    if len(news) == 1:
        return f"{news[0].sentence}\n{news[0].page}"
    lines = [f"{each.title}. {each.sentence} {each.page}" for each in news[:MAX_LINES]]
    if (missing := len(news) - MAX_LINES) > 0:
        lines.append(f"and {missing:,} more")
    return "\n".join(lines)


def content_of(news: Sequence[News], numbers: Iterable[int]) -> dict[str, Any]:
    """The JSON that a webhook gets; Slack, Mattermost and their like read its ``text``."""
    items = [
        {
            "kind": each.kind,
            "id": each.id,
            "state": each.state,
            "title": each.title,
            "sentence": each.sentence,
            "page": each.page,
        }
        for each in news
    ]
    title = title_of(news)
    return {
        "text": f"{title}\n{text_of(news)}",
        "title": title,
        "notifications": [str(number) for number in numbers],
        "items": items,
    }


def _of_experiment(experiment: Experiment, origin: str) -> News:
    if experiment.failure is not None and experiment.state is State.FAILED:
        sentence = experiment.failure.message
    elif experiment.state is State.COMPLETED:
        sentence = _outcomes(experiment)
    else:
        sentence = f"It is {experiment.state}."
    name = experiment.content["name"] or experiment.id
    return News(
        SubjectKind.EXPERIMENT,
        experiment.id,
        experiment.state,
        f"Experiment {experiment.state}: {name}",
        sentence,
        f"{origin}/experiments/{experiment.id}",
    )


def _outcomes(experiment: Experiment) -> str:
    """How the seeds ended, such as ``3 of 3 seeds fitted; median extrapolation error 0.0012``."""
    counts = Counter(run.outcome for run in experiment.runs if run.outcome)
    ends = ", ".join(f"{counts[outcome]} {outcome.words}" for outcome in Outcome if counts[outcome])
    errors = [
        run.summary["extrapolation_error"]
        for run in experiment.runs
        if "extrapolation_error" in run.summary
    ]
    middle = f"; median extrapolation error {statistic('median', errors):.2g}" if errors else ""
    return f"Of {len(experiment.runs)} seeds: {ends or 'none has a result'}{middle}."


def _of_sweep(sweep: sweeps.Sweep, origin: str) -> News:
    state = SweepState.from_counts(sweep.counts)
    return News(
        SubjectKind.SWEEP,
        sweep.id,
        state,
        f"Sweep {state}: {sweep.name or sweep.id}",
        f"Of {sum(sweep.counts.values()):,} experiments: {_counted(sweep.counts)}.",
        f"{origin}/sweeps/{sweep.id}",
    )


def _of_study(tx: Connection, subject: str, origin: str) -> News:
    name, _, size = subject.partition("/")
    known: Size = next(each for each in get_args(Size) if each == size)
    judged = verdicts(tx, name, known)
    counts = {state: judged.states.count(state) for state in State}
    state = SweepState.from_counts(counts)
    claims = Counter(claim.verdict for claim in judged.claims)
    said = ", ".join(f"{count} {_words(verdict, count)}" for verdict, count in claims.items())
    return News(
        SubjectKind.STUDY,
        name,
        state,
        f"Study {state}: {STUDIES[name].title} ({size})",
        f"Of {len(judged.states)} experiments: {_counted(counts)}. "
        f"Of {sum(claims.values())} claims: {said}.",
        f"{origin}/studies/{quote(name, safe='')}?size={size}",
    )


def _counted(counts: Mapping[State, int] | Mapping[str, int]) -> str:
    parts = [f"{count:,} {state}" for state, count in counts.items() if count]
    return ", ".join(parts) or "none"


def _words(verdict: Verdict, count: int) -> str:
    """A verdict of so many claims, such as ``hold``."""
    words = verdict.replace("_", " ")
    return words if verdict is Verdict.NOT_RUN or count == 1 else words.removesuffix("s")
