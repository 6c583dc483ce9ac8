"""The program ``extrapolab``, also as ``python -m extrapolab``.

It imports the command line only once Ctrl-C is quiet.
"""
# ruff: noqa: PLC0415  # late imports, see above


def main() -> None:
    """Runs the command line."""
    try:
        import gc

        from extrapolab.cli import interruption, streams

        interruption.exit_on_ctrl_c()
        gc.disable()  # modules are no garbage, and to look for some would take a tenth of the start
        streams.open_streams()
        from extrapolab.cli.app import app
    except KeyboardInterrupt:  # before it was made quiet
        raise SystemExit(130) from None
    try:
        app(prog_name="extrapolab")
    except SystemExit as end:
        code = end.code
        if isinstance(end.__context__, BrokenPipeError):  # Typer and Rich have a code for all
            code = streams.PIPE_CLOSED
    except OSError as error:
        code = streams.report(error)
    finally:
        interruption.exit_on_ctrl_c()
    raise SystemExit(streams.flush(code if isinstance(code, int) else 0))


if __name__ == "__main__":
    main()
