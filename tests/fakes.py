"""Fakes of outside systems; each passes the tests of the real one (tests/contract)."""

from backend_api.errors import NotFound, Unavailable
from backend_api.rules.mirror import ALIASES, Picture, SetAlias, SetStage, SetStatus, Step


class MemoryRegistry:
    """MLflow's registry of one model, in memory. What others do there has a method too."""

    def __init__(self) -> None:
        self._aliases: dict[str, int] = {}
        self._stages: dict[int, str] = {}
        self._statuses: dict[int, str] = {}
        self._reachable = True
        self.written: list[Step] = []

    def picture(self, _model: str) -> Picture:
        """What it says now."""
        self._require()
        return Picture(
            {name: v for name, v in self._aliases.items() if name in ALIASES},
            dict(self._stages),
            dict(self._statuses),
        )

    def carry_out(self, _model: str, step: Step) -> None:
        """Write one difference."""
        self._require()
        self.written.append(step)
        match step:
            case SetAlias(name, None):
                self._aliases.pop(name, None)
            case SetAlias(name, version) if version is not None:
                self._known(version)
                self._aliases[name] = version
            case SetStage(version, stage):
                self._known(version)
                self._stages[version] = stage
            case SetStatus(version, status):
                self._known(version)
                self._statuses[version] = status

    def add(self) -> int:
        """Somebody registers a version; its number."""
        version = max(self._stages, default=0) + 1
        self._stages[version], self._statuses[version] = "None", ""
        return version

    def move(self, alias: str, version: int) -> None:
        """Somebody moves an alias by hand."""
        self._aliases[alias] = version

    def put(self, version: int, stage: str) -> None:
        """Somebody moves a version into a stage by hand."""
        self._stages[version] = stage

    def delete(self, version: int) -> None:
        """Somebody deletes a version; its aliases go with it, as they do in MLflow."""
        del self._stages[version], self._statuses[version]
        self._aliases = {name: v for name, v in self._aliases.items() if v != version}

    def cut(self) -> None:
        """Be down."""
        self._reachable = False

    def mend(self) -> None:
        """Be up again."""
        self._reachable = True

    def _require(self) -> None:
        if not self._reachable:
            raise Unavailable("MLflow does not answer, so nothing was changed.")

    def _known(self, version: int) -> None:
        if version not in self._stages:
            raise NotFound("MLflow knows no such thing.")
