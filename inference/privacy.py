"""What of a request is written down: by the rules of models.yaml, before the spool has it."""

from collections.abc import Mapping
from typing import Any

from inference.catalogue import CatalogueError, Entry
from shared.privacy import Redaction


class Privacy:
    """Rules of the models that have some; records of all others stay as they are."""

    def __init__(self, entries: Mapping[str, Entry], key: str) -> None:
        ruled = {name: entry for name, entry in entries.items() if entry.privacy.log}
        for name, entry in ruled.items():
            if not key and "hash" in entry.privacy.log.values():
                raise CatalogueError(
                    f"models.yaml has fields of {name} hashed, and there is no key for it: set"
                    " PRIVACY_KEY, the same for the backend and every host"
                )
        self._rules = {
            name: (Redaction(entry.privacy.log, key.encode()), entry.entity_key)
            for name, entry in ruled.items()
        }

    def __call__(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record as it may be kept."""
        rules = self._rules.get(record["model"])
        if rules is None:
            return record
        redaction, key = rules
        return {
            **record,
            "input": redaction.of(record["input"]),
            "output": redaction.of(record["output"], "output."),
            "key": redaction.of({key: record["key"]}).get(key),
            # What went wrong may quote what was asked; its kind does not.
            "error": record["error"] and record["error"].partition(":")[0],
        }
