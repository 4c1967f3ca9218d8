"""What an ID token says, once everything that must hold of it was checked."""

import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry
from joserfc.util import urlsafe_b64decode

from backend_api.errors import Unauthenticated

# Public-key signatures only. "none" and HS* never: with HS*, whoever can check can also sign.
ALGORITHMS = ("RS256", "PS256", "ES256")
LEEWAY_SECONDS = 10
_HINT = "Sign in again."
_WRONG = {
    "iss": "it is of another issuer",
    "aud": "it was made for another application",
    "azp": "it was made for another application",
    "iat": "it is dated in the future",
    "nbf": "it is not valid yet",
}


@dataclass(frozen=True)
class Identity:
    """Whom the issuer means; ``name`` is for people to read and proves nothing."""

    issuer: str
    subject: str
    name: str


def key_id(token: str) -> str | None:
    """The key that the token says it was signed with.

    Raises:
        Unauthenticated: it is no signed token at all.
    """
    try:
        header = json.loads(urlsafe_b64decode(token.split(".")[0].encode()))
        kid = header.get("kid")
    except (ValueError, AttributeError, binascii.Error) as error:
        raise Unauthenticated("This is no token that we know how to read.", _HINT) from error
    return kid if isinstance(kid, str) else None


def identity(token: str, keys: KeySet, issuer: str, audience: str, now: datetime) -> Identity:
    """Whom the token means.

    Raises:
        Unauthenticated: the signature, the algorithm or a claim does not hold; says which.
    """
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        claims = jwt.decode(token, keys, registry=registry).claims
    except (JoseError, ValueError) as error:
        raise Unauthenticated("The sign-in's signature does not hold.", _HINT) from error
    try:
        _claims_registry(issuer, audience, now).validate(claims)
        _for_us_among_others(claims, audience)
    except ExpiredTokenError as error:
        raise Unauthenticated("The sign-in has expired.", _HINT) from error
    except MissingClaimError as error:
        raise Unauthenticated("The sign-in does not say all that it must.", _HINT) from error
    except InvalidClaimError as error:
        why = _WRONG.get(error.claim, f"its {error.claim} does not hold")
        raise Unauthenticated(f"The sign-in does not count here: {why}.", _HINT) from error
    name = claims.get("preferred_username") or claims.get("email") or claims["sub"]
    return Identity(claims["iss"], claims["sub"], str(name)[:100])


def _claims_registry(issuer: str, audience: str, now: datetime) -> JWTClaimsRegistry:
    return JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )


def _for_us_among_others(claims: dict[str, Any], audience: str) -> None:
    # OpenID Connect Core 3.1.3.7: with several audiences, azp names the one it was made for.
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != audience:
        raise InvalidClaimError("azp")
