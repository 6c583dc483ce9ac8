"""The client for programs with an event loop: all that the other one has, typed alike, with no thread that waits."""

import asyncio
import inspect

import pytest

import extrapolab
from extrapolab import AsyncLab, ExperimentCancelled, Lab, Refused

PAIRS = {name: f"Async{name}" for name in ("Lab", "Experiment", "Query", "Study", "Sweep")}
ELSEWHERE = {
    "Experiment": {
        "url",
        "failure",
        "progress",
        "warnings",
        "transport",
        "told",
        "looks",
        "completed",
    },
    "Lab": {"watch"},
    "Query": {"group"},
    "Study": {"url", "reports"},
    "Sweep": {"url", "counts", "looks"},
}
"""What of the one is found in the ``record`` or behind ``held`` of the other, where it asks the lab
for nothing."""


@pytest.mark.parametrize("name", PAIRS)
def test_it_has_every_call_of_the_other(name):
    here, there = getattr(extrapolab, name), getattr(extrapolab, PAIRS[name])
    public = {word for word in dir(here) if not word.startswith("_")}
    missing = public - set(dir(there)) - ELSEWHERE[name]
    assert not missing


@pytest.mark.parametrize("name", ["submit", "table", "sweep", "experiment"])
def test_a_call_tells_how_it_is_called(name):
    here, there = getattr(Lab, name), getattr(AsyncLab, name)
    assert inspect.signature(here) == inspect.signature(there)
    assert here.__doc__ == there.__doc__
    assert inspect.iscoroutinefunction(there)


def test_an_experiment_goes_all_the_way(lab, spec, tmp_path):
    async def play():
        async with AsyncLab(lab.url, user="ada") as there:
            experiment = await there.submit(spec(tags=["async"]))
            assert experiment.record.owner == "ada"
            assert (await experiment.wait(90)).state == "completed"
            assert [run.seed for run in (await experiment.result()).runs] == [
                run.seed for run in experiment.runs
            ]
            assert (await experiment.figure("response", tmp_path / "r.svg")).exists()
            assert (await there.table("tag:async", metrics=["fit_error"], limit=1))[0]["seeds"] == 2
            found = [one.id async for one in there.query("tag:async", limit=3)]
            assert (
                found == [one.id async for one in there.experiments(tag="async")] == [experiment.id]
            )
            assert (await there.query("tag:async").to_pandas()).shape[0] == 2
            with pytest.raises(Refused, match="length"):
                await there.submit(spec(training={"length": 0}))

    asyncio.run(play())


def test_a_sweep_goes_all_the_way(lab, spec):
    async def play():
        async with AsyncLab(lab.url) as there:
            sweep = await there.sweep(spec(), [{"path": "training.length", "values": [3, 4]}])
            ended = [one.state async for one in there.as_completed(sweep, timeout=90)]
            assert ended == ["completed"] * 2
            assert (await sweep.wait(90)).state == "completed"
            assert [row["state"] for row in await sweep.table()] == ended
            assert (
                len(await sweep.members()) == len([one async for one in sweep.experiments()]) == 2
            )

    asyncio.run(play())


def test_many_wait_at_once_and_a_cancel_gets_through(lab, endless):
    """As many as there may be threads are waited for, and none of these is taken."""

    async def play():
        async with AsyncLab(lab.url) as there:
            experiments = [
                await there.submit(endless(tags=["many wait"]), priority=-1) for _ in range(45)
            ]
            waits = [asyncio.ensure_future(one.wait(90)) for one in experiments]
            await asyncio.sleep(0)
            assert len(await there.cancel('tag:"many wait"', 45)) == 45
            return await asyncio.gather(*waits, return_exceptions=True)

    ended = asyncio.run(play())
    assert {type(one) for one in ended} == {ExperimentCancelled}


def test_waiting_can_be_given_up(lab, endless):
    async def play():
        async with AsyncLab(lab.url) as there:
            experiment = await there.submit(endless())
            with pytest.raises(TimeoutError, match="It goes on"):
                await experiment.wait(0.2)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await experiment.wait()
            assert (await experiment.cancel()).record.is_final or experiment.record.cancel_requested

    asyncio.run(play())


def test_the_other_client_works_where_a_loop_runs_already(client, spec):
    """As in a notebook."""

    async def play():
        return client.submit(spec()).wait(90).state

    assert asyncio.run(play()) == "completed"
