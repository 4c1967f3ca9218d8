"""Which artefacts leave the disk."""

import os
from pathlib import Path

from inference.cache import Cache

DAY = 86_400.0


def test_what_some_worker_needed_lately_stays_and_the_rest_goes(tmp_path: Path) -> None:
    cache = Cache(tmp_path, lambda *_: None)
    now = 100 * DAY
    digests = {name: f"sha256:{name * 64}" for name in "abc"}
    for age, name in enumerate("abc"):
        folder = tmp_path / (name * 64)
        folder.mkdir()
        (folder / "model.onnx").write_text("x")
        os.utime(folder, (now - 20 * age * DAY, now - 20 * age * DAY))
    leftover = tmp_path / "draft.x"
    leftover.mkdir()
    os.utime(leftover, (now - 20 * DAY, now - 20 * DAY))
    # (b is 20 days old and needed now; c is 40 and is not; a is new.)
    assert cache.prune({digests["b"], "", "sha256:gone"}, now, 14 * DAY) == 2
    assert sorted(p.name[0] for p in tmp_path.iterdir() if p.is_dir()) == ["a", "b"]
    assert cache.prune(set(), now + 13 * DAY, 14 * DAY) == 0
    assert cache.prune(set(), now + 15 * DAY, 14 * DAY) == 2
