"""Commands that say what many experiments have in common, and where they differ."""

from typing import Annotated

import typer

from extrapolab.cli.arguments import AsJson, Filter, lab_of
from extrapolab.cli.query_tables import facets_table, varying_table
from extrapolab.cli.terminal import console, print_error, print_json, print_records
from extrapolab.client.requests.payloads import comma_list

app = typer.Typer()
_PANEL = "Results"


@app.command(rich_help_panel=_PANEL)
def facets(
    context: typer.Context,
    q: Filter = None,
    *,
    by: Annotated[
        str, typer.Option(metavar="FIELDS", help="Fields whose values are counted.")
    ] = "state,owner,tag",
    limit: Annotated[
        int, typer.Option(min=1, max=100, metavar="N", help="Maximum values of each field.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Count the values of fields among the experiments that a filter finds.

    For example:
    ```
    extrapolab facets 'created > -7d'
    extrapolab facets tag:figure-1 --by state,outcome,training.length
    ```
    """
    with lab_of(context) as lab:
        counted = lab.facets(q, by=comma_list(by), limit=limit)
    print_records(counted, facets_table, as_json=as_json)


@app.command(rich_help_panel=_PANEL)
def varying(context: typer.Context, q: Filter = None, *, as_json: AsJson = False) -> None:
    """List the parts of the spec that differ among what a filter finds.

    For example:
    ```
    extrapolab varying tag:figure-1
    ```
    """
    with lab_of(context) as lab:
        differing = lab.varying(q)
    if as_json:
        print_json(differing)
        return
    if differing.items:
        console().print(varying_table(differing))
    else:
        console().print("Nothing differs." if differing.of else "No experiments.")
    if differing.sample < differing.of:
        print_error(f"{differing.sample} of {differing.of} experiments were compared.")
