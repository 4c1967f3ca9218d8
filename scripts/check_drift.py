"""check_drift.py --model intent_classifier --days 7: what `nivesh drift` does, by another name."""

import argparse

from ops.cli import app


def main() -> None:
    """Hand over; options and exit codes are those of `nivesh drift`."""
    parser = argparse.ArgumentParser(
        description="Do a model's requests still look like what its version was made for?",
        epilog="Further options and the exit codes are those of `nivesh drift`; see its --help.",
    )
    parser.add_argument("--model", required=True, help="such as intent_classifier")
    known, others = parser.parse_known_args()
    app(["drift", known.model, *others])


if __name__ == "__main__":
    main()
