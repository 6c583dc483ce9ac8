"""Commands on figures over whatever a filter finds: draw, save, list, change, remove."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from extrapolab.cli.commands import AsJson, first, lab_of
from extrapolab.cli.tables import recipes_table
from extrapolab.cli.terminal import console
from extrapolab.client.figure import Figure
from extrapolab.client.lab import Lab

_HELP = """
Figures over whatever a filter finds, drawn from what is completed.

A recipe says which experiments, what against what, a line for each of what, and over which statistic: a filter, and
parts as `name=value`:

- `x`: a field, such as `training.length`; or `step`, `lag` or `rank`, for whole curves of runs
- `y`: a metric; by `lag` `error` or `response`, by `rank` `hankel_singular_values` or `eigenvalues`
- `series`, `facets`: fields; a line, or a panel, for each of their values
- `kind`: `lines` or `heatmap`
- `statistic`: `median`, `mean`, `q1`, `q3`, `min`, `max`; `band`: `quartiles`, `range`, `standard_error`, `none`
- `x_scale`, `y_scale`: `auto`, `linear`, `log`; `name`: the title

A saved one has an id that stays, and is drawn anew as results land.

```
extrapolab recipe draw tag:figure-1 x=training.length -o cliff.pdf
extrapolab recipe save tag:figure-1 x=training.length name="A cliff"
extrapolab recipe draw fig_019ab3 -o cliff.pdf
```
"""

recipes = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
app = typer.Typer()
app.add_typer(
    recipes,
    name="recipe",
    help=_HELP,
    short_help="Figures over whatever a filter finds.",
    rich_help_panel="Results",
)

Id = Annotated[
    str, typer.Argument(metavar="ID", help="The figure's id, fig_..., or enough of its beginning.")
]
Filter = Annotated[str, typer.Argument(metavar="FILTER", help="Such as tag:figure-1; '' for all.")]
Parts = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME=VALUE", help="Parts of the recipe, such as x=training.length."),
]


@recipes.command()
def draw(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(metavar="FILTER|ID", help="Such as tag:figure-1; or a saved figure's id."),
    ],
    parts: Parts = None,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to; .svg, .pdf, .png or .json (its data).")
    ],
    as_json: AsJson = False,
) -> None:
    """Draw a figure to a file and print its path; a saved one as it is, or with other parts.

    For example:
    ```
    extrapolab recipe draw tag:figure-1 x=training.length y=fit_error -o fit.pdf
    extrapolab recipe draw 'student.dim = 40' x=lag y=response -o responses.svg
    extrapolab recipe draw fig_019ab3 statistic=mean band=range -o mean.pdf
    ```
    """
    if not output.suffix:
        raise typer.BadParameter(
            "needs an ending that names the format, such as .svg", param_hint="--output"
        )
    with lab_of(context) as lab:
        path = _figure(lab, what, _read(parts)).draw(output)
    typer.echo(json.dumps({"path": str(path)}) if as_json else path)


@recipes.command()
def save(
    context: typer.Context, query: Filter, parts: Parts = None, as_json: AsJson = False
) -> None:
    """Save a figure and print its id.

    For example:
    ```
    extrapolab recipe save tag:figure-1 x=training.length name="A cliff"
    ```
    """
    with lab_of(context) as lab:
        _say(_unsaved(lab, {"query": query, **_read(parts)}).save(), as_json=as_json)


@recipes.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List saved figures, the newest first."""
    with lab_of(context) as lab:
        found = first(lab.figures(limit=limit + 1), limit)
    if as_json:
        for figure in found:
            _say(figure, as_json=True)
    else:
        console().print(recipes_table(found) if found else "No figures.")


@recipes.command()
def change(context: typer.Context, id: Id, parts: Parts = None, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Change parts of a saved figure, its query among them; its id stays.

    `series=` takes a part away.
    """
    with lab_of(context) as lab:
        _say(lab.figure_of(id).change(**_read(parts)), as_json=as_json)


@recipes.command()
def remove(context: typer.Context, id: Id, as_json: AsJson = False) -> None:  # noqa: A002  # the lab's word
    """Remove a saved figure. What it shows stays."""
    with lab_of(context) as lab:
        lab.figure_of(id).remove()
    if as_json:
        typer.echo(json.dumps({"id": id}))


def _read(parts: Sequence[str] | None) -> dict[str, str | None]:
    """The parts by name; one without a value is to be taken away."""
    found: dict[str, str | None] = {}
    for part in parts or ():
        name, equals, value = part.partition("=")
        if not equals:
            raise typer.BadParameter(
                f"{part!r} should be a name, =, and a value", param_hint="NAME=VALUE"
            )
        found[name.strip()] = value.strip() or None
    return found


def _figure(lab: Lab, what: str, parts: dict[str, str | None]) -> Figure:
    """The saved figure of that id, or the one of a filter."""
    if not what.startswith("fig_"):
        return _unsaved(lab, {"query": what, **parts})
    saved = lab.figure_of(what)
    return _unsaved(lab, {**saved.recipe, **parts}) if parts else saved


def _unsaved(lab: Lab, recipe: dict[str, Any]) -> Figure:
    given = {name: value for name, value in recipe.items() if value is not None}
    if "x" not in given:
        raise typer.BadParameter("x is needed, such as x=training.length", param_hint="NAME=VALUE")
    return lab.figure(**given)


def _say(figure: Figure, *, as_json: bool) -> None:
    typer.echo(json.dumps({"id": figure.id, "recipe": figure.recipe}) if as_json else figure.id)
