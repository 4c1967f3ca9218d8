"""The sign-in page: plain HTML, no script, nothing from elsewhere."""

import base64
import hashlib
from pathlib import Path
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from backend_api.errors import ConsoleError
from backend_api.identity.issuer.ask import Ask

HERE = Path(__file__).parent
_CSS = (HERE / "signin.css").read_text()
_CSS_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_template = Environment(
    loader=FileSystemLoader(HERE), autoescape=select_autoescape(), trim_blocks=True
).get_template("signin.html")


def page(
    problem: ConsoleError | None = None,
    *,
    ask: Ask | None = None,
    username: str = "",
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """The form that carries ``ask`` on, with what went wrong; without ``ask`` only the latter."""
    body = _template.render(
        css=Markup(_CSS),
        problem=problem,
        action=f"authorize?{ask.query}" if ask else None,
        username=username,
    )
    return HTMLResponse(
        body,
        problem.status if problem else 200,
        headers={**_guards(ask), **(headers or {})},
    )


def _guards(ask: Ask | None) -> dict[str, str]:
    # Browsers hold a form's redirect against form-action too, so the way back stands there.
    parts = urlsplit(ask.redirect_uri) if ask else None
    way_back = f" {parts.scheme}://{parts.netloc}" if parts else ""
    policy = (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; img-src data:; base-uri 'none'; "
        f"form-action 'self'{way_back}; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
