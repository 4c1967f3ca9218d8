"""What MLflow should say about a model, and how that differs from what it says."""

from dataclasses import dataclass

from backend_api.states import VersionStatus as V

STAGES: dict[V, str] = {
    V.REGISTERED: "None",
    V.STAGING: "Staging",
    V.VALIDATED: "Staging",
    V.CANARY: "Staging",
    V.PRODUCTION: "Production",
    V.ARCHIVED: "Archived",
    V.REJECTED: "Archived",
    V.ROLLED_BACK: "Archived",
}
STATUS_TAG = "nivesh.status"
ALIASES = ("production", "canary")


@dataclass(frozen=True)
class Picture:
    """A registered model in MLflow: alias -> version, version -> stage, version -> status tag."""

    aliases: dict[str, int]
    stages: dict[int, str]
    statuses: dict[int, str]


def wanted(statuses: dict[int, V], production: int | None, canary: int | None) -> Picture:
    """The mirror of a decision; keys are MLflow's version numbers."""
    aliases = {"production": production, "canary": canary}
    return Picture(
        aliases={name: version for name, version in aliases.items() if version is not None},
        stages={version: STAGES[status] for version, status in statuses.items()},
        statuses={version: str(status) for version, status in statuses.items()},
    )


def difference(want: Picture, seen: Picture) -> str | None:
    """The first thing that differs, in words, or None when the two are equal."""
    for name in ALIASES:
        if want.aliases.get(name) != seen.aliases.get(name):
            return (
                f"alias {name!r} points to {seen.aliases.get(name) or 'nothing'},"
                f" should be {want.aliases.get(name) or 'nothing'}."
            )
    for version, stage in want.stages.items():
        if version not in seen.stages:
            return f"version {version} is missing in MLflow."
        if seen.stages[version] != stage:
            return f"version {version} is in stage {seen.stages[version]}, should be {stage}."
        if seen.statuses.get(version) != want.statuses[version]:
            return f"version {version} is tagged {seen.statuses.get(version)}."
    strangers = sorted(v for v, s in seen.stages.items() if v not in want.stages and s != "None")
    if strangers:
        return f"version {strangers[0]} has a stage but is not in our registry."
    return None
