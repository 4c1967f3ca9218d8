"""How often a password may be wrong. Counted in this process, since each has its own door."""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
# By name and address: somebody who mistypes. By either alone: a guesser with many of the other.
LIMITS = {"pair": 5, "name": 50, "address": 50}
REMEMBERED = 10_000


class Throttle:
    """Attempts of the last five minutes; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: OrderedDict[tuple[str, str], list[datetime]] = OrderedDict()

    def wait(self, username: str, address: str, now: datetime) -> timedelta | None:
        """Count an attempt and return None; or how long to wait, if there were too many."""
        with self._lock:
            places = _places(username, address)
            waits = [self._left(place, now) for place in places]
            longest = max(waits)
            if longest > timedelta(0):
                return longest
            for place in places:
                self._attempts.setdefault(place, []).append(now)
                self._attempts.move_to_end(place)
            while len(self._attempts) > REMEMBERED:
                self._attempts.popitem(last=False)
            return None

    def succeeded(self, username: str, address: str, attempted_at: datetime) -> None:
        """Take the attempt back: the password was right, so it was no guess."""
        with self._lock:
            for kind, name in _places(username, address):
                kept = self._attempts.get((kind, name), [])
                if kind == "pair":
                    kept.clear()
                elif attempted_at in kept:
                    kept.remove(attempted_at)

    def _left(self, place: tuple[str, str], now: datetime) -> timedelta:
        kept = [at for at in self._attempts.get(place, []) if at > now - WINDOW]
        if place in self._attempts:
            self._attempts[place] = kept
        limit = LIMITS[place[0]]
        return timedelta(0) if len(kept) < limit else kept[-limit] + WINDOW - now


def _places(username: str, address: str) -> list[tuple[str, str]]:
    return [("pair", f"{username} {address}"), ("name", username), ("address", address)]
