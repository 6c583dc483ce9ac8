"""The README's first command starts a lab and runs the study of the paper; every claim holds."""

import re

import pytest

from tests.kit.lab import up


@pytest.mark.timeout(240)
def test_every_claim_of_the_demo_holds_and_a_second_run_computes_nothing(tmp_path):
    data = tmp_path / "data"
    demo = ("--port", "0", "--workers", "2", "--demo", "--once")

    first = up(data, *demo, seconds=200)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "[32/32]" in first.stdout
    claims = re.findall(r"^(holds|fails|not run) ", first.stdout, re.MULTILINE)
    assert claims == ["holds"] * 7
    for figure in ("extrapolation.svg", "extrapolation.png"):
        assert str(data / "figures" / figure) in first.stdout
        assert (data / "figures" / figure).stat().st_size > 1000

    second = up(data, *demo)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "All 32 experiments of the study are in the lab: nothing to compute." in second.stdout
    assert _verdict(second.stdout) == _verdict(first.stdout)


def _verdict(output: str) -> str:
    """The output about the study, without the URLs of the lab that ran it."""
    return output[output.index("Verdict") : output.index("Look further")]
