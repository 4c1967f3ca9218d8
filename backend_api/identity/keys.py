"""The issuer's public keys, kept for a while and asked for again when an unknown one is named."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from backend_api.errors import Unavailable
from shared.trust import certificates

FRESH_FOR = timedelta(minutes=5)
# However many made-up key ids are sent, the issuer is asked no more often than this.
AT_MOST_EVERY = timedelta(seconds=10)
# Symmetric keys are left out: whoever can check with one can also sign with it.
_KINDS: dict[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}


def key_set(jwks: dict[str, Any]) -> KeySet:
    """The keys that signatures may be checked with; others, and unreadable ones, are left out."""
    found: list[RSAKey | ECKey] = []
    for entry in jwks.get("keys", []):
        kind = _KINDS.get(entry.get("kty"))
        if kind is None or entry.get("use", "sig") != "sig":
            continue
        try:
            found.append(kind.import_key(entry))
        except (JoseError, ValueError):
            continue
    return KeySet(list(found))


def fetch(issuer: str) -> KeySet:
    """Keys of a provider, by its discovery document.

    Raises:
        Unavailable: it does not answer, or not as OpenID Connect says.
    """
    try:
        with httpx2.Client(timeout=2.0, verify=certificates()) as http:
            found = http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            document = found.raise_for_status().json()
            if document["issuer"] != issuer:
                raise ValueError(f"it calls itself {document['issuer']}")
            return key_set(http.get(document["jwks_uri"]).raise_for_status().json())
    except (httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable(
            f"The sign-in provider {issuer} does not give its keys: {error}.",
            "Try again once it answers. If OIDC_ISSUER is this backend itself, under a name that it"
            " does not know, set OIDC_EMBEDDED=true.",
        ) from error


class Keys:
    """A cache around one way to fetch keys; threads share it."""

    def __init__(self, fetch: Callable[[], KeySet]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._held = KeySet([])
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._failure: Unavailable | None = None

    def having(self, kid: str | None, now: datetime) -> KeySet:
        """The keys, fetched anew if ``kid`` is not among them or they are old.

        Raises:
            Unavailable: the key could not be asked for.
        """
        # Whoever holds a known key does not wait for somebody else's question to the issuer.
        if self._lock.acquire(blocking=not self._knows(kid)):
            try:
                self._renew(kid, now)
            finally:
                self._lock.release()
        if self._failure is not None and not self._knows(kid):
            raise self._failure
        return self._held

    def _knows(self, kid: str | None) -> bool:
        return any(key.kid == kid for key in self._held)

    def _renew(self, kid: str | None, now: datetime) -> None:
        old = self._fetched_at is None or now - self._fetched_at > FRESH_FOR
        if self._knows(kid) and not old:
            return
        if self._tried_at is not None and now - self._tried_at < AT_MOST_EVERY:
            return
        self._tried_at = now
        try:
            self._held, self._fetched_at, self._failure = self._fetch(), now, None
        except Unavailable as failure:
            self._failure = failure
