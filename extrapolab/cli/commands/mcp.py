"""The command that offers the lab to language models."""

import os
from typing import Annotated

import typer

from extrapolab.cli.arguments import lab_of
from extrapolab.cli.exit_codes import ExitCode
from extrapolab.cli.terminal import print_error

PATIENCE = 10.0
"""Seconds to retry while the lab is down; a client of ours waits for an answer."""

app = typer.Typer()


@app.command(rich_help_panel="Lab")
def mcp(
    context: typer.Context,
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Also offer tools that submit and cancel experiments.")
    ] = False,
    http: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Serve streamable HTTP on this port of this machine; 0 takes a free one.",
        ),
    ] = None,
) -> None:
    """Offer the lab to a language model as tools (Model Context Protocol).

    Programs for agents start it themselves and talk to it on standard input and output.

    For example:
    ```
    extrapolab mcp
    extrapolab mcp --write
    extrapolab mcp --http 8765
    ```
    """
    try:
        from extrapolab.mcp import server  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        print_error(
            f"This command needs the Python package {error.name}: pip install 'extrapolab[mcp]'."
        )
        raise typer.Exit(ExitCode.USAGE) from error
    with lab_of(context, PATIENCE) as lab:
        tools = server.build(lab, write=write)
        if http is None:
            server.serve_stdio(tools)
            return
        try:
            listener = server.listen(http)
        except OSError as error:
            message = f"can't listen on port {http}: {os.strerror(error.errno or 0)}"
            raise typer.BadParameter(message, param_hint="--http") from error
        with listener:
            server.serve_http(tools, listener, lambda url: print_error(f"The tools are at {url}"))
