"""The command that sets up completion in a shell."""

from typing import Annotated, Literal

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]  # not re-exported

app = typer.Typer()


@app.command(rich_help_panel="Lab")
def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish")
    ],
) -> None:
    """Print a script that completes commands, options and recent ids in a shell.

    For example:
    ```
    cd ~/.local/share/bash-completion/completions
    extrapolab completion bash > extrapolab
    extrapolab completion zsh  > ~/.zfunc/_extrapolab
    extrapolab completion fish > ~/.config/fish/completions/extrapolab.fish
    ```
    """
    script = get_completion_script(
        prog_name="extrapolab", complete_var="_EXTRAPOLAB_COMPLETE", shell=shell
    )
    typer.echo(script)
