"""The care for a lab's data: backups of a lab that runs, labs made from them, copies before an upgrade, the doctor."""

import logging
import os
import subprocess
import time

import httpx2
import pytest

from lab import doctor, folder
from lab.doctor import Finding, examine
from lab.errors import CannotStart
from lab.migration import migrate
from lab.settings import LabSettings
from store.db import backup, schema
from store.db.database import Database
from store.db.migrate import downgrade, revisions, upgrade
from tests.integration.lab.test_up import LONG, SHORT, state, submit, wait_until
from tests.kit.filled_database import contents, fill
from tests.kit.lab import EXTRAPOLAB, environment, running_lab


def extrapolab(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [EXTRAPOLAB, *map(str, arguments)]
    return subprocess.run(
        command,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def answer(lab, path: str) -> bytes:
    return httpx2.get(f"{lab.url}{path}", timeout=30).raise_for_status().content


def test_a_lab_made_from_the_backup_of_one_that_trains_has_its_results_and_goes_on_training(
    tmp_path,
):
    with running_lab(tmp_path / "data", "--workers", "1") as lab:
        short = submit(lab, SHORT)
        wait_until(lambda: state(lab, short) == "completed")
        result = answer(lab, f"/v1/experiments/{short}/result")
        long = submit(lab, LONG)
        wait_until(lambda: state(lab, long) == "running")
        done = extrapolab("backup", tmp_path / "lab.backup", "--data", lab.data)
        assert done.returncode == 0, done.stderr
        assert "has 2 experiments" in done.stdout
        lab.process.kill()
    done = extrapolab("restore", tmp_path / "lab.backup", "--data", tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr
    with running_lab(tmp_path / "elsewhere", "--workers", "1") as lab:
        assert answer(lab, f"/v1/experiments/{short}/result") == result
        wait_until(lambda: b'"attempts":2' in answer(lab, f"/v1/experiments/{long}"))
        assert state(lab, long) == "running"
        refused = extrapolab("restore", tmp_path / "lab.backup", "--data", lab.data)
    assert refused.returncode == 1
    assert "in use by the lab at" in refused.stderr
    refused = extrapolab("restore", tmp_path / "lab.backup", "--data", tmp_path / "elsewhere")
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "Nothing was restored: backups are restored into an empty database, and this one has rows in "
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["backup", "{here}/new.backup", "--data", "{here}/nowhere"], "There is no lab in "),
        (
            ["restore", "{here}/no.backup", "--data", "{here}/new"],
            "There is no backup {here}/no.backup.",
        ),
        (["restore", "{here}/file", "--data", "{here}/new"], "Nothing was restored: "),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_nothing_behind(
    tmp_path, arguments, sentence
):
    (tmp_path / "file").write_text("no backup")
    done = extrapolab(
        *(argument.format(here=tmp_path) for argument in arguments), HOME=str(tmp_path)
    )
    assert done.returncode == 1
    assert done.stderr.startswith(sentence.format(here=tmp_path))
    assert done.stderr.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(len(revisions()) == 1, reason="there is no older revision yet")
def test_a_database_is_copied_before_it_is_brought_to_this_version(tmp_path, caplog):
    caplog.set_level(logging.INFO, "lab")
    url, older = f"sqlite:///{tmp_path}/lab.db", revisions()[-1]
    upgrade(url)
    database = Database(url)
    fill(database)
    database.dispose()
    downgrade(url, older)
    before = contents(database)
    migrate(url, 1, tmp_path / "backups")
    (copy,) = (tmp_path / "backups").iterdir()
    assert str(copy) in caplog.text
    assert backup.check(copy).revision == older
    assert {name: tally.rows for name, tally in backup.check(copy).tables.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    schema.check(url)
    database.dispose()
    migrate(url, 1, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == [copy], "nothing changes, so nothing is copied"


class TestDoctor:
    @pytest.fixture(autouse=True)
    def _own_settings(self, monkeypatch):
        for name in LabSettings.model_fields:
            monkeypatch.delenv(f"EXTRAPOLAB_{name.upper()}", raising=False)

    @staticmethod
    def amiss(findings: list[Finding]) -> dict[str, str]:
        return {finding.name: str(finding) for finding in findings if finding.remedy}

    def test_a_machine_that_is_well(self, tmp_path):
        done = extrapolab("doctor", "--data", tmp_path / "new")
        assert done.returncode == 0, done.stdout + done.stderr
        assert all(line.startswith("ok ") for line in done.stdout.splitlines())
        assert not (tmp_path / "new").exists(), "it only looks"

    def test_a_lab_that_runs_is_named(self, tmp_path):
        with folder.claimed(tmp_path) as data:
            data.sign("the lab at http://127.0.0.1:8000")
            upgrade(data.database_url)
            findings = examine(tmp_path)
        assert not self.amiss(findings)
        assert "in use by the lab at http://127.0.0.1:8000" in "\n".join(map(str, findings))

    def test_what_is_amiss_ends_it_with_1_and_a_remedy(self, tmp_path):
        (tmp_path / "extrapolab.db").write_bytes(os.urandom(9999))
        done = extrapolab(
            "doctor", "--data", tmp_path, EXTRAPOLAB_BROKER_URL="redis://127.0.0.1:1/0"
        )
        assert done.returncode == 1
        lines = [line for line in done.stdout.splitlines() if line.startswith("amiss")]
        assert [line.split()[1] for line in lines] == ["broker", "database"]
        assert "Start it" in lines[0]
        assert "restore a backup" in lines[1]

    def test_damage_inside_a_database_is_found(self, tmp_path):
        file = tmp_path / "extrapolab.db"
        upgrade(f"sqlite:///{file}")
        content = bytearray(file.read_bytes())
        content[len(content) // 2 :] = os.urandom(len(content) - len(content) // 2)
        file.write_bytes(content)
        assert "damaged" in self.amiss(examine(tmp_path))["database"]

    def test_databases_of_other_versions(self, tmp_path):
        url = f"sqlite:///{tmp_path}/extrapolab.db"
        upgrade(url)
        downgrade(url, "base")
        assert "extrapolab migrate" in self.amiss(examine(tmp_path))["database"]
        upgrade(url)
        database = Database(url)
        with database.write() as tx:
            tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        database.dispose()
        assert "use a newer Extrapolab" in self.amiss(examine(tmp_path))["database"]

    def test_a_database_that_is_away_and_a_url_of_none(self, tmp_path, monkeypatch):
        for url in ("postgresql://nobody:secret@127.0.0.1:1/nothing", "mysql://somewhere"):
            monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", url)
            said = self.amiss(examine(tmp_path))["database"]
            assert "secret" not in said

    def test_a_clock_that_is_wrong(self, tmp_path, monkeypatch, database_url):
        monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", database_url)
        monkeypatch.setattr(doctor, "now", lambda _tx: time.time() + 90)
        assert "NTP" in self.amiss(examine(tmp_path))["clock"]

    def test_a_setting_that_makes_no_sense(self, tmp_path, monkeypatch):
        monkeypatch.setenv("EXTRAPOLAB_LEASE_SECONDS", "soon")
        with pytest.raises(CannotStart, match="EXTRAPOLAB_LEASE_SECONDS"):
            examine(tmp_path)
