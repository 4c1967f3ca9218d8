"""Properties of the split that callers and verdicts rely on."""

from hypothesis import given
from hypothesis import strategies as st

from shared.split import bucket, takes_canary

keys = st.text(max_size=60)
salts = st.text(max_size=40)
shares = st.integers(0, 100)


@given(keys, salts)
def test_a_key_has_one_place_from_0_to_100(key: str, salt: str) -> None:
    assert 0.0 <= bucket(key, salt) < 100.0
    assert bucket(key, salt) == bucket(key, salt)


@given(keys, salts, shares, shares)
def test_a_larger_share_only_adds_keys(key: str, salt: str, one: int, other: int) -> None:
    small, large = sorted((one, other))
    if takes_canary(key, salt, small):
        assert takes_canary(key, salt, large)


@given(keys, salts)
def test_the_ends_are_nobody_and_everybody(key: str, salt: str) -> None:
    assert not takes_canary(key, salt, 0)
    assert takes_canary(key, salt, 100)


@given(salts, shares)
def test_without_a_key_stable_answers(salt: str, share: int) -> None:
    assert not takes_canary(None, salt, share)


def test_the_place_is_the_same_in_every_process_and_release() -> None:
    assert round(bucket("user-1", "intent_classifier.7"), 6) == PLACE


# Written down once; another value would move users between arms on an upgrade.
PLACE = 22.042215


def test_shares_are_met_and_salts_shuffle() -> None:
    users = [f"user-{n}" for n in range(20_000)]
    first = {u for u in users if takes_canary(u, "m.1", 10)}
    second = {u for u in users if takes_canary(u, "m.2", 10)}
    # Standard deviation is 42 users: five of them.
    assert abs(len(first) - 2_000) < 212
    assert abs(len(second) - 2_000) < 212
    # Independent salts share a tenth of a tenth.
    assert abs(len(first & second) - 200) < 70
