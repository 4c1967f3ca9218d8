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
# Nobody goes back to these, so MLflow may be cleaned of them.
UNMISSED = (V.REJECTED, V.ROLLED_BACK)


@dataclass(frozen=True)
class Picture:
    """A registered model in MLflow: alias -> version, version -> stage, version -> status tag."""

    aliases: dict[str, int]
    stages: dict[int, str]
    statuses: dict[int, str]


@dataclass(frozen=True)
class SetAlias:
    """Let an alias point to a version, or to nothing."""

    name: str
    version: int | None


@dataclass(frozen=True)
class SetStage:
    """Move a version into a stage."""

    version: int
    stage: str


@dataclass(frozen=True)
class SetStatus:
    """Tag a version with its status in our registry."""

    version: int
    status: str


Step = SetAlias | SetStage | SetStatus


def wanted(statuses: dict[int, V], production: int | None, canary: int | None) -> Picture:
    """The mirror of a decision; keys are MLflow's version numbers."""
    aliases = {"production": production, "canary": canary}
    return Picture(
        aliases={name: version for name, version in aliases.items() if version is not None},
        stages={version: STAGES[status] for version, status in statuses.items()},
        statuses={version: str(status) for version, status in statuses.items()},
    )


@dataclass(frozen=True)
class Gap:
    """One difference in words; ``mendable``: writing the decision again puts it right."""

    name: str
    sentence: str
    mendable: bool = True


def gaps(want: Picture, seen: Picture) -> list[Gap]:
    """Everything that differs, what is missing first."""
    return [*_missing(want, seen), *_aliases(want, seen), *_versions(want, seen)]


def difference(want: Picture, seen: Picture) -> str | None:
    """The first thing that differs, in words, or None when the two are equal."""
    return next((gap.sentence for gap in gaps(want, seen)), None)


def _missing(want: Picture, seen: Picture) -> list[Gap]:
    return [
        Gap(
            f"version {version}",
            f"version {version} is missing in MLflow; register its run again.",
            mendable=False,
        )
        for version, status in want.statuses.items()
        if version not in seen.stages and status not in UNMISSED
    ]


def _aliases(want: Picture, seen: Picture) -> list[Gap]:
    return [
        Gap(
            f"alias {name}",
            f"alias {name!r} points to {seen.aliases.get(name) or 'nothing'},"
            f" should be {want.aliases.get(name) or 'nothing'}.",
        )
        for name in ALIASES
        if want.aliases.get(name) != seen.aliases.get(name)
    ]


def _versions(want: Picture, seen: Picture) -> list[Gap]:
    """Stage, else status tag, of each version; and stages of versions that we do not know."""
    found = []
    for version, stage in want.stages.items():
        if version not in seen.stages:
            continue
        if seen.stages[version] != stage:
            said = f"is in stage {seen.stages[version]}, should be {stage}."
        elif seen.statuses.get(version) != want.statuses[version]:
            tag = seen.statuses.get(version) or "with nothing"
            said = f"is tagged {tag}, should be {want.statuses[version]}."
        else:
            continue
        found.append(Gap(f"version {version}", f"version {version} {said}"))
    found += [
        Gap(f"version {v}", f"version {v} has a stage but is not in our registry.")
        for v, s in sorted(seen.stages.items())
        if v not in want.stages and s != "None"
    ]
    return found


def steps(want: Picture, seen: Picture) -> list[Step]:
    """What makes ``seen`` equal to ``want``, as far as MLflow still has the versions.

    A version leaves Production before another one enters it, since MLflow's own reading takes
    the highest number that is in the stage.
    """
    found: list[Step] = []
    for name in ALIASES:
        version = want.aliases.get(name)
        if seen.aliases.get(name) != version and (version is None or version in seen.stages):
            found.append(SetAlias(name, version))
    strangers = {v: "None" for v in seen.stages if v not in want.stages}
    goals = {**want.stages, **strangers}
    for version, stage in sorted(goals.items(), key=lambda item: item[1] == "Production"):
        if version in seen.stages and seen.stages[version] != stage:
            found.append(SetStage(version, stage))
    found += [
        SetStatus(version, status)
        for version, status in want.statuses.items()
        if version in seen.stages and seen.statuses.get(version) != status
    ]
    return found


def foreign(known: Picture, seen: Picture) -> str | None:
    """What somebody else changed since we last looked, in words; new versions are no change."""
    changes = [
        f"alias {name!r} was moved from {known.aliases.get(name) or 'nothing'}"
        f" to {seen.aliases.get(name) or 'nothing'}"
        for name in ALIASES
        if known.aliases.get(name) != seen.aliases.get(name)
    ]
    for version, stage in known.stages.items():
        if version not in seen.stages:
            changes.append(f"version {version} was deleted")
        elif seen.stages[version] != stage:
            changes.append(f"version {version} went from {stage} to {seen.stages[version]}")
        elif seen.statuses.get(version) != known.statuses.get(version):
            changes.append(f"the tag of version {version} was changed")
    return "; ".join(changes) + "." if changes else None
