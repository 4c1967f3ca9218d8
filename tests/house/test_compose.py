"""docker-compose.yml and the image, checked without an engine."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
# Runbook, "Start Infrastructure Services": names and published ports.
RUNBOOK_PORTS = {
    "mlflow-server": "5000:5000",
    "redis-feature-store": "6379:6379",
    "prometheus": "9090:9090",
    "grafana": "3001:3000",
    "model-server": "8000:8000",
}
OURS = ("backend-api", "worker", "model-server", "console")


def test_the_runbooks_services_keep_their_names_and_ports() -> None:
    for name, port in RUNBOOK_PORTS.items():
        assert any(p.endswith(port) for p in SERVICES[name]["ports"]), name


def test_ports_are_published_on_loopback_only() -> None:
    for name, service in SERVICES.items():
        assert all(p.startswith("127.0.0.1:") for p in service.get("ports", [])), name


@pytest.mark.parametrize("name", OURS)
def test_our_processes_run_modules_that_exist(name: str) -> None:
    program, flag, module = SERVICES[name]["command"]
    assert (program, flag) == ("python", "-m")
    found = importlib.util.find_spec(module)
    assert found is not None, f"there is no module {module}"


def test_what_is_mounted_exists_and_volumes_are_declared() -> None:
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), f"{name} mounts {source}"
            else:
                assert source in COMPOSE["volumes"], f"{name} uses {source}"


def test_no_secret_stands_in_the_file_and_a_missing_one_stops_the_start() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for variable in re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|TOKEN)\w*)([^}]*)\}", text):
        assert variable[1].startswith(":?"), f"{variable[0]} has a default"


def test_dependencies_are_services() -> None:
    for name, service in SERVICES.items():
        for other in service.get("depends_on", {}):
            assert other in SERVICES, f"{name} waits for {other}"


def test_what_the_image_copies_exists() -> None:
    lines = (ROOT / "deploy/Dockerfile").read_text().splitlines()
    ours = [line for line in lines if line.startswith("COPY") and "--from" not in line]
    copied = [line.split()[1:-1] for line in ours]
    for source in (part for parts in copied for part in parts):
        assert (ROOT / source).exists(), source


def test_targets_of_prometheus_are_services() -> None:
    scraped = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())["scrape_configs"]
    for job in scraped:
        for group in job["static_configs"]:
            for target in group["targets"]:
                host, port = target.split(":")
                assert any(p.endswith(f":{port}") for p in SERVICES[host]["ports"])
