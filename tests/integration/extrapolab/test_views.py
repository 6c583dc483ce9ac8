"""Saved views from Python."""

import asyncio

import pytest

from extrapolab import AsyncLab, Conflict, NotFound, Refused


def test_a_view_is_saved_changed_and_removed(client, lab):
    saved = client.save_view("diverged or ∞?", "experiments", "q=a")
    assert (saved.name, saved.owner, saved.query) == ("diverged or ∞?", "anonymous", "q=a")
    with pytest.raises(Conflict, match="already"):
        client.save_view(saved.name, "sweeps")
    with pytest.raises(Refused, match="slash"):
        client.save_view("a/b", "experiments")
    renamed = client.change_view(saved.name, new_name="diverged", page="sweeps")
    assert (renamed.name, renamed.page, renamed.query) == ("diverged", "sweeps", "q=a")

    async def listed():
        async with AsyncLab(lab.url) as async_lab:
            return await async_lab.views("sweeps")

    assert [view.name for view in asyncio.run(listed())] == ["diverged"]
    client.remove_view("diverged")
    assert "diverged" not in [view.name for view in client.views()]
    with pytest.raises(NotFound):
        client.remove_view("diverged")
