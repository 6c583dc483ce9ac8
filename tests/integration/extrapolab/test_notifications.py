"""Targets of notifications, from Python and the command line."""

import pytest
from typer.testing import CliRunner

from extrapolab import Refused
from extrapolab.cli.app import app
from extrapolab.cli.exit_codes import ExitCode

AXES = [{"path": "training.length", "values": [3]}]


def test_every_submission_names_its_targets(client, spec):
    for submit in (
        lambda: client.submit(spec(), notify="nobody"),
        lambda: client.sweep(spec(), AXES, notify=["nobody"]),
        lambda: client.study("balanced").submit("nobody"),
        lambda: client.notify("nobody"),
    ):
        with pytest.raises(Refused, match="unknown target"):
            submit()
    with pytest.raises(ValueError, match="without spaces"):
        client.submit(spec(), notify="a b")
    assert client.submit(spec(), notify="none").id.startswith("exp_")
    assert [*client.notifications()] == []


def test_the_command_line_says_what_a_target_can_be(lab, tmp_path):
    def invoke(*arguments):
        return CliRunner().invoke(app, ["--url", lab.url, *arguments])

    refused = invoke("notify", "team", "http://127.0.0.1/x")
    assert refused.exit_code == ExitCode.REFUSED
    assert "unknown target" in refused.stderr
    assert "EXTRAPOLAB_NOTIFY_PRIVATE=1" in refused.stderr
    assert invoke("notifications").stdout == "No notifications.\n"
