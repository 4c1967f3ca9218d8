"""Which arm answers a key, for who serves and who replays: sticky, monotone in the share, pure."""

from hashlib import blake2b

_SCALE = 100.0 / 2**64


def bucket(key: str, salt: str) -> float:
    """Place of a key in 0 <= place < 100; another salt shuffles all keys anew."""
    digest = blake2b(f"{salt}\0{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") * _SCALE


def takes_canary(key: str | None, salt: str, share: float) -> bool:
    """Whether the canary answers, at ``share`` per cent.

    A key keeps its place over all shares, so raising the share only adds keys and lowering it
    keeps the first ones. Without a key the stable version answers.
    """
    return key is not None and bucket(key, salt) < share
