"""What the supervisor imports for its workers leaves it fit to be forked."""

import subprocess
import sys

LOOK = """
import os, sys
import inference.__main__
from inference.preload import preload
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
preload()
print(len(os.listdir("/proc/self/task")), "inference.metrics" in sys.modules)
"""


def test_no_thread_and_no_counter_is_there_to_be_forked() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
