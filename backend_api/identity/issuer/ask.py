"""An authorisation request, and why it cannot be answered. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

LONGEST = 2000
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Ask:
    """Parameters that we read (OpenID Connect Core 3.1.2.1, RFC 7636); absent ones are empty."""

    client_id: str = ""
    redirect_uri: str = ""
    response_type: str = ""
    scope: str = ""
    state: str = ""
    nonce: str = ""
    prompt: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""

    @property
    def query(self) -> str:
        """The request as a query string again, for the form to carry on."""
        return urlencode({name: value for name, value in vars(self).items() if value})


def untrusted(ask: Ask, client_id: str, redirect_uris: frozenset[str]) -> str | None:
    """Why the browser must not be sent back: we do not know to whom. A sentence, or None."""
    if any(len(value) > LONGEST or not value.isprintable() for value in vars(ask).values()):
        return "A parameter is too long, or has characters that cannot be printed."
    if ask.client_id != client_id:
        return f"The application {ask.client_id or 'without a name'} is not known here."
    if ask.redirect_uri not in redirect_uris:
        return (
            f"{ask.redirect_uri or 'No address'} is not an address that people may be sent back"
            " to. OIDC_REDIRECT_URIS lists those that are."
        )
    return None


def refusal(ask: Ask) -> tuple[str, str] | None:
    """OAuth's error code and its description, or None if a person may be asked to sign in."""
    if ask.response_type != "code":
        return "unsupported_response_type", "Only response_type=code is answered."
    if "openid" not in ask.scope.split():
        return "invalid_scope", "The scope must have openid."
    if ask.code_challenge_method != "S256" or not _CHALLENGE.fullmatch(ask.code_challenge):
        return "invalid_request", "PKCE with S256 is wanted: code_challenge of 43 characters."
    if ask.prompt == "none":
        return "login_required", "Nobody stays signed in here, so somebody must be asked."
    return None


def back(ask: Ask, **answer: str) -> str:
    """The address to send the browser back to, with the answer and the state it came with."""
    parts = urlsplit(ask.redirect_uri)
    answer |= {"state": ask.state} if ask.state else {}
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *answer.items()])
    return urlunsplit(parts._replace(query=query))
