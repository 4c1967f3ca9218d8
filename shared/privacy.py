"""What of a request may be kept: whole, as a keyed hash, or not at all. No I/O."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

Rule = Literal["keep", "hash", "drop"]
# Enough that no two values of a log meet by chance.
CHARACTERS = 32


@dataclass(frozen=True)
class Redaction:
    """Rules by field, and the key of the hash. A field without a rule is kept.

    A field of an answer is named with ``output.`` before it.
    """

    rules: Mapping[str, Rule]
    key: bytes

    def of(self, fields: Any, prefix: str = "") -> Any:
        """An object's fields by the rules; whatever is no object stays as it is."""
        if not isinstance(fields, dict):
            return fields
        found: dict[str, Any] = {}
        for name, value in fields.items():
            rule = self.rules.get(f"{prefix}{name}", "keep")
            if rule == "keep" or value is None:
                found[name] = value
            elif rule == "hash":
                found[name] = self.hashed(value)
        return found

    def hashed(self, value: Any) -> str:
        """HMAC-SHA256 (RFC 2104) of the value: the same for the same, and nothing else.

        Whoever lacks the key cannot try values out, which a bare hash of a short text allows.
        """
        told = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return f"h:{hmac.new(self.key, told.encode('utf-8'), sha256).hexdigest()[:CHARACTERS]}"
