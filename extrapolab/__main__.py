"""``python -m extrapolab``: runs the command line when its script is not on the path."""

from extrapolab.cli.app import app

if __name__ == "__main__":
    app(prog_name="extrapolab")
