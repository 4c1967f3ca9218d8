"""Prometheus and Alertmanager, where their programs are on PATH."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ops.settings import PROJECT
from ops.stack.home import Home, write_private
from ops.stack.ports import Ports
from ops.stack.probe import is_healthy
from ops.stack.process import Spec

DEPLOY = PROJECT / "deploy"
# Debian's package names its program otherwise than the makers do.
ALERTMANAGERS = ("alertmanager", "prometheus-alertmanager")


def program(*names: str) -> str | None:
    """The first of the programs that is on PATH."""
    return next(filter(None, map(shutil.which, names)), None)


def configuration(ports: Ports) -> dict[str, Any]:
    """deploy/prometheus.yml with this stack's addresses in the place of the containers'."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    found["rule_files"] = [str(DEPLOY / Path(name).name) for name in found["rule_files"]]
    targets = {"inference": ports.inference}
    for job in found["scrape_configs"]:
        job["static_configs"] = [{"targets": [f"127.0.0.1:{targets[job['job_name']]}"]}]
    for manager in found["alerting"]["alertmanagers"]:
        manager["static_configs"] = [{"targets": [f"127.0.0.1:{ports.alertmanager}"]}]
    return found


def specs(home: Home, ports: Ports, env: Mapping[str, str]) -> list[Spec]:
    """Those whose programs are there; the stack is ready without them."""
    wanted = [
        _prometheus(home, ports, env, program("prometheus")),
        _alertmanager(home, ports, env, program(*ALERTMANAGERS)),
    ]
    return [spec for spec in wanted if spec is not None]


def _prometheus(home: Home, ports: Ports, env: Mapping[str, str], found: str | None) -> Spec | None:
    if found is None:
        return None
    folder = home.folder("prometheus")
    write_private(folder / "prometheus.yml", yaml.safe_dump(configuration(ports)))
    argv = [found, f"--config.file={folder / 'prometheus.yml'}"]
    argv += [f"--storage.tsdb.path={folder / 'data'}", "--storage.tsdb.retention.time=15d"]
    argv += [f"--web.listen-address=127.0.0.1:{ports.prometheus}", "--log.level=warn"]
    return Spec(
        name="prometheus",
        argv=argv,
        env=env,
        ready=lambda: is_healthy("prometheus", ports.prometheus),
        log=home.log("prometheus"),
        cwd=folder,
        port=ports.prometheus,
        needed=False,
    )


def _alertmanager(
    home: Home, ports: Ports, env: Mapping[str, str], found: str | None
) -> Spec | None:
    if found is None:
        return None
    folder = home.folder("alertmanager")
    argv = [found, f"--config.file={DEPLOY / 'alertmanager.yml'}"]
    argv += [f"--storage.path={folder / 'data'}", "--log.level=warn"]
    # One instance: the port over which several of them agree stays shut.
    argv += [f"--web.listen-address=127.0.0.1:{ports.alertmanager}", "--cluster.listen-address="]
    return Spec(
        name="alertmanager",
        argv=argv,
        env=env,
        ready=lambda: is_healthy("alertmanager", ports.alertmanager),
        log=home.log("alertmanager"),
        cwd=folder,
        port=ports.alertmanager,
        needed=False,
    )
