"""What keeps a lab from running, each with a sentence that says what to do.

ExtrapolabError (core.errors) └── LabError ├── CannotStart  nothing was started: a port, a folder, a
    binary or a package is missing or taken ├── ChildGaveUp  a child process ended again and again
    before it was ready; the lab was stopped └── NoWorker     no worker of this host is known to be
    alive
"""

from core.errors import ExtrapolabError


class LabError(ExtrapolabError):
    """The lab does not run; the message is for the person at the terminal."""


class CannotStart(LabError):
    """Something the lab needs is missing or taken."""


class ChildGaveUp(LabError):
    """A child process cannot be kept alive."""


class NoWorker(LabError):
    """No worker of this host is known to be alive."""
