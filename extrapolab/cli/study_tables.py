"""What the command line shows of studies: which there are, their claims, and how far they are."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from extrapolab.cli.terminal import number, styled, table
from extrapolab.models.studies import Claim, ReportSummary, StudyRecord


def studies_table(studies: Iterable[StudyRecord]) -> Table:
    """One line per study."""
    rows = table("name", "question", "experiments", folding=("question",))
    for study in studies:
        sizes = ", ".join(f"{size} {count}" for size, count in study.experiments.items())
        rows.add_row(study.name, study.question, sizes)
    return rows


def claims_table(claims: Iterable[Claim]) -> Table:
    """A claim in words, below it as an inequality, and the number that decides it."""
    rows = table("verdict", "claim", "value", folding=("claim",))
    for claim in claims:
        words = Text.assemble(claim.claim, "\n", (claim.inequality, "dim"))
        rows.add_row(styled(claim.verdict), words, number(claim.value))
    return rows


def reports_table(reports: Iterable[ReportSummary]) -> Table:
    """One line per study: how many of its claims hold."""
    rows = table("study", "state", "holds", "fails", "not run", "title", folding=("title",))
    for report in reports:
        counts = (report.holds, report.fails, report.not_run)
        style = "bold red" if report.fails else ""
        words = (Text(str(count), style=style if i == 1 else "") for i, count in enumerate(counts))
        rows.add_row(report.name, styled(report.state), *words, report.title)
    return rows
