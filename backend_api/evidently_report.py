"""The one file that speaks to Evidently, as a process of its own: it is large and slow to import.

    python -m backend_api.evidently_report FILE < sample.json

``sample.json`` has ``numbers`` and ``categories``, the names of columns, and two sides, ``before``
and ``now``: each column's values, of the same length within a side.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main() -> None:
    """Write the report; the file is there whole or not at all."""
    target, sample = Path(sys.argv[1]), json.load(sys.stdin)
    definition = DataDefinition(
        numerical_columns=sample["numbers"], categorical_columns=sample["categories"]
    )
    before, now = (
        Dataset.from_pandas(pd.DataFrame(sample[side]), data_definition=definition)
        for side in ("before", "now")
    )
    made = Report([DataDriftPreset()]).run(now, before)
    draft = target.with_suffix(".part")
    made.save_html(str(draft))
    draft.replace(target)


if __name__ == "__main__":
    main()
