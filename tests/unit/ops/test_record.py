"""The record of what runs: private, whole, and not fooled by a pid that is used again."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.stack import record
from ops.stack.home import Home, only_one


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


def test_a_record_comes_back_as_it_was_written_and_only_its_owner_may_read_it(home: Home) -> None:
    written = record.Record(state="ready", processes=[record.this_process()], ports={"redis": 1})
    record.save(home, written)
    assert record.load(home) == written
    assert stat.S_IMODE((home.run / "stack.json").stat().st_mode) == 0o600


def test_a_home_without_a_record_has_an_empty_one(home: Home) -> None:
    assert record.load(home) == record.Record()


def test_a_damaged_record_is_named_and_not_guessed_at(home: Home) -> None:
    (home.run / "stack.json").write_text('{"state": 7')
    with pytest.raises(OpsError, match=r"stack\.json cannot be read"):
        record.load(home)


def test_another_process_under_the_same_pid_is_not_the_recorded_one() -> None:
    me = record.this_process()
    assert record.is_alive(me)
    assert not record.is_alive(me.model_copy(update={"birth": "another boot/1"}))
    assert not record.is_alive(None)


def test_a_process_that_has_ended_but_is_not_reaped_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    entry = record.entry("child", child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not record.is_alive(entry)
    child.wait()


def test_a_home_has_one_supervisor_at_a_time(home: Home) -> None:
    with only_one(home) as first, only_one(home) as second:
        assert (first, second) == (True, False)
    with only_one(home) as again:
        assert again


def test_secrets_are_made_once_and_stay_private(home: Home) -> None:
    first = home.secrets()
    assert home.secrets() == first
    assert len(set(first.values())) == len(first)
    assert stat.S_IMODE((home.path / "secrets.json").stat().st_mode) == 0o600


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OpsError, match=r"file/home cannot be used.*NIVESH_HOME"):
        Home.at(tmp_path / "file" / "home")
