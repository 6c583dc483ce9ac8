"""Commands on figures of what a filter finds: draw, save, list, change, remove."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from extrapolab.cli.arguments import (
    AsJson,
    Limit,
    RequiredFigureFile,
    Yes,
    key_value,
    lab_of,
    take,
)
from extrapolab.cli.figure_options import STYLE, draws
from extrapolab.cli.query_tables import recipes_table
from extrapolab.cli.terminal import confirm, console, print_path
from extrapolab.client.handles.figure import Figure
from extrapolab.client.lab import Lab

_HELP = """
Draw figures of what a filter finds, from completed experiments.

A recipe is a filter, and parts as `name=value`:

- `x`: a field, such as `training.length`; `step`, `time` (training time), `lag` or `rank`, for
  whole curves of runs; or a metric, for a point per run at its end
- `y`: a metric; for `lag`: `error` or `response`; for `rank`: `hankel_singular_values` or
  `eigenvalues`
- `series`, `facets`: fields; one line, or one panel, per value
- `kind`: `lines` or `heatmap`
- `statistic`: `median`, `mean`, `q1`, `q3`, `min`, `max`
- `band`: `quartiles`, `range`, `standard_error`, `none`
- `x_scale`, `y_scale`: `auto`, `linear`, `log`; `name`: the title
- the look, such as `style=paper` and `width=ieee`: the options of `recipe draw` without dashes

A saved recipe has a permanent id and is drawn again as results arrive.

```
extrapolab recipe draw tag:figure-1 x=training.length -o cliff.pdf
extrapolab recipe save tag:figure-1 x=training.length name="A cliff"
extrapolab recipe draw fig_7c41 -o cliff.pdf
```
"""

recipes = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")
app = typer.Typer()
app.add_typer(
    recipes,
    name="recipe",
    help=_HELP,
    short_help="Draw figures of what a filter finds.",
    rich_help_panel="Results",
)

FigureId = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The figure's id, fig_..., a unique prefix of it, its name, or @latest."
    ),
]
Filter = Annotated[str, typer.Argument(metavar="FILTER", help="Such as tag:figure-1; '' for all.")]
FilterOrId = Annotated[
    str,
    typer.Argument(metavar="FILTER|ID", help="Such as tag:figure-1, or a saved figure's id."),
]
Parts = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME=VALUE", help="Parts of the recipe, such as x=training.length."),
]


@recipes.command()
@draws(*STYLE)
def draw(
    context: typer.Context,
    filter_or_id: FilterOrId,
    parts: Parts = None,
    *,
    output: RequiredFigureFile,
    as_json: AsJson = False,
    options: dict[str, Any],
) -> None:
    """Draw a figure to a file and print its path.

    A saved figure is drawn as saved; parts that you name replace its own in this drawing only.

    For example:
    ```
    extrapolab recipe draw tag:figure-1 x=training.length y=fit_error -o fit.pdf
    extrapolab recipe draw 'student.dim = 40' x=lag y=response -o responses.svg
    extrapolab recipe draw fig_7c41 statistic=mean band=range -o mean.pdf
    ```
    """
    with lab_of(context) as lab:
        path = _figure(lab, filter_or_id, _parse_parts(parts)).draw(output, **options)
    print_path(path, as_json=as_json)


@recipes.command()
@draws(*STYLE)
def save(
    context: typer.Context,
    query: Filter,
    parts: Parts = None,
    *,
    as_json: AsJson = False,
    options: dict[str, Any],
) -> None:
    """Save a figure with its look, and print its id.

    For example:
    ```
    extrapolab recipe save tag:figure-1 x=training.length name="A cliff"
    extrapolab recipe save tag:figure-1 x=training.length --style paper
    ```
    """
    with lab_of(context) as lab:
        recipe = {"query": query, **_parse_parts(parts), **options}
        saved = _unsaved_figure(lab, recipe).save()
    _print_figure(saved, as_json=as_json)


@recipes.command("list")
def list_(context: typer.Context, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List saved figures, newest first.

    For example:
    ```
    extrapolab recipe list
    ```
    """
    with lab_of(context) as lab:
        figures = take(lab.figures(limit=limit + 1), limit)
    if as_json:
        for figure in figures:
            _print_figure(figure, as_json=True)
    else:
        console().print(recipes_table(figures) if figures else "No figures.")


@recipes.command()
@draws(*STYLE)
def change(
    context: typer.Context,
    id: FigureId,  # noqa: A002  # the lab's word
    parts: Parts = None,
    *,
    as_json: AsJson = False,
    options: dict[str, Any],
) -> None:
    """Change parts of a saved figure, or its look; its id stays.

    An empty value removes a part; query=FILTER replaces the filter.

    For example:
    ```
    extrapolab recipe change fig_7c41 statistic=mean series=
    extrapolab recipe change fig_7c41 width= --style talk
    ```
    """
    with lab_of(context) as lab:
        changed = lab.figure_of(id).change(**_parse_parts(parts), **options)
    _print_figure(changed, as_json=as_json)


@recipes.command()
def remove(
    context: typer.Context,
    id: FigureId,  # noqa: A002  # the lab's word
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete a saved figure; the experiments that it shows stay.

    On a terminal it asks first, unless you say --yes; in a script it does not ask.

    For example:
    ```
    extrapolab recipe remove fig_7c41
    ```
    """
    confirm(f"Delete the saved figure {id}? Its experiments stay.", yes=yes)
    with lab_of(context) as lab:
        lab.figure_of(id).remove()
    if as_json:
        typer.echo(json.dumps({"id": id}))


def _parse_parts(parts: Sequence[str] | None) -> dict[str, str | None]:
    """Returns the parts by name; None removes a part."""
    values: dict[str, str | None] = {}
    for name, value in map(key_value, parts or ()):
        values[name] = value or None
    return values


def _figure(lab: Lab, filter_or_id: str, parts: dict[str, str | None]) -> Figure:
    if not filter_or_id.startswith("fig_"):
        return _unsaved_figure(lab, {"query": filter_or_id, **parts})
    saved = lab.figure_of(filter_or_id)
    return _unsaved_figure(lab, {**saved.recipe, **parts}) if parts else saved


def _unsaved_figure(lab: Lab, recipe: dict[str, Any]) -> Figure:
    parts = {name: value for name, value in recipe.items() if value is not None}
    if "x" not in parts:
        raise typer.BadParameter("x is missing, such as x=training.length", param_hint="NAME=VALUE")
    return lab.figure(**parts)


def _print_figure(figure: Figure, *, as_json: bool) -> None:
    typer.echo(json.dumps({"id": figure.id, "recipe": figure.recipe}) if as_json else figure.id)
