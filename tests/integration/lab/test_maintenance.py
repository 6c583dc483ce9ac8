"""Maintenance of a lab: backup, restore, upgrade and doctor."""

import logging
import os
import subprocess
import time
from pathlib import Path

import httpx2
import pytest

from lab import doctor, folder
from lab.doctor import Finding, run_checks
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


def readable_by_others(*paths: Path) -> list[Path]:
    inside = [path for folder in paths for path in (folder, *folder.rglob("*"))]
    assert len(inside) > len(paths) or not paths[0].is_dir()
    return [path for path in inside if path.stat().st_mode & 0o077]


def answer(lab, path: str) -> bytes:
    return httpx2.get(f"{lab.url}{path}", timeout=30).raise_for_status().content


def test_a_lab_restored_from_the_backup_of_a_running_one_resumes_its_work(
    tmp_path,
):
    with running_lab(tmp_path / "data", "--workers", "1") as lab:
        short = submit(lab, SHORT)
        wait_until(lambda: state(lab, short) == "completed")
        result = answer(lab, f"/v1/experiments/{short}/result")
        long = submit(lab, LONG)
        wait_until(lambda: state(lab, long) == "running")
        completed = extrapolab("backup", tmp_path / "lab.backup", "--data", lab.data)
        assert completed.returncode == 0, completed.stderr
        assert "with 2 experiments" in completed.stdout
        lab.process.kill()
        assert readable_by_others(lab.data, tmp_path / "lab.backup") == []
    completed = extrapolab("restore", tmp_path / "lab.backup", "--data", tmp_path / "elsewhere")
    assert completed.returncode == 0, completed.stderr
    assert readable_by_others(tmp_path / "elsewhere") == []
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
        "Nothing was restored: backups are restored into an empty database, "
        "and this one has rows in "
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["backup", "{folder}/new.backup", "--data", "{folder}/nowhere"], "There is no lab in "),
        (
            ["restore", "{folder}/no.backup", "--data", "{folder}/new"],
            "Nothing was restored: there is no file {folder}/no.backup.",
        ),
        (["restore", "{folder}/file", "--data", "{folder}/new"], "Nothing was restored: "),
    ],
)
def test_a_refusal_is_one_sentence_and_leaves_nothing_behind(tmp_path, arguments, sentence):
    (tmp_path / "file").write_text("no backup")
    completed = extrapolab(
        *(argument.format(folder=tmp_path) for argument in arguments), HOME=str(tmp_path)
    )
    assert completed.returncode == 1
    assert completed.stderr.startswith(sentence.format(folder=tmp_path))
    assert completed.stderr.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(len(revisions()) == 1, reason="there is no older revision")
def test_a_database_is_backed_up_before_an_upgrade(tmp_path, caplog):
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
    assert list((tmp_path / "backups").iterdir()) == [copy], "no upgrade, no backup"


class TestDoctor:
    @pytest.fixture(autouse=True)
    def _no_settings(self, monkeypatch):
        for name in LabSettings.model_fields:
            monkeypatch.delenv(f"EXTRAPOLAB_{name.upper()}", raising=False)

    @staticmethod
    def failures(findings: list[Finding]) -> dict[str, str]:
        return {finding.name: str(finding) for finding in findings if finding.remedy}

    def test_all_checks_pass_on_a_healthy_machine(self, tmp_path):
        completed = extrapolab("doctor", "--data", tmp_path / "new")
        assert completed.returncode == 0, completed.stdout + completed.stderr
        assert all(line.startswith("ok ") for line in completed.stdout.splitlines())
        assert not (tmp_path / "new").exists(), "it changes nothing"

    def test_a_running_lab_is_named(self, tmp_path):
        with folder.lock_data_folder(tmp_path) as data:
            data.write_owner("the lab at http://127.0.0.1:8000")
            upgrade(data.database_url)
            findings = run_checks(tmp_path)
        assert not self.failures(findings)
        assert "in use by the lab at http://127.0.0.1:8000" in "\n".join(map(str, findings))

    def test_what_other_users_may_read_is_named(self, tmp_path):
        data = tmp_path / "a lab"
        (data / "logs").mkdir(parents=True, mode=0o700)
        (data / "logs" / "api.log").touch(0o600)
        data.chmod(0o755)
        assert not self.failures(run_checks(data))
        (data / "logs" / "api.log").chmod(0o604)
        (data / "odd").symlink_to("nowhere")
        failure = self.failures(run_checks(data))["privacy"]
        assert f"other users may read {data}/logs/api.log. " in failure
        assert failure.endswith(f"chmod -R go= '{data}'")
        data.chmod(0o700)
        assert not self.failures(run_checks(data))

    def test_a_failed_check_has_a_remedy_and_exits_with_1(self, tmp_path):
        (tmp_path / "extrapolab.db").write_bytes(os.urandom(9999))
        completed = extrapolab(
            "doctor", "--data", tmp_path, EXTRAPOLAB_BROKER_URL="redis://127.0.0.1:1/0"
        )
        assert completed.returncode == 1
        lines = [line for line in completed.stdout.splitlines() if line.startswith("fail")]
        assert [line.split()[1] for line in lines] == ["broker", "database"]
        assert "Start it" in lines[0]
        assert "restore a backup" in lines[1]

    def test_damage_inside_a_database_is_found(self, tmp_path):
        file = tmp_path / "extrapolab.db"
        upgrade(f"sqlite:///{file}")
        content = bytearray(file.read_bytes())
        content[len(content) // 2 :] = os.urandom(len(content) - len(content) // 2)
        file.write_bytes(content)
        assert "damaged" in self.failures(run_checks(tmp_path))["database"]

    def test_databases_of_other_versions_fail(self, tmp_path):
        url = f"sqlite:///{tmp_path}/extrapolab.db"
        upgrade(url)
        downgrade(url, "base")
        assert "extrapolab migrate" in self.failures(run_checks(tmp_path))["database"]
        upgrade(url)
        database = Database(url)
        with database.write() as tx:
            tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        database.dispose()
        assert "use a newer Extrapolab" in self.failures(run_checks(tmp_path))["database"]

    def test_an_unreachable_database_fails_without_its_password(self, tmp_path, monkeypatch):
        for url in ("postgresql://nobody:secret@127.0.0.1:1/nothing", "mysql://somewhere"):
            monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", url)
            failure = self.failures(run_checks(tmp_path))["database"]
            assert "secret" not in failure

    def test_a_wrong_clock_fails(self, tmp_path, monkeypatch, database_url):
        monkeypatch.setenv("EXTRAPOLAB_DATABASE_URL", database_url)
        monkeypatch.setattr(doctor, "now", lambda _tx: time.time() + 90)
        assert "NTP" in self.failures(run_checks(tmp_path))["clock"]

    def test_an_invalid_setting_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setenv("EXTRAPOLAB_LEASE_SECONDS", "soon")
        with pytest.raises(CannotStart, match="EXTRAPOLAB_LEASE_SECONDS"):
            run_checks(tmp_path)
