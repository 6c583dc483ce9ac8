"""The async client: every method of the blocking client, typed alike, and no waiting thread."""

import asyncio
import inspect

import pytest

import extrapolab
from extrapolab import AsyncLab, ExperimentCancelled, Lab, Refused

PAIRS = {name: f"Async{name}" for name in ("Lab", "Experiment", "Query", "Study", "Sweep")}
NOT_NEEDED = {
    "Experiment": {
        "url",
        "failure",
        "progress",
        "warnings",
        "transport",
        "update",
        "follow",
        "completed",
    },
    "Lab": {"watch"},
    "Query": {"group"},
    "Study": {"url", "reports"},
    "Sweep": {"url", "counts", "follow"},
}
"""Attributes that the async client has in ``record`` or ``wrapped``; they need no request."""


@pytest.mark.parametrize("name", PAIRS)
def test_async_handle_has_every_method(name):
    blocking, wrapper = getattr(extrapolab, name), getattr(extrapolab, PAIRS[name])
    public = {attribute for attribute in dir(blocking) if not attribute.startswith("_")}
    missing = public - set(dir(wrapper)) - NOT_NEEDED[name]
    assert not missing


@pytest.mark.parametrize("name", ["submit", "table", "sweep", "experiment"])
def test_async_method_keeps_signature_and_docstring(name):
    method, async_method = getattr(Lab, name), getattr(AsyncLab, name)
    assert inspect.signature(method) == inspect.signature(async_method)
    assert method.__doc__ == async_method.__doc__
    assert inspect.iscoroutinefunction(async_method)


def test_experiment_from_submission_to_figure(lab, spec, tmp_path):
    async def scenario():
        async with AsyncLab(lab.url, user="ada") as lab_client:
            experiment = await lab_client.submit(spec(tags=["async"]))
            assert experiment.record.owner == "ada"
            assert (await experiment.wait(90)).state == "completed"
            assert [run.seed for run in (await experiment.result()).runs] == [
                run.seed for run in experiment.runs
            ]
            assert (await experiment.figure("response", tmp_path / "r.svg")).exists()
            assert (await lab_client.table("tag:async", metrics=["fit_error"], limit=1))[0][
                "seeds"
            ] == 2
            ids = [match.id async for match in lab_client.query("tag:async", limit=3)]
            assert (
                ids
                == [match.id async for match in lab_client.experiments(tag="async")]
                == [experiment.id]
            )
            assert (await lab_client.query("tag:async").to_pandas()).shape[0] == 2
            with pytest.raises(Refused, match="length"):
                await lab_client.submit(spec(training={"length": 0}))

    asyncio.run(scenario())


def test_sweep_from_submission_to_table(lab, spec):
    async def scenario():
        async with AsyncLab(lab.url) as lab_client:
            sweep = await lab_client.submit(
                {"base": spec(), "axes": [{"path": "training.length", "values": [3, 4]}]}
            )
            states = [
                experiment.state async for experiment in lab_client.as_completed(sweep, timeout=90)
            ]
            assert states == ["completed"] * 2
            assert (await sweep.wait(90)).state == "completed"
            assert [row["state"] for row in await sweep.table()] == states
            assert (
                len(await sweep.members()) == len([item async for item in sweep.experiments()]) == 2
            )

    asyncio.run(scenario())


def test_many_waits_leave_a_thread_for_a_cancel(lab, endless):
    """There are more waits than worker threads, and no wait occupies one."""

    async def scenario():
        async with AsyncLab(lab.url) as lab_client:
            experiments = [
                await lab_client.submit(endless(tags=["many wait"]), priority=-1) for _ in range(45)
            ]
            waits = [asyncio.ensure_future(experiment.wait(90)) for experiment in experiments]
            await asyncio.sleep(0)
            assert len(await lab_client.cancel('tag:"many wait"', 45)) == 45
            return await asyncio.gather(*waits, return_exceptions=True)

    outcomes = asyncio.run(scenario())
    assert {type(outcome) for outcome in outcomes} == {ExperimentCancelled}


def test_waiting_can_time_out(lab, endless):
    async def scenario():
        async with AsyncLab(lab.url) as lab_client:
            experiment = await lab_client.submit(endless())
            with pytest.raises(TimeoutError, match="is still"):
                await experiment.wait(0.2)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await experiment.wait()
            assert (await experiment.cancel()).record.is_final or experiment.record.cancel_requested

    asyncio.run(scenario())


def test_blocking_client_works_inside_a_running_loop(client, spec):
    """A notebook has one."""

    async def scenario():
        return client.submit(spec()).wait(90).state

    assert asyncio.run(scenario()) == "completed"
