"""Prepares a lab before its processes start: settings, broker and database.

That takes the database's libraries, which hold some 60 MB. So it runs in a process of its own, and
the supervisor stays small: ``python -m lab.preparation PLAN`` reads a :class:`Plan` and prints a
:class:`Preparation`, or why the lab can't start, all as JSON.
"""
# ruff: noqa: PLC0415  # the supervisor uses this module without its libraries

import json
import logging
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import process_tree
from lab.errors import CannotStart


@dataclass(frozen=True)
class Plan:
    """A lab to start.

    Attributes:
        data: The data folder, which this lab holds.
        broker_folder: Where the socket of a private broker will be.
        url: The lab's URL on this machine.
        host: The host that it was asked to listen on.
        allow_anyone: Whether other machines may reach it.
    """

    data: str
    broker_folder: str
    url: str
    host: str
    allow_anyone: bool


@dataclass(frozen=True)
class Preparation:
    """The processes' environment and programs, as far as they follow from the settings.

    Attributes:
        environment: Variables for the lab's processes, beside those of the supervisor.
        device: The device that the workers train on.
        redis_server: The program of the private broker; ``None`` if the lab has a shared one.
    """

    environment: dict[str, str]
    device: str
    redis_server: str | None


def prepare(plan: Plan) -> Preparation:
    """Reads the settings, checks the broker and migrates the database.

    Raises:
        CannotStart: A setting is invalid, or the database or the broker can't be used.
    """
    command = (sys.executable, "-P", "-m", "lab.preparation", json.dumps(asdict(plan)))
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then ends it
        preexec_fn=process_tree.child_setup(),  # noqa: PLW1509  # calls prctl and signal only
    ) as process:
        try:
            answer, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise CannotStart("The lab could not be prepared; the reason is above.")
    content = json.loads(answer)
    if "refusal" in content:
        raise CannotStart(content["refusal"])
    return Preparation(**content)


def _prepare(plan: Plan) -> Preparation:
    from lab import broker, broker_check
    from lab.folder import BACKUPS, database_url_in
    from lab.migration import migrate
    from lab.settings import LabSettings, read

    settings, data = read(LabSettings), Path(plan.data)
    if settings.broker_url is not None:
        broker_check.check(settings.broker_url)
    database_url = settings.database_url or database_url_in(data)
    backups = None if settings.database_url else data / BACKUPS
    migrate(database_url, settings.database_seconds, backups)
    private = settings.broker_url is None
    server = broker.find_server(settings.redis_server) if private else None
    broker_url = settings.broker_url or broker.url(Path(plan.broker_folder))
    environment = settings.child_environment(
        database_url, broker_url, plan.url, plan.host, allow_anyone=plan.allow_anyone
    )
    return Preparation(environment, settings.device, None if server is None else str(server))


def _main() -> None:
    logging.basicConfig(format="%(message)s")  # for the terminal: no timestamps
    logging.getLogger("lab").setLevel(logging.INFO)
    try:
        answer: dict[str, object] = asdict(_prepare(Plan(**json.loads(sys.argv[1]))))
    except CannotStart as error:
        answer = {"refusal": str(error)}
    except ModuleNotFoundError as error:
        answer = {
            "refusal": f"The Python package {error.name} is missing: install 'extrapolab[all]'."
        }
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    os._exit(0)  # nothing is left to do, and taking all those modules down takes a while


if __name__ == "__main__":
    _main()
