"""Errors that keep a lab from running; each message says what to do.

ExtrapolabError (core.errors)
└── LabError
    ├── CannotStart  nothing was started: a port, folder, program or package is missing or taken
    ├── CrashLoop    a process kept ending before it was ready; the lab was stopped
    └── NoWorker     no worker of this host is known to be alive
"""

from core.errors import ExtrapolabError


class LabError(ExtrapolabError):
    """The lab cannot run; the message is for the person at the terminal."""


class CannotStart(LabError):
    """A port, folder, program or package that the lab needs is missing or taken."""


class CrashLoop(LabError):
    """A process of the lab kept ending before it was ready."""


class NoWorker(LabError):
    """No worker of this host is known to be alive."""
