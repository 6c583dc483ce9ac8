"""The command line: the client's commands, those of plugins, and how errors end a command."""

import gc
import re
from importlib import import_module
from importlib.metadata import entry_points, version
from typing import Annotated, Any

import typer
from typer.completion import completion_init  # type: ignore[attr-defined]  # not re-exported
from typer.core import TyperGroup
from typer.main import get_group

from extrapolab.cli import interruption, streams
from extrapolab.cli.commands import MODULES
from extrapolab.cli.exit_codes import ExitCode, exit_code_of
from extrapolab.cli.shared_options import keep_as_json, keep_url, prints_json, share_options
from extrapolab.cli.terminal import print_error
from extrapolab.client import DEFAULT_URL
from extrapolab.errors import LabError
from extrapolab.problems import in_plain_words

PLUGINS = "extrapolab.commands"
"""The entry point group of Typer applications whose commands are added to these."""

_HELP = """
Run experiments on why overparameterised RNNs extrapolate to long sequences.

A lab queues experiments, trains them on its workers and stores the results. `extrapolab up` starts
one. Then:

```
extrapolab demo                        run the main experiment
extrapolab new spec.yaml               write your own experiment
extrapolab submit spec.yaml --watch    run it
extrapolab list                        list experiments
extrapolab query 'outcome = diverged'  find experiments by a filter
extrapolab result ID                   show how each seed ended
extrapolab figure ID response          draw the responses
extrapolab open ID                     show its page in a browser
extrapolab recipe --help               draw what a filter finds
extrapolab sweep --help                run many experiments over axes
```
"""

_OPTIONS = {
    "expect_count": "--expect",
    "max_memory_mb": "--max-memory",
    "max_seconds": "--max-seconds",
    "not_before": "--not-before",
}
"""The options of fields that the lab and the Python client name otherwise."""

_EXIT_CODES = "Exit codes:\n\n" + "\n".join(f"- {code:d}: {code.meaning}" for code in ExitCode)


class Commands(TyperGroup):
    """Commands that end with the exit code of their error.

    A command's module is imported when it is used, and plugins if the command is none of ours.
    """

    def invoke(self, ctx: Any) -> Any:
        """Runs a command; an error of the lab or of a file ends it with a message and a code."""
        try:
            return super().invoke(ctx)
        except LabError as error:
            print_error(_with_option_names(str(error)))
            raise typer.Exit(exit_code_of(error)) from error
        except OSError as error:
            if error.filename is None:  # the output can't be written
                raise typer.Exit(streams.report(error)) from error
            print_error(f"{error.filename}: {error.strerror}")
            raise typer.Exit(ExitCode.USAGE) from error
        except typer.BadParameter as error:
            error.message = in_plain_words(error.message)
            raise

    def get_params(self, ctx: Any) -> list[Any]:
        """Returns its options, as the help shows them."""
        return _without_flag_types(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """Returns the names of all commands, including those of plugins."""
        for name in MODULES:
            self._load_module(name)
        self._load_plugins()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Returns the command of this name."""
        module = next((name for name, own in MODULES.items() if cmd_name in own), None)
        unavailable = []
        if module is not None:
            self._load_module(module)
        elif cmd_name not in self.commands:
            unavailable = self._load_plugins()
            if cmd_name not in self.commands:
                self.list_commands(ctx)  # so that a similar one is suggested
        if unavailable and cmd_name not in self.commands:
            ctx.fail(f"No such command '{cmd_name}' in this installation. {' '.join(unavailable)}")
        command = super().get_command(ctx, cmd_name)
        if command and ctx:
            for described in (command, *getattr(command, "commands", {}).values()):
                _without_flag_types(described.get_params(ctx))
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Finds the command and its arguments; what follows is no longer the start."""
        resolved = super().resolve_command(ctx, args)
        if ctx.params.get("as_json") and not prints_json(resolved[1]):
            ctx.fail(f"'{resolved[0]}' has no --json.")
        interruption.raise_on_ctrl_c()
        gc.enable()
        return resolved

    def _load_module(self, name: str) -> None:
        """Adds the commands of a module."""
        own = typer.Typer(rich_markup_mode=app.rich_markup_mode)
        own.add_typer(import_module(f"extrapolab.cli.commands.{name}").app)
        for command_name, command in get_group(own).commands.items():
            if command_name not in self.commands:
                share_options(command, self._shared_options)
                self.commands[command_name] = command

    @property
    def _shared_options(self) -> list[Any]:
        return [option for option in self.params if option.name in {"url", "as_json"}]

    def _load_plugins(self) -> list[str]:
        """Adds plugins' commands; returns a message for each plugin whose packages are missing."""
        unavailable = []
        for plugin in entry_points(group=PLUGINS):
            try:
                group = get_group(plugin.load())
            except ModuleNotFoundError as error:
                unavailable.append(
                    f"The commands of '{plugin.name}' need more packages: "
                    f"pip install 'extrapolab[all]' ({error})."
                )
                continue
            commands = {group.name: group} if group.name else group.commands
            for name, command in commands.items():
                command.rich_help_panel = command.rich_help_panel or "Lab"  # type: ignore[attr-defined]  # not in its stub
                self.commands.setdefault(name, command)
        return unavailable


def _with_option_names(message: str) -> str:
    """Replaces the field at the start of a problem's line by its option."""
    for field, option in _OPTIONS.items():
        message = re.sub(rf"(?m)^{field}:", f"{option}:", message)
    return message


def _without_flag_types(parameters: list[Any]) -> list[Any]:
    """Removes the value type that the help would show for flags."""
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
completion_init()  # registers the shells that Typer knows


def _print_version(is_requested: bool) -> None:
    if is_requested:
        typer.echo(f"extrapolab {version('extrapolab')}")
        raise typer.Exit


@app.callback()
def main(
    url: Annotated[
        str,
        typer.Option(
            envvar="EXTRAPOLAB_URL",
            metavar="URL",
            callback=keep_url,
            help="The lab's URL; before or after the command.",
        ),
    ] = DEFAULT_URL,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", callback=keep_as_json, help="Print JSON; before or after the command."
        ),
    ] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Takes the options of the program; their callbacks keep them for the command."""
