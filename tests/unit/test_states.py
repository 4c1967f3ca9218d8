"""The permission matrix and the legal moves, held against the design by value."""

import pytest

from backend_api.states import LEGAL_MOVES, Health, Permission, Role, VersionStatus, may, worst

P, R = Permission, Role
PEOPLE = [R.VIEWER, R.ANALYST, R.ONCALL, R.LEAD, R.ADMIN]
# One letter per person in the order above; x holds the right.
MATRIX = {
    P.READ: "xxxxx",
    P.READ_PREDICTIONS: ".xxx.",
    P.ROLL_BACK: "..xx.",
    P.RESPOND: "..xx.",
    P.REGISTER: ".xxx.",
    P.REQUEST_PROMOTION: ".xxx.",
    P.APPROVE: "...x.",
    P.MANAGE_ACCOUNTS: "....x",
}


@pytest.mark.parametrize("permission", list(Permission))
def test_people_hold_what_the_matrix_says(permission: Permission) -> None:
    assert "".join("x" if may(r, permission) else "." for r in PEOPLE) == MATRIX[permission]


def test_a_machine_registers_and_asks_and_decides_nothing() -> None:
    held = {p for p in Permission if may(R.MACHINE, p)}
    assert held == {P.READ, P.REGISTER, P.REQUEST_PROMOTION}


def test_a_rejected_version_stays_rejected_and_no_move_skips_validation() -> None:
    assert LEGAL_MOVES[VersionStatus.REJECTED] == frozenset()
    ways = {s for s, targets in LEGAL_MOVES.items() if VersionStatus.CANARY in targets}
    assert ways == {VersionStatus.VALIDATED}


def test_nothing_read_is_unknown_and_down_is_worst() -> None:
    assert worst([]) == Health.UNKNOWN
    assert worst([Health.OK, Health.DOWN, Health.DEGRADED]) == Health.DOWN
    assert worst([Health.OK, Health.UNKNOWN]) == Health.UNKNOWN
