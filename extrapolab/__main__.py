"""The program ``extrapolab``, also as ``python -m extrapolab``.

It imports the command line only once Ctrl-C is quiet.
"""
# ruff: noqa: PLC0415  # late imports, see above


def main() -> None:
    """Runs the command line."""
    try:
        import gc

        from extrapolab.cli import interruption

        interruption.exit_on_ctrl_c()
        gc.disable()  # modules are no garbage, and to look for some would take a tenth of the start
        from extrapolab.cli.app import app
    except KeyboardInterrupt:  # before it was made quiet
        raise SystemExit(130) from None
    try:
        app(prog_name="extrapolab")
    finally:
        interruption.exit_on_ctrl_c()


if __name__ == "__main__":
    main()
