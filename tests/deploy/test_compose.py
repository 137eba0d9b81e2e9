"""docker-compose.yml: pinned, on loopback, health-checked order, and every setting a real one."""

import ast
import base64
import re

import pytest
import yaml

from spikewatch.cli.stack.mongo_server import SETTINGS

SERVICES = ("ingest", "enrichment", "alerts", "directory")
ONE_SHOT = {"topics", "mongo-replica-set"}


@pytest.fixture(scope="module")
def environment(root):
    lines = [line for line in (root / ".env").read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def compose(root, environment):
    text = (root / "docker-compose.yml").read_text()
    names = set(re.findall(r"\$\{([A-Z_]+)-?\}", text))
    assert names <= environment.keys()
    return yaml.safe_load(re.sub(r"\$\{([A-Z_]+)-?\}", lambda match: environment[match[1]], text))


def test_images_are_pinned_to_a_release(compose):
    for name, service in compose["services"].items():
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"]), name


def test_every_image_tag_stands_in_one_file(root):
    assert not re.search(r"image: [^$\n]*:\d", (root / "docker-compose.yml").read_text().replace("${SPIKEWATCH_VERSION}", ""))


def test_ports_are_bound_to_loopback(compose):
    for service in compose["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_profiles_are_the_three(compose):
    assert {name for service in compose["services"].values() for name in service["profiles"]} == {"core", "observability", "tools"}
    for service in SERVICES:
        assert compose["services"][service]["profiles"] == ["core"]


def test_what_is_waited_for_can_tell_that_it_is_well(compose):
    services = compose["services"]
    for service in services.values():
        for name, need in service.get("depends_on", {}).items():
            if need["condition"] == "service_healthy":
                # A service of ours has its check in the image.
                assert "test" in services[name].get("healthcheck", {}) or name in SERVICES
            else:
                assert need["condition"] == "service_completed_successfully"
                assert name in ONE_SHOT
                assert services[name]["restart"] == "no"
            assert set(services[name]["profiles"]) <= set(service["profiles"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_topics_and_replica_set_and_runs_hardened(compose, service):
    part = compose["services"][service]
    assert {"topics", "mongo-replica-set", "kafka", "mongo"} <= part["depends_on"].keys()
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["build"]["args"]["SERVICE"] == service


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_accepts_its_settings(compose, service, start):
    settings = start(service, compose["services"][service]["environment"])
    assert settings.kafka_bootstrap == "kafka:9092"
    assert settings.health_port == 8081
    assert settings.instance == service


def test_both_ends_of_the_directory_have_one_token(compose):
    directory, alerts = (compose["services"][name]["environment"] for name in ("directory", "alerts"))
    assert directory["SPIKEWATCH_DIRECTORY_TOKEN"] == alerts["SPIKEWATCH_ALERTS_DIRECTORY_TOKEN"]


@pytest.mark.parametrize("service", ["directory", "alerts"])
def test_what_serves_grpc_is_reached_from_this_machine(compose, service):
    part = compose["services"][service]
    port = part["environment"][f"SPIKEWATCH_{service.upper()}_PORT"]
    assert part["environment"][f"SPIKEWATCH_{service.upper()}_TOKEN"]
    assert [published.rpartition(":")[2] for published in part["ports"]] == [port]


def test_the_topics_job_is_python_that_the_image_can_run(compose):
    (script,) = compose["services"]["topics"]["command"]
    imported = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.ImportFrom)]
    for node in imported:
        module = __import__(node.module, fromlist=["_"])
        assert all(hasattr(module, alias.name) for alias in node.names)


def test_mongodb_is_started_as_spikewatch_up_starts_it(root, compose):
    assert compose["services"]["mongo"]["command"][-len(SETTINGS) :] == list(SETTINGS)
    resources = yaml.safe_load_all((root / "deploy/k8s/components/mongodb/mongodb.yaml").read_text())
    (database,) = [one for one in resources if one["kind"] == "StatefulSet"]
    assert database["spec"]["template"]["spec"]["containers"][0]["args"][-len(SETTINGS) :] == list(SETTINGS)
    runbook = " ".join((root / "docs/runbooks/consumer-lag.md").read_text().split())
    assert " ".join(SETTINGS) in runbook


def test_development_secrets_are_marked_as_such(root, environment):
    assert len(base64.b64decode(environment["INGEST_SEAL_KEY"], validate=True)) == 32
    assert b"not-a-secret" in base64.b64decode(environment["INGEST_SEAL_KEY"])
    for name, value in environment.items():
        if re.search(r"PASSWORD|TOKEN", name):
            assert "not-a-secret" in value
    assert "DEVELOPMENT DEFAULTS" in (root / ".env").read_text()


def test_mounted_files_exist(root, compose):
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            if volume.startswith("./"):
                assert (root / volume.split(":")[0]).exists(), volume
