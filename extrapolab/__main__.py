"""The program ``extrapolab``, also as ``python -m extrapolab``.

It imports the command line only once Ctrl-C is quiet.
"""
# ruff: noqa: PLC0415  # late imports, see above

import sys


def main() -> None:
    """Runs the command line."""
    try:
        import gc

        from extrapolab.cli import interruption, streams

        interruption.exit_on_ctrl_c()
        gc.disable()  # modules are no garbage, and to look for some would take a tenth of the start
        streams.open_streams()
        output = sys.stdout
        from extrapolab.cli.app import app
    except KeyboardInterrupt:  # before it was made quiet
        raise SystemExit(130) from None
    try:
        app(prog_name="extrapolab")
    except SystemExit as end:
        code = end.code
        if sys.stdout is not output:  # Typer exchanges it if the reader of a pipe is gone
            code = streams.PIPE_CLOSED
    except OSError as error:
        code = streams.exit_code_of(error)
    finally:
        interruption.exit_on_ctrl_c()
    sys.stdout = output
    raise SystemExit(streams.flush(code if isinstance(code, int) else 0))


if __name__ == "__main__":
    main()
