"""Tools that read the built-in studies and their verdicts."""

from pydantic import Field

from extrapolab.client.handles.study import Size
from extrapolab.client.lab import Lab
from extrapolab.mcp.tool import Tool, rounded, shortened

MAX_IDS = 3
"""Most experiments that are named beside a claim."""

_SIZE = "quick takes minutes to run; full is the paper's."


class ListStudies(Tool):
    """List the built-in studies: the question of each, and how many of its claims hold.

    A claim is an inequality on stored numbers; it holds, fails, or was not run.
    """

    tool = "list_studies"

    size: Size = Field("quick", description=_SIZE)

    def run(self, lab: Lab) -> object:
        """Returns a row per study."""
        questions = {study.name: study.question for study in lab.studies()}
        rows = [
            {
                **report.model_dump(include={"name", "state", "holds", "fails", "not_run"}),
                "question": questions.get(report.name, report.title),
            }
            for report in lab.reports(self.size)
        ]
        return {"size": self.size, "studies": rows}


class ReadStudy(Tool):
    """Read the claims of a study: the inequality, the value found, its bound, and the verdict."""

    tool = "read_study"

    name: str = Field(description="The study's name, such as balanced.")
    size: Size = Field("quick", description=_SIZE)

    def run(self, lab: Lab) -> object:
        """Returns its claims, each with a few of its experiments."""
        report = lab.study(self.name, self.size).report()
        claims = [
            {
                **rounded(claim.model_dump(exclude={"experiments"})),
                "experiments": shortened(claim.experiments, MAX_IDS),
            }
            for claim in report.claims
        ]
        return {"name": report.name, "size": report.size, "state": report.state, "claims": claims}
