"""export_production_data.py --days 30: what `nivesh export-predictions` does, into a file.

To train on it beside a version's own rows, and to register what comes out: `nivesh retrain`.
"""

import argparse

from ops.cli import app


def main() -> None:
    """Hand over; options and exit codes are those of `nivesh export-predictions`."""
    parser = argparse.ArgumentParser(
        description="Write what users were answered, with labels, into a file.",
        epilog="Further options are those of `nivesh export-predictions`; see its --help.",
    )
    parser.add_argument("--model", default="intent_classifier", help="by default %(default)s")
    parser.add_argument("--out", help="by default MODEL_production.jsonl")
    known, others = parser.parse_known_args()
    out = known.out or f"{known.model}_production.jsonl"
    app(["export-predictions", known.model, "--out", out, *others])


if __name__ == "__main__":
    main()
