"""From a template to a sentence as people type it, with its entities in place."""

import re
from dataclasses import dataclass

from training.financial_ner.names import Names, Rng
from training.financial_ner.values import draw, label_of
from training.intent_classifier.noise import CLOSERS, OPENERS, SHORT_FORMS, SHORTEST_SLIP, slip

SLOT = re.compile(r"\{(\w+)\}")
# Signs that stand close to the word before them.
CLOSE = (",", "'s", "?", ":")
JOINERS = (",", "and", "aur", ".", "then", "phir")


@dataclass(frozen=True)
class Span:
    """An entity: ``text[start:end]``, in characters."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Piece:
    """Words that belong together; ``label`` is None outside entities."""

    text: str
    label: str | None = None


def fill(template: str, names: Names, split: str, rng: Rng) -> list[Piece]:
    """The template in pieces, every ``{slot}`` filled with a value that ``split`` may use."""
    pieces: list[Piece] = []
    for place, part in enumerate(SLOT.split(template)):
        if place % 2:
            pieces.append(Piece(draw(part, names, split, rng), label_of(part)))
        else:
            pieces += [Piece(word) for word in part.split()]
    return pieces


def _mistype(piece: Piece, rng: Rng) -> Piece:
    chance = 0.10 if piece.label is None else 0.04
    words = []
    for word in piece.text.split(" "):
        if rng.random() < chance and word.isalpha() and len(word) >= SHORTEST_SLIP:
            word = slip(word, rng)
        elif piece.label is None and rng.random() < 0.10:
            word = SHORT_FORMS.get(word, word)
        words.append(word)
    return Piece(" ".join(words), piece.label)


def _recase(pieces: list[Piece], rng: Rng) -> list[Piece]:
    style = rng.random()
    if style < 0.35:
        first = pieces[0]
        return [Piece(first.text[:1].upper() + first.text[1:], first.label), *pieces[1:]]
    if style < 0.65:
        return [Piece(piece.text.lower(), piece.label) for piece in pieces]
    if style < 0.70:
        return [Piece(piece.text.upper(), piece.label) for piece in pieces]
    # Hasty names without a capital in a sentence that has some.
    return [
        Piece(piece.text.lower(), piece.label) if rng.random() < 0.2 else piece for piece in pieces
    ]


def _join(pieces: list[Piece]) -> tuple[str, list[Span]]:
    text, spans = "", []
    for piece in pieces:
        if text and not piece.text.startswith(CLOSE):
            text += " "
        if piece.label is not None:
            spans.append(Span(len(text), len(text) + len(piece.text), piece.label))
        text += piece.text
    return text, spans


def dress(pieces: list[Piece], rng: Rng) -> tuple[str, list[Span]]:
    """Text and entities as typed; two in five carry slips, one in three no capitals."""
    if rng.random() < 0.20:
        pieces = [*map(Piece, str(rng.choice(OPENERS)).split()), *pieces]
    if rng.random() < 0.12:
        pieces = [*pieces, *map(Piece, str(rng.choice(CLOSERS)).split())]
    if rng.random() < 0.40:
        pieces = [_mistype(piece, rng) for piece in pieces]
    if rng.random() < 0.5:
        pieces = [piece for piece in pieces if piece.text != ","]
    text, spans = _join(_recase(pieces, rng))
    ending = rng.random()
    return text + ("?" if ending < 0.15 else "." if ending < 0.35 else ""), spans
