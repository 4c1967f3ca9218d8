"""Prometheus' configuration for this stack's ports, read by Prometheus itself."""

import subprocess
from pathlib import Path

import yaml

from ops.stack import prometheus
from ops.stack.home import Home
from ops.stack.ports import Ports
from tests.conftest import leave_out

PORTS = Ports(1, 2, 3, 4, 5, 6, 7, 8)


def test_targets_are_this_stacks_and_rules_are_found() -> None:
    made = prometheus.configuration(PORTS)
    assert made["scrape_configs"][0]["static_configs"] == [{"targets": ["127.0.0.1:5"]}]
    managers = made["alerting"]["alertmanagers"]
    assert managers[0]["static_configs"] == [{"targets": ["127.0.0.1:8"]}]
    assert [Path(name).exists() for name in made["rule_files"]] == [True]


def test_prometheus_understands_it(tmp_path: Path) -> None:
    promtool = prometheus.program("promtool")
    if promtool is None:
        leave_out("promtool is missing: apt-get install prometheus")
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(prometheus.configuration(PORTS)))
    for argv in (["check", "config", str(file)], ["check", "rules", "deploy/alerts.yml"]):
        done = subprocess.run(
            [str(promtool), *argv], cwd=prometheus.PROJECT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_stack_is_ready_without_either_of_them(tmp_path: Path) -> None:
    specs = prometheus.specs(Home.at(tmp_path), PORTS, {})
    if not specs:
        leave_out("prometheus is missing: apt-get install prometheus prometheus-alertmanager")
    assert not any(spec.needed for spec in specs)
    assert all(f"127.0.0.1:{spec.port}" in " ".join(spec.argv) for spec in specs)
