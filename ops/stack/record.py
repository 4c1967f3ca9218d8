"""What runs: written by the supervisor, read by every other command, safe against reused pids."""

import os
from pathlib import Path

from pydantic import BaseModel, ValidationError

from ops.errors import OpsError
from ops.stack.home import Home, write_private


class Entry(BaseModel):
    """One process; ``birth`` tells it from a later one under the same pid."""

    name: str
    pid: int
    birth: str
    state: str = "starting"
    port: int | None = None
    restarts: int = 0
    detail: str = ""


class Record(BaseModel):
    """The stack of one home. Ports and environment stay after a stop, for the next start.

    ``embedded`` names the variables of ``environment`` that point to servers of this stack,
    ``notes`` are sentences on what the stack goes without, ``failure`` is why a start ended.
    """

    state: str = "stopped"
    failure: str = ""
    notes: list[str] = []
    supervisor: Entry | None = None
    processes: list[Entry] = []
    ports: dict[str, int] = {}
    environment: dict[str, str] = {}
    embedded: list[str] = []


def birth(pid: int) -> str | None:
    """When the process began, as boot and clock tick; ``None`` if there is none or it is a zombie.

    Ticks since boot, unlike a time of day, do not move when the clock is set.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    # The second field is the name in brackets, which may itself hold blanks and brackets.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{boot}/{fields[19]}"


def entry(name: str, pid: int, port: int | None = None) -> Entry:
    """An entry for a process that runs now."""
    return Entry(name=name, pid=pid, birth=birth(pid) or "", port=port)


def is_alive(one: Entry | None) -> bool:
    """Whether this very process still runs."""
    return one is not None and one.birth != "" and birth(one.pid) == one.birth


def this_process() -> Entry:
    """The entry of the supervisor."""
    return entry("supervisor", os.getpid())


def load(home: Home) -> Record:
    """The record of a home, an empty one if nothing ever ran.

    Raises:
        OpsError: the file cannot be understood.
    """
    file = home.run / "stack.json"
    try:
        return Record.model_validate_json(file.read_text()) if file.exists() else Record()
    except (OSError, ValidationError) as error:
        raise OpsError(
            f"{file} cannot be read: {error}.",
            "End the processes by hand if any run, then remove the file.",
        ) from error


def save(home: Home, record: Record) -> None:
    """Write the record; it holds the database's address, so it is private."""
    write_private(home.run / "stack.json", record.model_dump_json(indent=1))
