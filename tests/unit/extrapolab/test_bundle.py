"""The progress of a bundle is read off its bytes, however they are split."""

import io
import zipfile

import pytest

from extrapolab.client.answers.bundle import BundleProgress, counting

IDS = [f"exp_{number:032x}" for number in range(5)]


@pytest.fixture(scope="module")
def bundle():
    """A zip as a lab streams it: sizes follow the content of each file."""

    class Stream(io.RawIOBase):
        content = b""

        def writable(self):
            return True

        def write(self, data):
            self.content += bytes(data)
            return len(data)

    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", "names exp_ and /spec.json")
        for experiment in IDS:
            for name in ("spec.json", "experiment.json", "series.csv"):
                with archive.open(f"{experiment}/{name}", "w", force_zip64=True) as file:
                    file.write(f"{experiment}/spec.json".encode() * 20)
    return stream.content


@pytest.mark.parametrize("size", [1, 30, 75, 76, 77, 1000, 10**6])
def test_each_experiment_is_counted_once(bundle, size):
    seen = []
    count = counting(seen.append)({"X-Total-Count": "5"})
    for start in range(0, len(bundle), size):
        count(bundle[start : start + size])
    assert seen[-1] == BundleProgress(5, 5, len(bundle))
    numbers = [progress.experiments for progress in seen]
    assert numbers == sorted(numbers)
    if size <= 77:
        assert set(numbers) == set(range(6))


def test_a_second_try_counts_from_the_start(bundle):
    seen = []
    start = counting(seen.append)
    for _ in range(2):
        start({"X-Total-Count": "7"})(bundle)
    assert seen == [BundleProgress(5, 7, len(bundle))] * 2


def test_a_lab_need_not_say_how_many_there_are(bundle):
    seen = []
    counting(seen.append)({})(bundle)
    assert seen[0].of is None
