"""What is printed to a file and on a terminal, as text."""

import io

from rich.console import Console


def text(*renderables, width=200):
    out = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    for renderable in renderables:
        out.print(renderable)
    return out.file.getvalue()


def on_a_terminal(rows, width):
    out = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        markup=False,
        highlight=False,
        color_system=None,
    )
    out.print(rows)
    return [line.rstrip() for line in out.file.getvalue().splitlines()]
