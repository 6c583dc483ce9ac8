"""The command that a shell learns from how to complete commands, options and ids."""

from typing import Annotated, Literal

import typer
from typer.completion import completion_init, get_completion_script  # type: ignore[attr-defined]  # not re-exported

app = typer.Typer()

completion_init()  # teaches Typer the shells; it is they who call


@app.command(rich_help_panel="Lab")
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="bash, zsh or fish")],
) -> None:
    """Print what a shell needs to complete commands, options and the ids of recent experiments.

    For example:
    ```
    cd ~/.local/share/bash-completion/completions
    extrapolab completion bash > extrapolab
    extrapolab completion zsh  > ~/.zfunc/_extrapolab
    extrapolab completion fish > ~/.config/fish/completions/extrapolab.fish
    ```
    """
    typer.echo(
        get_completion_script(
            prog_name="extrapolab", complete_var="_EXTRAPOLAB_COMPLETE", shell=shell
        )
    )
