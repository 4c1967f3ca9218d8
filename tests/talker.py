"""A process that talks as training does, for whoever listens: ``python -m tests.talker``."""

import json
import sys


def main() -> None:
    """Say how far it is; then succeed, fail, or wait until the input ends."""
    how = sys.argv[1]
    sys.stdout.write("a word that is no JSON\n")
    sys.stdout.write(json.dumps({"progress": 0.5, "message": "half way"}) + "\n")
    sys.stdout.flush()
    if how == "wait":
        sys.stdin.read()
        sys.exit(1)
    if how == "fail":
        sys.exit("the rows do not fit.")
    sys.stdout.write(json.dumps({"model_uri": "runs:/1/model"}) + "\n")


if __name__ == "__main__":
    main()
