"""Tables on studies: the list, their claims, and how many hold."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from extrapolab.cli.table_layout import styled, table, text
from extrapolab.client.answers.formats import format_number
from extrapolab.models.studies import Claim, ReportSummary, StudyRecord

if TYPE_CHECKING:
    from rich.table import Table


def studies_table(studies: Iterable[StudyRecord]) -> "Table":
    """One row per study."""
    rows = table("name", "question", "experiments", folding=("question",))
    for study in studies:
        sizes = ", ".join(f"{size} {count}" for size, count in study.experiments.items())
        rows.add_row(study.name, study.question, sizes)
    return rows


def claims_table(claims: Iterable[Claim]) -> "Table":
    """One row per claim.

    Its verdict, its words above its inequality, the deciding number, and how many seeds fit.
    """
    rows = table("verdict", "claim", "value", "seeds that fit", folding=("claim",))
    for claim in claims:
        words = text(claim.claim, "\n", (claim.inequality, "dim"))
        if claim.swapped is not None:
            words.append(f"\nwith its arms swapped: {claim.swapped}", "dim")
        fits = f"{claim.fitted:,} of {claim.seeds:,}" if claim.seeds else ""
        rows.add_row(styled(claim.verdict), words, format_number(claim.value), fits)
    return rows


def reports_table(reports: Iterable[ReportSummary]) -> "Table":
    """One row per study: how many of its claims hold, fail or were not run."""
    rows = table("study", "state", "holds", "fails", "not run", "title", folding=("title",))
    for report in reports:
        fails = text((str(report.fails), "bold red" if report.fails else ""))
        holds, not_run = str(report.holds), str(report.not_run)
        rows.add_row(report.name, styled(report.state), holds, fails, not_run, report.title)
    return rows
