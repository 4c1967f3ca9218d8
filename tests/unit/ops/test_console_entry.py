"""What the console's process writes for Streamlit, and how it runs it."""

import os
import stat
import tomllib
from pathlib import Path

import pytest

from ops import console_entry
from ops.settings import PROJECT

VALUES = {
    "CONSOLE_COOKIE_SECRET": "c" * 32,
    "OIDC_ISSUER": "http://localhost:8080/oidc/",
    "OIDC_CLIENT_ID": "nivesh-console",
    "OIDC_CLIENT_SECRET": 'a "quoted" \\ secret',
    "OIDC_REDIRECT_URIS": "http://localhost:8501/oauth2callback, http://127.0.0.1:8501/x",
    "CONSOLE_PORT": "8501",
    "CONSOLE_HOST": "127.0.0.1",
}


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The variables of a start, and the home they name."""
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NIVESH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Became(Exception):
    """What the process would have become."""


def test_it_writes_the_file_privately_below_the_home_and_becomes_streamlit(
    set_up: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def become(_: str, argv: list[str]) -> None:
        raise Became(*argv)

    monkeypatch.setattr(os, "execv", become)
    with pytest.raises(Became) as became:
        console_entry.main()
    argv = list(became.value.args)
    file = set_up / "console" / "secrets.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert argv[1:5] == ["-m", "streamlit", "run", str(PROJECT / "console/shell/app.py")]
    flags = dict(zip(argv[5::2], argv[6::2], strict=True))
    assert flags["--secrets.files"] == str(file)
    assert (flags["--server.port"], flags["--server.address"]) == ("8501", "127.0.0.1")
    assert flags["--browser.gatherUsageStats"] == "false"
    assert not any(VALUES["OIDC_CLIENT_SECRET"] in part for part in argv)


def test_streamlit_finds_each_value_as_it_was_given(set_up: Path) -> None:
    found = tomllib.loads(console_entry.secrets(console_entry.EntrySettings()))["auth"]
    assert found == {
        "redirect_uri": "http://localhost:8501/oauth2callback",
        "cookie_secret": "c" * 32,
        "client_id": "nivesh-console",
        "client_secret": VALUES["OIDC_CLIENT_SECRET"],
        "server_metadata_url": "http://localhost:8080/oidc/.well-known/openid-configuration",
        "expose_tokens": ["id"],
    }


def test_a_missing_variable_is_named_in_a_sentence(
    set_up: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OIDC_CLIENT_SECRET")
    monkeypatch.setenv("CONSOLE_COOKIE_SECRET", "short")
    with pytest.raises(SystemExit) as ended:
        console_entry.main()
    assert "OIDC_CLIENT_SECRET" in str(ended.value)
    assert "CONSOLE_COOKIE_SECRET" in str(ended.value)
    assert not (set_up / "console" / "secrets.toml").exists()
