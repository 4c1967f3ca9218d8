"""Text to hashed token features, the same in training and in serving. No torch."""

import re
import unicodedata
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.profile import TEXT_MEASURES, Source
from training.serving import UNSTORABLE

MAX_CHARACTERS = 5_000

# Words (Devanagari with its vowel signs), numbers with their separators, every other sign alone.
TOKEN = re.compile(
    r"[\u0900-\u097f]+|[^\W\d_\u0900-\u097f]+|\d+(?:[.,]\d+)*|[^\w\s]|_",
)
DIGIT = re.compile(r"\d")
RUPEES = {"rs": "₹", "inr": "₹", "rupees": "₹", "rupee": "₹"}


@dataclass(frozen=True)
class Token:
    """A piece of the text: ``text[start:end]``, in characters."""

    text: str
    start: int
    end: int


def tokenise(text: str) -> list[Token]:
    """Split into words, numbers and signs, with their places in ``text``."""
    return [Token(m.group(), m.start(), m.end()) for m in TOKEN.finditer(text)]


def fold(word: str) -> str:
    """Same form for the spellings that mean the same: case, width, digits and rupee words."""
    lowered = unicodedata.normalize("NFKC", word).casefold()
    return DIGIT.sub("0", RUPEES.get(lowered, lowered))


def bucket(feature: str, buckets: int) -> int:
    """Stable place of a feature in 1..buckets (0 is padding)."""
    return zlib.crc32(feature.encode("utf-8")) % buckets + 1


def _grams(word: str, sizes: Sequence[int]) -> list[str]:
    marked = f"<{word}>"
    return [marked[i : i + n] for n in sizes for i in range(len(marked) - n + 1)]


def word_features(word: str) -> list[str]:
    """The folded word and its character 3- and 4-grams, which survive a typing error."""
    folded = fold(word)
    return [f"w:{folded}", *(f"g:{gram}" for gram in _grams(folded, (3, 4)))]


def shaped_word_features(word: str) -> list[str]:
    """``word_features`` with the form as written: its shape, prefix, suffix and length."""
    shape = re.sub(r"[a-z]+", "x", re.sub(r"[A-Z]+", "X", re.sub(r"\d", "9", word)))
    folded = fold(word)
    form = [f"s:{shape[:12]}", f"l:{min(len(word), 12)}", f"b:{folded[:3]}", f"e:{folded[-3:]}"]
    return [f"w:{folded}", *form, *(f"g:{gram}" for gram in _grams(folded, (3, 4)))]


FEATURES: dict[str, Callable[[str], list[str]]] = {
    "word": word_features,
    "shaped": shaped_word_features,
}


@lru_cache(maxsize=65_536)
def _feature_ids(kind: str, word: str, buckets: int, width: int) -> tuple[int, ...]:
    found = FEATURES[kind](word)[:width]
    return tuple(bucket(feature, buckets) for feature in found)


@dataclass(frozen=True)
class TokenHasher:
    """Hashes tokens into rows of feature ids.

    ``kind`` names the features, ``buckets`` the size of the hash space, ``width`` the most
    features per token and ``max_tokens`` where a text is cut off.
    """

    kind: str
    buckets: int
    width: int
    max_tokens: int

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "TokenHasher":
        """Build from a dict with the four fields."""
        return cls(
            str(config["kind"]),
            int(config["buckets"]),
            int(config["width"]),
            int(config["max_tokens"]),
        )

    def encode(self, texts: Sequence[Sequence[Token]]) -> NDArray[np.int64]:
        """Ids of shape (texts, tokens, width), 0 where nothing stands; at least one token."""
        cut = [tokens[: self.max_tokens] for tokens in texts]
        longest = max((len(tokens) for tokens in cut), default=0)
        ids = np.zeros((len(cut), max(longest, 1), self.width), dtype=np.int64)
        for row, tokens in enumerate(cut):
            for column, token in enumerate(tokens):
                found = _feature_ids(self.kind, token.text, self.buckets, self.width)
                ids[row, column, : len(found)] = found
        return ids


def require_text(request: Mapping[str, Any], field: str) -> str:
    """The text in ``field``; ``ValueError`` on none, an empty, too long or unstorable one."""
    if field not in request:
        raise ValueError(f"{field} is missing; send it as a text")
    text = request[field]
    if not isinstance(text, str):
        raise ValueError(f"{field} is of type {type(text).__name__}; send a text")
    if not text.strip():
        raise ValueError(f"{field} is empty; send at least one word")
    if UNSTORABLE.search(text):
        raise ValueError(f"{field} holds a NUL or half of a character; remove it")
    if len(text) > MAX_CHARACTERS:
        raise ValueError(
            f"{field} has {len(text):,} characters; shorten it to {MAX_CHARACTERS:,} or fewer"
        )
    return text


def watched(field: str) -> dict[str, Source]:
    """Cheap numbers about a text of the request: sizes, and shares of its characters."""
    return {measure: Source(("input", field), measure) for measure in TEXT_MEASURES}
