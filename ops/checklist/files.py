"""Checks of configuration files: models.yaml, .env with docker-compose.yml, Prometheus."""

import re
import subprocess
from pathlib import Path

from backend_api import catalog as catalogs
from backend_api.errors import ConsoleError
from ops.checklist.finding import BAD, GOOD, NOTE, Finding
from ops.settings import PROJECT, OpsSettings
from ops.stack.prometheus import DEPLOY, program

COMPOSE = PROJECT / "docker-compose.yml"
DOTENV = PROJECT / ".env"
# ${NAME:?sentence}: Compose refuses to start without it.
WANTED = re.compile(r"\$\{(\w+):\?")


def models(settings: OpsSettings) -> Finding:
    """Whether models.yaml is understood."""
    try:
        known = catalogs.load(settings.models_file).models
    except ConsoleError as error:
        return Finding("models.yaml", BAD, _one_line(error.message), error.hint)
    return Finding("models.yaml", GOOD, f"{len(known)} models: {', '.join(known)}.")


def _one_line(told: str) -> str:
    return " ".join(told.split())[:300]


def compose(file: Path = COMPOSE, dotenv: Path = DOTENV) -> Finding:
    """Whether .env holds what docker-compose.yml refuses to start without."""
    if not file.exists():
        return Finding("Compose", NOTE, "There is no docker-compose.yml beside this installation.")
    wanted = sorted(set(WANTED.findall(file.read_text())))
    if not dotenv.exists():
        return Finding(
            "Compose", NOTE, "There is no .env; docker-compose.yml would not start.",
            f"`nivesh up` does without. For Docker: set {', '.join(wanted)} in .env.",
        )  # fmt: skip
    lines = [line.partition("=") for line in dotenv.read_text().splitlines()]
    known = {name.strip() for name, _, value in lines if value.strip()}
    missing = [name for name in wanted if name not in known]
    if missing:
        return Finding(
            "Compose", BAD, f".env lacks {', '.join(missing)}.", "Set them; Compose wants each."
        )
    return Finding("Compose", GOOD, ".env holds all that docker-compose.yml wants.")


def rules() -> Finding:
    """Whether Prometheus understands its alert rules."""
    promtool = program("promtool")
    if promtool is None:
        return Finding("Alert rules", NOTE, "promtool is not on PATH, so they are not checked.")
    done = subprocess.run(
        [promtool, "check", "rules", str(DEPLOY / "alerts.yml")],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    if done.returncode:
        told = _one_line(done.stderr or done.stdout)
        return Finding("Alert rules", BAD, f"deploy/alerts.yml: {told}", "Mend the named line.")
    return Finding("Alert rules", GOOD, "deploy/alerts.yml is understood by Prometheus.")
