"""The only bridge from Streamlit to the client: who is here, what was read, what was done.

A button acts in ``on_click`` and the page draws afterwards, so the page never shows the state
from before its own action.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

import httpx2
import streamlit as st
from pydantic import ValidationError
from uuid_utils.compat import uuid7

from backend_api.schemas import Me, Outcome, Overview
from backend_api.states import Permission
from console.client import Backend
from console.errors import BackendDown, BackendError
from console.settings import settings
from console.transport import TIMEOUT

T = TypeVar("T")
ME, ME_FOR = "me", timedelta(seconds=30)
# Last good readings by person and key: an outage is often met with a reload, which begins a new
# session, and that must not take away what the person saw a minute ago.
KEPT = 1000
_kept: OrderedDict[tuple[str, str], "Reading[Any]"] = OrderedDict()
# When anybody on this console last pressed a button: what one decided, all are to see at once.
_acted: dict[str, datetime] = {}


@dataclass(frozen=True)
class Reading(Generic[T]):
    """A value and when it was read. With ``error`` set, the value is the last good one or None."""

    value: T | None
    at: datetime | None
    error: BackendError | None = None


@dataclass(frozen=True)
class Answer:
    """What became of the last button: an outcome with its sentence, or an error."""

    label: str
    outcome: Outcome | None
    sentence: str
    error: BackendError | None
    at: datetime


@st.cache_resource(show_spinner=False)
def _http() -> httpx2.Client:
    return httpx2.Client(timeout=TIMEOUT)


def _token() -> str:
    return id_token() if signed_in() else ""


def id_token() -> str:
    """What the issuer said of the person; empty where the secrets file does not expose it."""
    return str(st.user.tokens.get("id", ""))


def signed_in() -> bool:
    """Whether the browser carries an identity."""
    return bool(getattr(st.user, "is_logged_in", False))


def _who() -> str:
    return str(st.user.get("sub") or st.user.get("email") or "")


def backend() -> Backend:
    """The backend, asked as the person who is signed in."""
    return Backend(settings().backend_url, _token, _http())


def read(key: str, fetch: Callable[[], T], within: timedelta = timedelta(0)) -> Reading[T]:
    """Fetch; in an outage give this person's last good value with its time.

    A good value younger than ``within`` is taken without asking, unless a button acted since.
    """
    place = (_who(), key)
    last: Reading[T] | None = _kept.get(place)
    if last is not None and last.at is not None and _young(last.at, within):
        return last
    try:
        reading = Reading(fetch(), datetime.now(UTC))
    except BackendError as error:
        if error.status == 401 and key != ME and forget_me():
            st.rerun()  # the frame asks who this is, and offers to sign in
        if last is None or (error.status != 0 and error.status < 500):
            return Reading(None, None, error)
        return Reading(last.value, last.at, error)
    _kept[place] = reading
    _kept.move_to_end(place)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return reading


def _young(at: datetime, within: timedelta) -> bool:
    acted_at = _acted.get("at")
    return datetime.now(UTC) - at < within and (acted_at is None or at > acted_at)


def has_acted() -> datetime:
    """Have everything read anew, as after a button; the present moment."""
    _acted["at"] = now = datetime.now(UTC)
    return now


def overview() -> Reading[Overview]:
    """Every model and service; frame and page share one asking."""
    return read("overview", lambda: backend().overview(), within=timedelta(seconds=3))


def whoami() -> Reading[Me]:
    """Who is signed in, asked anew every half minute."""
    return read(ME, lambda: backend().me(), within=ME_FOR)


def forget_me() -> bool:
    """Have the next run ask who this is; whether an answer was still being used."""
    return _kept.pop((_who(), ME), None) is not None


def me() -> Me | None:
    """Who is signed in; None if nobody is or the backend never said."""
    return whoami().value if signed_in() else None


def can(permission: Permission) -> bool:
    """Whether to show a control at all; the backend decides again at the click."""
    person = me()
    return person is not None and permission.value in person.permissions


def request_id(form_key: str) -> UUID:
    """The id of the write that this rendered form would make.

    Stays the same until the backend has answered and the form is drawn again, so neither a
    double click nor a repeat after an outage acts twice.
    """
    ids: dict[str, UUID] = st.session_state.setdefault("request_ids", {})
    answered: set[UUID] = st.session_state.setdefault("answered_ids", set())
    acting = st.session_state.get("acting", False)
    if form_key not in ids or (ids[form_key] in answered and not acting):
        ids[form_key] = uuid7()
    return ids[form_key]


def act(verb: Callable[[], Outcome | str], label: str) -> None:
    """Carry out a write from ``on_click`` and keep the answer for ``parts.banner``.

    ``verb`` returns an outcome, or a sentence where the answer is of another kind. It must take
    values of widgets from ``st.session_state``: variables of the page still hold what was there
    before the click.
    """
    st.session_state["acting"] = True
    done: Outcome | str | None = None
    error = None
    try:
        done = verb()
    except BackendError as refusal:
        error = refusal
    except ValidationError as invalid:
        error = _unfit(invalid)
    finally:
        st.session_state["acting"] = False
    if not isinstance(error, BackendDown):
        answered: set[UUID] = st.session_state.setdefault("answered_ids", set())
        answered.update(st.session_state.get("request_ids", {}).values())
    now = has_acted()
    outcome = done if isinstance(done, Outcome) else None
    sentence = outcome.sentence if outcome else str(done or "")
    st.session_state["answer"] = Answer(label, outcome, sentence, error, now)


def _unfit(invalid: ValidationError) -> BackendError:
    first = invalid.errors()[0]
    field = str(first["loc"][-1]).replace("_", " ").capitalize() if first["loc"] else "The form"
    said = first["msg"].removeprefix("String ").removeprefix("Value error, ")
    return BackendError(400, "BadRequest", f"{field} {said}.", "Nothing was sent: mend it first.")


def last_answer() -> Answer | None:
    """What became of the last button, as long as nobody has shown it."""
    answer: Answer | None = st.session_state.get("answer")
    return answer


def take_answer() -> Answer | None:
    """The last button's answer, once."""
    answer = last_answer()
    st.session_state.pop("answer", None)
    return answer
