"""What a reader of a page sees, and the workers that the page tells of."""

import json
from dataclasses import dataclass

from sqlalchemy import Engine, text
from streamlit.testing.v1 import AppTest

from tests.makers import INTENT

KINDS = ("title", "subheader", "markdown", "caption", "success", "info", "warning", "error")


def words(app: AppTest) -> str:
    """Everything that the page and its sidebar say, without markdown's escapes."""
    said = [str(element.value) for kind in KINDS for element in getattr(app, kind)]
    said += [block.label for block in app.expander]
    return bare("\n".join(said))


def bare(markdown: str) -> str:
    """Without escapes, and with plain spaces only."""
    return markdown.replace("\\", "").replace("\u00a0", " ")


def buttons(app: AppTest) -> set[str]:
    """Labels of the buttons that may be pressed."""
    return {button.label for button in app.button if not button.disabled}


def press(app: AppTest, label: str) -> AppTest:
    """Press the one button of that label, and draw the page again."""
    found = [button for button in app.button if button.label == label]
    assert len(found) == 1, f"{len(found)} buttons {label!r} among {sorted(buttons(app))}"
    found[0].click()
    app.run()
    assert not app.exception, app.exception
    return app


def fill(app: AppTest, form: str, value: str, field: str = "reason") -> None:
    """Type into the field of the form whose key begins so."""
    fields = [
        element
        for element in (*app.text_area, *app.text_input)
        if str(element.key).startswith(form) and str(element.key).endswith(field)
    ]
    assert len(fields) == 1, f"{len(fields)} fields {field!r} of {form!r}"
    fields[0].set_value(value)


def row(app: AppTest, first: str) -> str:
    """The line of a table whose first cell says so."""
    tables = [bare(m.value) for m in app.markdown if m.value.startswith("| ")]
    lines = [line for table in tables for line in table.splitlines()]
    found = [line for line in lines if line.split("|")[1].strip() == first]
    assert len(found) == 1, f"{len(found)} lines {first!r} in {lines}"
    return found[0]


@dataclass
class Worker:
    """An inference worker as the database knows it."""

    engine: Engine
    host: str
    pid: int

    def beat(self, seconds_ago: float = 0) -> None:
        """Say that it lives, or lived then."""
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO replicas (replica_id, host, pid, heartbeat_at)"
                    " VALUES (:host, :host, :pid, now() - make_interval(secs => :ago))"
                    " ON CONFLICT (replica_id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at"
                ),
                {"host": self.host, "pid": self.pid, "ago": seconds_ago},
            )

    def follow(self, model: str = INTENT, error: str | None = None) -> None:
        """Acknowledge what is decided now, with the way back warm; ``error`` is what hinders it."""
        self.beat()
        with self.engine.begin() as connection:
            want = connection.execute(
                text(
                    "SELECT d.epoch, p.version, p.artifact_digest, c.version AS canary,"
                    " d.canary_share, t.version AS target, t.artifact_digest AS target_digest"
                    " FROM model_routing d LEFT JOIN model_registry p ON p.id = d.production_id"
                    " LEFT JOIN model_registry c ON c.id = d.canary_id"
                    " LEFT JOIN model_registry t ON t.id = d.target_id WHERE d.model_name = :m"
                ),
                {"m": model},
            ).one()
            loaded = {
                version: {"state": "ready", "digest": digest}
                for version, digest in (
                    (want.version, want.artifact_digest), (want.target, want.target_digest)
                )
                if version
            }  # fmt: skip
            connection.execute(
                text(
                    "INSERT INTO replica_models (replica_id, model_name, epoch, error, loaded,"
                    " production_version, canary_version, canary_share)"
                    " VALUES (:host, :m, :epoch, :error, CAST(:loaded AS jsonb), :version,"
                    " :canary, :share) ON CONFLICT (replica_id, model_name) DO UPDATE SET"
                    " epoch = excluded.epoch, error = excluded.error, loaded = excluded.loaded,"
                    " production_version = excluded.production_version,"
                    " canary_version = excluded.canary_version,"
                    " canary_share = excluded.canary_share, acknowledged_at = clock_timestamp()"
                ),
                {
                    "host": self.host, "m": model, "epoch": want.epoch, "error": error,
                    "loaded": json.dumps(loaded), "version": want.version,
                    "canary": want.canary, "share": want.canary_share,
                },
            )  # fmt: skip
