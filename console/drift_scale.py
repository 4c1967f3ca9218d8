"""A score on its way from 0 to 1: values in, HTML out. Its looks are in ``shell/look.css``.

Not a plotly figure: three bands, two marks and six words take a browser 60 ms less this way.
"""

from console.drift_charts import HIGH, MEDIUM

# Of the width: beyond it a word would leave the picture on its right.
ROOM = 1.15
SHORTEST = 0.45


def scale(distance: float | None, noise: float) -> str:
    """Where a score lies between both lines, beside what chance alone may reach.

    ``distance`` and ``noise`` are Jensen-Shannon distances to base 2, from 0 to 1; without a
    distance only the noise is marked.
    """
    end = max(SHORTEST, ROOM * (distance or 0.0), ROOM * noise)

    def at(value: float) -> str:
        return f"{100 * value / end:.1f}%"

    said = "no score" if distance is None else f"score {distance:.3f}"
    ticks = "".join(
        f'<span class="tick" style="left:{at(value)}">{value:g}</span>'
        for value in (0.0, MEDIUM, HIGH)
    )
    score = (
        "" if distance is None
        else f'<span class="score" style="left:{at(distance)}">{distance:.2f}</span>'
    )  # fmt: skip
    return (
        f'<div class="drift-scale" role="img" aria-label="On a scale: {said}, noise {noise:.3f};'
        f' medium from {MEDIUM:g}, high from {HIGH:g}."'
        f' style="--medium:{at(MEDIUM)};--high:{at(HIGH)}">'
        f'<span class="noise" style="left:{at(noise)}">noise</span>{score}{ticks}</div>'
    )
