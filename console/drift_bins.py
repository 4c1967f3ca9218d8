"""One feature's two distributions, bin beside bin: values in, HTML out. Looks: ``shell/look.css``.

A table and not a plotly figure: names of bins may be long, each share can be read and read aloud,
and a browser is done with it 150 ms earlier.
"""

from html import escape

from backend_api.schemas import DriftDistribution

# Of the widest bar, which takes all the room there is.
WHOLE = 100


def table(found: DriftDistribution, here: str, there: str) -> str:
    """Shares in per cent of both sides; odd bins only where something fell in.

    ``here`` and ``there`` are what the window and the other side are called.
    """
    kept = [i for i, _ in enumerate(found.bins) if found.reference[i] or found.window[i]]
    theirs, mine = (
        [WHOLE * counts[i] / max(1, sum(counts)) for i in kept]
        for counts in (found.reference, found.window)
    )
    most = max([*theirs, *mine], default=0.0) or 1.0
    rows = "".join(
        f'<tr title="{found.reference[i]:,} there, {found.window[i]:,} here">'
        f'<th scope="row">{escape(found.bins[i])}</th>'
        f'<td><i class="there" style="width:{WHOLE * before / most:.1f}%"></i>'
        f'<i class="here" style="width:{WHOLE * now / most:.1f}%"></i></td>'
        f"<td>{before:.1f} %</td><td>{now:.1f} %</td></tr>"
        for i, before, now in zip(kept, theirs, mine, strict=True)
    )
    return (
        '<table class="drift-bins"><thead><tr><th scope="col">Values</th><td></td>'
        f'<th scope="col"><i class="there"></i>{escape(there)}</th>'
        f'<th scope="col"><i class="here"></i>{escape(here)}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
