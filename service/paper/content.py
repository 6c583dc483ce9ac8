"""What a paper says of some experiments, apart from how it is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.figures import Figure, Info, NotDrawable
from core.look import Look
from core.references import COHEN_KARLIK_2023, Work, of_specs
from core.studies import Hypothesis
from service.http.errors import Invalid, NoResultYet
from store.query.errors import BadQuery
from store.records import Experiment
from store.states import State

MAX_EXPERIMENTS = 5000
"""Most experiments of a paper: it reads every spec to say what they share."""


@dataclass(frozen=True)
class PaperFigure:
    """A figure: the name of its file, its kind, its data and its look."""

    name: str
    figure: Figure
    info: Info
    look: Look


@dataclass(frozen=True)
class Paper:
    """A paper's content.

    Attributes:
        name: The name of the downloaded file, without an extension.
        title: Its title.
        introduction: What it shows, in sentences.
        source: The request's parameters.
        experiments: The completed experiments that its numbers come from.
        figures: Its figures.
        left_out: Figures that can't be drawn, each with the reason.
        claims: Judged claims, for a study.
        background: The works that a study rests on.
    """

    name: str
    title: str
    introduction: str
    source: Mapping[str, str]
    experiments: Sequence[Experiment]
    figures: Sequence[PaperFigure]
    left_out: Sequence[str] = ()
    claims: Sequence[Hypothesis] = ()
    background: Sequence[Work] = ()

    @property
    def methods(self) -> list[Work]:
        """The works that the experiments' parts implement."""
        works = of_specs(experiment.spec for experiment in self.experiments)
        return [work for work in works if work not in self.background]

    @property
    def works(self) -> list[Work]:
        """All works that it names, each once."""
        return list(dict.fromkeys((COHEN_KARLIK_2023, *self.background, *self.methods)))

    @property
    def width(self) -> float:
        """The width of its widest figure in inches."""
        return max((figure.look.inches or 0.0 for figure in self.figures), default=0.0)

    @property
    def ended_at(self) -> float:
        """When the last of its experiments ended, in Unix seconds."""
        return max(experiment.finished_at or 0.0 for experiment in self.experiments)

    def software(self, name: str) -> list[str]:
        """The values of one entry of the experiments' provenance, such as ``commit``."""
        values = {(experiment.provenance or {}).get(name) for experiment in self.experiments}
        return sorted(value for value in values if value)


@dataclass
class FigureSet:
    """Figures in one look, as they are read; those that can't be drawn are left out, and why."""

    look: Look
    figures: list[PaperFigure] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(
        self,
        name: str,
        figure: Figure,
        read: Callable[..., Info],
        *args: Any,
        look: Look | None = None,
    ) -> None:
        """Adds the figure whose data ``read(*args)`` returns; ``look`` replaces that of all."""
        try:
            self.figures.append(PaperFigure(name, figure, read(*args), look or self.look))
        except (NotDrawable, NoResultYet, Invalid, BadQuery) as error:
            problems = getattr(error, "problems", ())
            reason = "; ".join(problem.message for problem in problems) or str(error)
            self.left_out.append(f"{name}: {reason}")


def completed(experiments: Sequence[Experiment]) -> list[Experiment]:
    """The experiments whose numbers are there."""
    return [experiment for experiment in experiments if experiment.state is State.COMPLETED]
