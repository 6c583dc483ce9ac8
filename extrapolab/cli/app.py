"""The command line, put together: the client's commands, those that other rooms add, and how a command ends."""

from importlib.metadata import entry_points, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from extrapolab.cli.commands import (
    completion,
    demo,
    experiments,
    imports,
    queries,
    recipes,
    results,
    studies,
    sweeps,
    workers,
)
from extrapolab.cli.exit_codes import Exit, exit_of
from extrapolab.cli.terminal import console
from extrapolab.client.lab import DEFAULT_URL
from extrapolab.client.transport import checked_url
from extrapolab.errors import LabError
from extrapolab.problems import plain

PLUGINS = "extrapolab.commands"
"""The entry point group of Typer applications whose commands are offered here too."""

_HELP = """
Experiments on one question: why do overparameterised RNNs trained on short sequences extrapolate to long ones?

A lab queues experiments, trains them on its workers and keeps what they found. `extrapolab up` starts one. Then:

```
extrapolab demo                        the main experiment, with a verdict
extrapolab submit spec.yaml --watch    one of your own, with its progress
extrapolab list                        what the lab has
extrapolab query 'outcome = diverged'  those that a filter finds
extrapolab result ID                   how each seed ended
extrapolab figure ID response          the picture
extrapolab recipe --help               figures over what a filter finds
extrapolab sweep --help                many at once, over axes
```
"""

_EXIT_CODES = "Exit codes:\n\n" + "\n".join(f"- {code:d}: {code.meaning}" for code in Exit)


class Commands(TyperGroup):
    """Commands that end with the exit code of what went wrong.

    Those of other rooms join when they are asked for.
    """

    def invoke(self, ctx: Any) -> Any:
        """Runs a command; an error of the lab, or a file, ends it with its message and its code."""
        try:
            return super().invoke(ctx)
        except LabError as error:
            console(stderr=True).print(str(error))
            raise typer.Exit(exit_of(error)) from error
        except OSError as error:
            if error.filename is None:  # such as a closed pipe, which is Typer's to handle
                raise
            console(stderr=True).print(f"{error.filename}: {error.strerror}")
            raise typer.Exit(Exit.USAGE) from error
        except typer.BadParameter as error:
            error.message = plain(error.message)
            raise

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options, as the help shows them."""
        return _plain(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, for the help."""
        self._join_plugins()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name; those of other rooms are only looked for where ours have none."""
        missing = [] if cmd_name in self.commands else self._join_plugins()
        if missing and cmd_name not in self.commands:
            ctx.fail(f"No such command '{cmd_name}' in this installation. {' '.join(missing)}")
        command = super().get_command(ctx, cmd_name)
        for one in [command, *getattr(command, "commands", {}).values()] if command and ctx else ():
            _plain(one.get_params(ctx))
        return command

    def _join_plugins(self) -> list[str]:
        """Adds the commands of other rooms; returns a sentence for each room whose libraries are not installed."""
        missing = []
        for room in entry_points(group=PLUGINS):
            try:
                group = get_group(room.load())
            except ModuleNotFoundError as error:
                missing.append(
                    f"The commands of '{room.name}' need more: pip install 'extrapolab[all]' ({error})."
                )
            else:
                for name, command in (
                    {group.name: group}.items() if group.name else group.commands.items()
                ):
                    command.rich_help_panel = command.rich_help_panel or "Lab"  # type: ignore[attr-defined]  # not in its stub
                    self.commands.setdefault(name, command)
        return missing


def _plain(parameters: list[Any]) -> list[Any]:
    """The parameters; flags, which take no value, without a type in the help."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


app = typer.Typer(
    cls=Commands,
    help=_HELP,
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (
    demo,
    experiments,
    queries,
    imports,
    results,
    recipes,
    sweeps,
    studies,
    workers,
    completion,
):
    app.add_typer(part.app)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"extrapolab {version('extrapolab')}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    url: Annotated[
        str, typer.Option(envvar="EXTRAPOLAB_URL", metavar="URL", help="Where the lab is.")
    ] = DEFAULT_URL,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """Keeps the URL for the command."""
    try:
        context.obj = checked_url(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error
