"""What the first command of the README does: a lab comes up, runs the study of the paper, and every claim holds."""

import re

import pytest

from tests.kit.lab import up


@pytest.mark.timeout(240)
def test_the_demo_holds_every_claim_and_computes_it_only_once(tmp_path):
    data = tmp_path / "data"
    demo = ("--port", "0", "--workers", "2", "--demo", "--once")

    first = up(data, *demo, seconds=200)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "[32/32]" in first.stdout
    claims = re.findall(r"^(holds|fails|not run) ", first.stdout, re.MULTILINE)
    assert claims == ["holds"] * 6
    for figure in ("extrapolation.svg", "extrapolation.png"):
        assert str(data / "figures" / figure) in first.stdout
        assert (data / "figures" / figure).stat().st_size > 1000

    again = up(data, *demo)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "All 32 experiments of the study are in the lab: nothing to compute." in again.stdout
    assert _verdict(again.stdout) == _verdict(first.stdout)


def _verdict(shown: str) -> str:
    """All that is said of the study, without the addresses of the lab that ran it."""
    return shown[shown.index("Verdict") : shown.index("Look further")]
