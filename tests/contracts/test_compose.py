"""docker-compose.yml and Dockerfile agree with the code; none of this needs Docker."""

import importlib
import re
from pathlib import Path

import pytest
import typer
import yaml

from lab.commands import app as lab_app
from service.settings import Settings as ServiceSettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
LAB_SERVICES = {"migrate", "api", "worker-cpu", "worker-gpu"}
DATABASES = {"postgres", "redis"}
STAGES = {
    name: base for base, name in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
}


def stage(name: str) -> str:
    """The instructions of a stage of the Dockerfile."""
    return re.split(r"^FROM ", DOCKERFILE.split(f" AS {name}\n")[1], flags=re.MULTILINE)[0]


def command(service: str) -> list[str]:
    """The command of a service, by default that of its image."""
    if "command" in SERVICES[service]:
        return SERVICES[service]["command"]
    return yaml.safe_load(stage(SERVICES[service]["build"]["target"]).split("CMD ")[1])


def assert_command_exists(line: list[str]) -> None:
    """Parses an ``extrapolab`` command, or imports what a uvicorn command names."""
    program, *arguments = line
    if program == "extrapolab":
        name, *options = arguments
        commands = typer.main.get_group(lab_app).commands
        commands[name].make_context(name, options, resilient_parsing=False)
    elif program == "uvicorn":
        for option in ("--factory", "--http"):
            module, _, name = arguments[arguments.index(option) + 1].partition(":")
            assert callable(getattr(importlib.import_module(module), name))
    else:
        pytest.fail(f"the image has no program {program}")


def test_the_services_are_complete_and_only_the_gpu_worker_is_optional():
    assert set(SERVICES) == LAB_SERVICES | DATABASES
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]
    assert all("profiles" not in SERVICES[name] for name in SERVICES if name != "worker-gpu")


def test_every_image_has_an_exact_version():
    images = [service["image"] for service in SERVICES.values()]
    images += [base for base in STAGES.values() if base not in STAGES]
    assert all(re.search(r":\d+\.\d+(\.\d+)?(-|$)", image) for image in images), images


def test_the_lab_images_have_the_version_of_the_package():
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[
        1
    ]
    assert {SERVICES[name]["image"].rpartition(":")[2] for name in LAB_SERVICES} == {version}


@pytest.mark.parametrize("name", sorted(LAB_SERVICES))
def test_each_lab_service_is_built_from_a_stage_and_runs_an_existing_command(name):
    assert SERVICES[name]["build"]["target"] in STAGES
    assert_command_exists(command(name))


@pytest.mark.parametrize("name", ["service", "worker"])
def test_each_image_runs_an_existing_command_without_root(name):
    instructions = [
        line.split(maxsplit=1) for line in stage(name).splitlines() if line and line[0].isupper()
    ]
    users = [value for instruction, value in instructions if instruction == "USER"]
    assert users
    assert users[-1] == "lab"
    assert "useradd --create-home --uid 10001 lab" in stage("base")
    assert_command_exists(yaml.safe_load(stage(name).split("CMD ")[1]))


def test_compose_makes_no_container_root_or_privileged():
    assert all(
        "user" not in service and not service.get("privileged") for service in SERVICES.values()
    )


def test_only_the_worker_image_has_torch():
    assert "torch" not in stage("service").lower()
    assert "torch" not in stage("base").lower()
    assert 'pip install "$TORCH"' in stage("worker")
    assert SERVICES["migrate"]["build"]["target"] == SERVICES["api"]["build"]["target"] == "service"
    assert (
        SERVICES["worker-cpu"]["build"]["target"]
        == SERVICES["worker-gpu"]["build"]["target"]
        == "worker"
    )


def test_the_dockerfile_declares_the_build_arguments():
    arguments = set(re.findall(r"^ARG (\w+)", stage("worker"), re.MULTILINE))
    assert set(SERVICES["worker-cpu"]["build"]["args"]) <= arguments


def test_the_dockerfile_copies_every_package_of_the_wheel():
    packages = yaml.safe_load(
        re.search(r"^packages = (\[.+\])$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    )
    for package in packages:
        assert f"COPY {package} {package}\n" in stage("wheel")
        assert f"!{package}\n" in (ROOT / ".dockerignore").read_text()


def test_the_code_reads_every_variable():
    known = {
        f"EXTRAPOLAB_{name.upper()}"
        for name in {**ServiceSettings.model_fields, **WorkerSettings.model_fields}
    }
    for name in LAB_SERVICES:
        assert set(SERVICES[name]["environment"]) <= known
    assert {"EXTRAPOLAB_DATABASE_URL", "EXTRAPOLAB_BROKER_URL"} <= set(
        SERVICES["api"]["environment"]
    )


def test_the_urls_name_the_services_and_the_database():
    environment = SERVICES["api"]["environment"]
    database = SERVICES["postgres"]["environment"]
    user, name = database["POSTGRES_USER"], database["POSTGRES_DB"]
    assert environment["EXTRAPOLAB_DATABASE_URL"].startswith(f"postgresql://{user}:")
    assert environment["EXTRAPOLAB_DATABASE_URL"].endswith(f"@postgres:5432/{name}")
    assert environment["EXTRAPOLAB_BROKER_URL"] == "redis://redis:6379/0"


def test_the_file_has_no_password_and_no_default_for_it():
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith(
        "${POSTGRES_PASSWORD:?"
    )
    assert ":${POSTGRES_PASSWORD:?" in SERVICES["api"]["environment"]["EXTRAPOLAB_DATABASE_URL"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_long_running_service_has_a_health_check_and_restarts(name):
    if name == "migrate":
        assert SERVICES[name]["restart"] == "no"
        return
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries"} <= set(check)
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["worker-cpu", "worker-gpu"])
def test_the_health_check_of_a_worker_looks_at_the_files_that_its_slots_touch(name):
    folder = SERVICES[name]["environment"]["EXTRAPOLAB_ALIVE_FOLDER"]
    assert f"find {folder} -name 'slot-*' -mmin" in SERVICES[name]["healthcheck"]["test"][1]


def test_the_health_check_of_the_api_requests_an_existing_route_at_its_port():
    port = command("api")[command("api").index("--port") + 1]
    line = SERVICES["api"]["healthcheck"]["test"][-1]
    assert f"http://127.0.0.1:{port}/readyz" in line
    compile(line, "healthcheck", "exec")
    paths = {
        getattr(route, "path", None)
        for route in importlib.import_module("service.routes.operations").router.routes
    }
    assert "/readyz" in paths


def test_redis_persists_its_data_and_evicts_nothing():
    line = " ".join(command("redis"))
    assert "--appendonly yes" in line
    assert "--maxmemory-policy noeviction" in line


def test_services_start_after_their_dependencies():
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in LAB_SERVICES - {"migrate"}:
        assert SERVICES[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
            "redis": {"condition": "service_healthy"},
        }


def test_only_the_api_is_published_and_only_on_localhost():
    assert {name for name in SERVICES if "ports" in SERVICES[name]} == {"api"}
    (port,) = SERVICES["api"]["ports"]
    assert port.startswith("127.0.0.1:")
    assert port.endswith(":8000")


def test_databases_keep_their_data_in_named_volumes():
    volumes = {
        volume.partition(":")[0] for name in DATABASES for volume in SERVICES[name]["volumes"]
    }
    assert volumes == set(COMPOSE["volumes"])


def test_lab_containers_have_an_init_and_all_get_time_to_stop():
    assert all(SERVICES[name]["init"] for name in LAB_SERVICES)
    assert all("stop_grace_period" in SERVICES[name] for name in SERVICES if name != "migrate")


def test_the_gpu_worker_reserves_a_gpu():
    (device,) = SERVICES["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert "cuda" in command("worker-gpu")


def test_a_wrong_command_is_detected():
    with pytest.raises(KeyError):
        assert_command_exists(["extrapolab", "migrat"])
    with pytest.raises(Exception, match="No such option: --devices"):
        assert_command_exists(["extrapolab", "worker", "--devices", "cpu"])
