"""What a reader of a page sees and does."""

from streamlit.testing.v1 import AppTest

KINDS = ("title", "header", "markdown", "caption", "success", "info", "warning", "error")


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
