"""How people really type: greetings, missing capitals and signs, slips of the finger."""

from training.intent_classifier.phrases.slots import Rng

OPENERS = (
    "hi", "hello", "hey", "please", "pls", "bhai", "sir", "ok", "so", "listen", "namaste",
    "hi nivesh", "quick question", "yaar", "hey can you help", "ek baat batao",
)  # fmt: skip
CLOSERS = ("please", "pls", "thanks", "asap", "yaar", "bhai", "urgent", "thank you", "na", "ji")

SHORT_FORMS = {
    "please": "plz", "you": "u", "are": "r", "what": "wat", "how": "hw", "my": "mi",
    "tomorrow": "tmrw", "message": "msg", "because": "bcz", "nahi": "nhi", "hai": "h",
    "kya": "kia", "kitna": "kitnaa", "account": "acc", "month": "mnth", "is": "iz", "the": "d",
    "for": "4", "mera": "meraa", "paisa": "paise", "amount": "amt", "payment": "pymt",
}  # fmt: skip
NEIGHBOURS = {
    "a": "s", "b": "v", "c": "x", "d": "s", "e": "r", "f": "g", "g": "h", "h": "j", "i": "o",
    "j": "k", "k": "l", "l": "k", "m": "n", "n": "m", "o": "p", "p": "o", "q": "w", "r": "t",
    "s": "a", "t": "y", "u": "i", "v": "b", "w": "e", "x": "z", "y": "t", "z": "x",
}  # fmt: skip

SHORTEST_SLIP = 5


def slip(word: str, rng: Rng) -> str:
    """The word with one letter swapped, lost, doubled or hit beside; three letters or more."""
    place = int(rng.integers(1, len(word) - 1))
    kind = int(rng.integers(4))
    letter = word[place]
    if kind == 0:
        return word[: place - 1] + letter + word[place - 1] + word[place + 1 :]
    if kind == 1:
        return word[:place] + word[place + 1 :]
    if kind == 2:
        return word[:place] + letter + word[place:]
    return word[:place] + NEIGHBOURS.get(letter, letter) + word[place + 1 :]


def _mistype(words: list[str], rng: Rng) -> list[str]:
    typed = []
    for word in words:
        if rng.random() < 0.10 and word.isalpha() and len(word) >= SHORTEST_SLIP:
            word = slip(word, rng)
        elif rng.random() < 0.12:
            word = SHORT_FORMS.get(word, word)
        typed.append(word)
    return typed


def _capitalise(text: str, rng: Rng) -> str:
    style = rng.random()
    if style < 0.45:
        return text
    if style < 0.85:
        return text[0].upper() + text[1:]
    if style < 0.95:
        return text.lower()
    return text.upper()


def dress(core: str, rng: Rng) -> str:
    """A sentence as typed, from its bare words; two in five carry slips."""
    words = core.split()
    if rng.random() < 0.25:
        words = [*str(rng.choice(OPENERS)).split(), *([","] if rng.random() < 0.4 else []), *words]
    if rng.random() < 0.20:
        words = [*words, *str(rng.choice(CLOSERS)).split()]
    if rng.random() < 0.40:
        words = _mistype(words, rng)
    text = " ".join(words)
    text = text.replace(" ,", "" if rng.random() < 0.5 else ",")
    ending = rng.random()
    text += "?" if ending < 0.4 else "." if ending < 0.5 else ""
    return _capitalise(text, rng)
