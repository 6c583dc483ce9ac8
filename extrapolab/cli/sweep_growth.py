"""Commands that add experiments to a sweep: extend, refine."""

from typing import Annotated, Literal

import typer

from extrapolab.cli.arguments import AsJson, SweepId, Watch, lab_of
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.spec_files import load_sweep
from extrapolab.cli.sweep_progress import (
    SweepFile,
    print_submission,
    run_sweep,
    watch_sweep,
)
from extrapolab.cli.sweep_tables import brackets_table, print_sweep_warnings, refinement_line
from extrapolab.cli.terminal import console, print_error, print_json

app = typer.Typer()


@app.command()
def extend(
    context: typer.Context,
    id: SweepId,  # noqa: A002  # the lab's word
    file: SweepFile,
    *,
    watch: Watch = False,
    as_json: AsJson = False,
) -> None:
    """Extend a sweep to the axes in a file, and run what is missing.

    The file has the axes of the sweep, with other values, or further ones; its base is that of the
    sweep, or empty. Submitting such a file under the name of the sweep does the same.

    For example:
    ```
    extrapolab sweep extend swp_b68f phase.yaml --watch
    ```
    """
    content = load_sweep(file)
    with lab_of(context) as lab:
        from core.spec.difference import differences  # noqa: PLC0415  # loads the spec

        sweep = lab.sweep_of(id)
        if content["base"] and (others := differences([sweep.record.base, content["base"]])):
            print_error(
                f"{file} has another base than the sweep "
                f"({', '.join(difference.path for difference in others)}): submit it as a sweep of "
                "its own, or write 'base: {}' to keep the sweep's."
            )
            raise typer.Exit(ExitCode.REFUSED)
        sweep.extend(content["axes"])
        print_submission(sweep, as_json=as_json)
        if watch:
            watch_sweep(sweep, as_json=as_json)
        elif as_json:
            print_json(sweep.record)


@app.command()
def refine(
    context: typer.Context,
    id: SweepId,  # noqa: A002  # the lab's word
    *,
    axis: Annotated[
        str, typer.Option(metavar="PATH", help="An axis with numbers, such as training.length.")
    ],
    where: Annotated[
        str | None,
        typer.Option(
            metavar="FILTER",
            help="The verdict; by default median(relative_extrapolation_error) < 0.1.",
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            help="How close: a difference or, on a logarithmic scale, a relative one. By default "
            "1 for whole numbers, 0.1 on a logarithmic scale, else 1 % of the axis."
        ),
    ] = None,
    scale: Annotated[
        Literal["linear", "log"] | None, typer.Option(help="By default that of the axis.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say where it flips, but run nothing.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, round by round, until it is located.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find where a verdict flips along an axis, by bisection.

    Wherever two neighbours on the axis disagree, an experiment halfway joins the sweep. One call
    is one round; --watch goes on until every flip is located.

    For example:
    ```
    extrapolab sweep refine swp_b68f --axis training.length --watch
    extrapolab sweep refine phase --axis optimizer.lr --where outcome=fitted
    ```
    """
    out = console(stderr=as_json)
    with lab_of(context) as lab:
        sweep = lab.sweep_of(id)
        while True:
            if watch:
                run_sweep(sweep, out)
            found = sweep.refine(
                axis, where, tolerance=tolerance, scale=scale, rounds=1, dry_run=dry_run
            )
            out.print(refinement_line(found))
            print_sweep_warnings(found.warnings, out)
            if dry_run or found.is_final or not watch:
                break
    if as_json:
        print_json(found)
    elif found.brackets:
        console().print(brackets_table(found))
    if found.blocked_by:
        ids = ", ".join(found.blocked_by)
        print_error(f"These did not complete, so that no verdict is between: {ids}. Retry them.")
        raise typer.Exit(ExitCode.FAILED)
