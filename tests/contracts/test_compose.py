"""docker-compose.yml and Dockerfile, read against the code: all the checking they get where no engine is at hand."""

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
OURS = {"migrate", "api", "worker-cpu", "worker-gpu"}
DATABASES = {"postgres", "redis"}
STAGES = {
    name: base for base, name in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
}


def stage(name: str) -> str:
    """The lines of one stage of the Dockerfile."""
    return re.split(r"^FROM ", DOCKERFILE.split(f" AS {name}\n")[1], flags=re.MULTILINE)[0]


def command(service: str) -> list[str]:
    """What the container of ``service`` runs: its own command, or that of its image."""
    if "command" in SERVICES[service]:
        return SERVICES[service]["command"]
    return yaml.safe_load(stage(SERVICES[service]["build"]["target"]).split("CMD ")[1])


def assert_runs_in(line: list[str]) -> None:
    """The command exists: an ``extrapolab`` command takes these options, a uvicorn factory can be imported."""
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
        pytest.fail(f"no such program in the image: {program}")


def test_the_services_are_those_of_the_design():
    assert set(SERVICES) == OURS | DATABASES
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]
    assert all("profiles" not in SERVICES[name] for name in SERVICES if name != "worker-gpu")


def test_every_image_is_pinned_to_an_exact_version():
    images = [service["image"] for service in SERVICES.values()]
    images += [base for base in STAGES.values() if base not in STAGES]
    assert all(re.search(r":\d+\.\d+(\.\d+)?(-|$)", image) for image in images), images


def test_the_images_of_ours_have_the_version_of_the_package():
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[
        1
    ]
    assert {SERVICES[name]["image"].rpartition(":")[2] for name in OURS} == {version}


@pytest.mark.parametrize("name", sorted(OURS))
def test_each_of_our_services_is_built_from_a_stage_and_runs_a_command_that_exists(name):
    assert SERVICES[name]["build"]["target"] in STAGES
    assert_runs_in(command(name))


@pytest.mark.parametrize("name", ["service", "worker"])
def test_each_image_runs_a_command_that_exists_and_not_as_root(name):
    instructions = [
        line.split(maxsplit=1) for line in stage(name).splitlines() if line and line[0].isupper()
    ]
    users = [value for word, value in instructions if word == "USER"]
    assert users
    assert users[-1] == "lab"
    assert "useradd --create-home --uid 10001 lab" in stage("base")
    assert_runs_in(yaml.safe_load(stage(name).split("CMD ")[1]))


def test_nobody_is_made_root_by_compose():
    assert all(
        "user" not in service and not service.get("privileged") for service in SERVICES.values()
    )


def test_the_image_of_the_service_has_no_torch_and_that_of_the_worker_has():
    assert "torch" not in stage("service").lower()
    assert "torch" not in stage("base").lower()
    assert 'pip install "$TORCH"' in stage("worker")
    assert SERVICES["migrate"]["build"]["target"] == SERVICES["api"]["build"]["target"] == "service"
    assert (
        SERVICES["worker-cpu"]["build"]["target"]
        == SERVICES["worker-gpu"]["build"]["target"]
        == "worker"
    )


def test_the_build_arguments_are_those_of_the_dockerfile():
    arguments = set(re.findall(r"^ARG (\w+)", stage("worker"), re.MULTILINE))
    assert set(SERVICES["worker-cpu"]["build"]["args"]) <= arguments


def test_the_dockerfile_copies_every_package_of_the_wheel():
    packages = yaml.safe_load(
        re.search(r"^packages = (\[.+\])$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    )
    for package in packages:
        assert f"COPY {package} {package}\n" in stage("wheel")
        assert f"!{package}\n" in (ROOT / ".dockerignore").read_text()


def test_every_variable_of_ours_is_one_that_the_code_reads():
    known = {
        f"EXTRAPOLAB_{name.upper()}"
        for name in {**ServiceSettings.model_fields, **WorkerSettings.model_fields}
    }
    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= known
    assert {"EXTRAPOLAB_DATABASE_URL", "EXTRAPOLAB_BROKER_URL"} <= set(
        SERVICES["api"]["environment"]
    )


def test_the_urls_name_the_services_and_the_database_of_this_file():
    environment = SERVICES["api"]["environment"]
    database = SERVICES["postgres"]["environment"]
    user, name = database["POSTGRES_USER"], database["POSTGRES_DB"]
    assert environment["EXTRAPOLAB_DATABASE_URL"].startswith(f"postgresql://{user}:")
    assert environment["EXTRAPOLAB_DATABASE_URL"].endswith(f"@postgres:5432/{name}")
    assert environment["EXTRAPOLAB_BROKER_URL"] == "redis://redis:6379/0"


def test_there_is_no_password_in_the_file_and_none_by_default():
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith(
        "${POSTGRES_PASSWORD:?"
    )
    assert ":${POSTGRES_PASSWORD:?" in SERVICES["api"]["environment"]["EXTRAPOLAB_DATABASE_URL"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_that_stays_has_a_health_check_and_restarts(name):
    if name == "migrate":
        assert SERVICES[name]["restart"] == "no"
        return
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(check)
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["worker-cpu", "worker-gpu"])
def test_the_health_check_of_a_worker_is_a_command_that_exists(name):
    assert_runs_in(SERVICES[name]["healthcheck"]["test"][1:])


def test_the_health_check_of_the_api_asks_a_route_that_exists_at_its_port():
    port = command("api")[command("api").index("--port") + 1]
    line = SERVICES["api"]["healthcheck"]["test"][-1]
    assert f"http://127.0.0.1:{port}/readyz" in line
    compile(line, "healthcheck", "exec")
    paths = {
        getattr(route, "path", None)
        for route in importlib.import_module("service.routes.operations").router.routes
    }
    assert "/readyz" in paths


def test_redis_keeps_what_it_holds_and_refuses_rather_than_forgets():
    line = " ".join(command("redis"))
    assert "--appendonly yes" in line
    assert "--maxmemory-policy noeviction" in line


def test_nothing_starts_before_what_it_needs():
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in OURS - {"migrate"}:
        assert SERVICES[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
            "redis": {"condition": "service_healthy"},
        }


def test_only_the_api_is_published_and_only_on_this_machine():
    assert {name for name in SERVICES if "ports" in SERVICES[name]} == {"api"}
    (published,) = SERVICES["api"]["ports"]
    assert published.startswith("127.0.0.1:")
    assert published.endswith(":8000")


def test_databases_keep_their_data_in_named_volumes():
    volumes = {
        volume.partition(":")[0] for name in DATABASES for volume in SERVICES[name]["volumes"]
    }
    assert volumes == set(COMPOSE["volumes"])


def test_our_containers_have_an_init_and_time_to_stop():
    assert all(SERVICES[name]["init"] for name in OURS)
    assert all("stop_grace_period" in SERVICES[name] for name in SERVICES if name != "migrate")


def test_the_gpu_worker_reserves_a_gpu():
    (device,) = SERVICES["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
    assert "cuda" in command("worker-gpu")


def test_a_wrong_command_would_be_found():
    with pytest.raises(KeyError):
        assert_runs_in(["extrapolab", "migrat"])
    with pytest.raises(Exception, match="No such option: --devices"):
        assert_runs_in(["extrapolab", "worker", "--devices", "cpu"])
