"""What fills the slots of the patterns: amounts, dates, names, and numbers that are neither.

Conventions of the labels: an AMOUNT holds its currency and its lakh or crore; a DATE holds no
preposition, and a term ("for 5 years") is none; a BANK holds "Bank" where it is written; a PRODUCT
holds its fund house ("SBI Bluechip Fund"); a PERSON holds no title ("ji", "bhai", "Mr").
"""

from collections.abc import Callable

from training.financial_ner.names import Names, Rng, pick

LABELS = ("AMOUNT", "DATE", "BANK", "PRODUCT", "MERCHANT", "PERSON")
# Slots that are narrower than their label.
LABEL_OF = {
    "price": "AMOUNT",
    "loan": "PRODUCT",
    "holding": "PRODUCT",
    "account": "PRODUCT",
    "card": "PRODUCT",
}

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December", "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sept",
    "Oct", "Nov", "Dec",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NEAR = (
    "today", "yesterday", "tomorrow", "day before yesterday", "tonight", "this morning",
    "last week",
    "this week", "next week", "last month", "this month", "next month", "last year", "next year",
    "kal", "aaj", "parso", "aaj subah", "pichle hafte", "agle hafte", "pichle mahine", "is mahine",
    "agle mahine", "pichle saal", "agle saal", "month end", "mahine ke end", "last quarter",
    "Diwali", "Holi", "Eid", "Dussehra", "Christmas", "Akshaya Tritiya", "Dhanteras", "Onam",
    "tmrw", "ystrday", "2day", "last weekend", "this weekend",
)  # fmt: skip
HINDI_MONTHS = ("जनवरी", "फरवरी", "मार्च", "अप्रैल", "जून", "जुलाई", "अगस्त", "अक्टूबर", "दिसंबर")
HINDI_NEAR = ("कल", "आज", "परसों", "अगले महीने", "पिछले हफ्ते", "सोमवार", "अगले साल", "शुक्रवार")
SPOKEN = ("do", "teen", "paanch", "das", "bees", "pachas", "sau", "dhai", "dedh", "five", "ten",
          "twenty", "fifty")  # fmt: skip


def _indian(value: int) -> str:
    """12345678 as 1,23,45,678."""
    head, tail = str(value)[:-3], str(value)[-3:]
    groups: list[str] = []
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*groups, tail])


def _plain(rng: Rng) -> str:
    """A whole number of rupees, mostly round, with or without separators."""
    value = int(rng.integers(1, 1_000)) * int(rng.choice((1, 10, 50, 100, 500, 1_000, 5_000)))
    style = rng.random()
    return _indian(value) if style < 0.5 else str(value) if style < 0.95 else f"{value}.50"


def _large(rng: Rng) -> str:
    number = str(int(rng.integers(1, 100))) + str(rng.choice(("", "", ".5", ".25")))
    unit = rng.choice(("lakh", "lakhs", "lac", "L", "crore", "cr", "Cr", "k", "K", "hazar", "hajar",
                       "thousand"))  # fmt: skip
    return number + str(rng.choice(("", " "))) + str(unit)


def amount(rng: Rng) -> str:
    """An amount of money as people write it."""
    style = int(rng.integers(12))
    if style < 4:
        return str(rng.choice(("₹", "₹", "₹ ", "Rs ", "Rs. ", "Rs.", "rs", "INR "))) + _plain(rng)
    if style < 6:
        return f"₹{_large(rng)}" if rng.random() < 0.6 else f"Rs {_large(rng)}"
    if style < 9:
        return _large(rng)
    if style == 9:
        ending = rng.choice(("rupees", "rs", "rupaye", "/-", "bucks", "Rs", "rupee"))
        return f"{_plain(rng)}{'' if ending == '/-' else ' '}{ending}"
    if style == 10:
        return f"{pick(SPOKEN, rng)} {rng.choice(('lakh', 'hazar', 'crore', 'thousand'))}"
    return _plain(rng)


def price(rng: Rng) -> str:
    """What a household pays in one go, as people write it."""
    value = int(rng.integers(1, 500)) * int(rng.choice((1, 5, 10, 10, 50)))
    style = int(rng.integers(10))
    if style < 4:
        return f"{rng.choice(('₹', '₹', '₹ ', 'Rs ', 'Rs. ', 'Rs.', 'rs', 'INR '))}{_indian(value)}"
    if style < 6:
        return f"{rng.integers(1, 60)}{rng.choice(('k', 'K', ' k', '.5k', ' hazar', ' thousand'))}"
    if style < 8:
        return f"{value} {rng.choice(('rupees', 'rs', 'rupaye', 'bucks', 'Rs', 'rupee'))}"
    return _indian(value) if style == 8 else str(value)


def date(rng: Rng) -> str:
    """A day, a month or a feast, without a preposition."""
    day, month = int(rng.integers(1, 32)), pick(MONTHS, rng)
    number, year = int(rng.integers(1, 13)), int(rng.integers(2023, 2029))
    ending = "st" if day in (1, 21, 31) else "nd" if day in (2, 22) else "th"
    style = int(rng.integers(22))
    if style < 9:
        return pick(NEAR, rng)
    return (
        f"{day} {month}", f"{day}{ending} {month}", f"{month} {day}", f"{month} {year}",
        f"{day}/{number:02d}/{year}", f"{day:02d}-{number:02d}-{year}",
        f"{year}-{number:02d}-{day:02d}",
        month, pick(DAYS, rng), f"next {pick(DAYS, rng)}", f"{day}{ending}",
        f"{number + 1} {rng.choice(('days ago', 'din pehle', 'weeks ago', 'mahine pehle'))}",
        f"{day} tarikh",
    )[style - 9]  # fmt: skip


def hindi_amount(rng: Rng) -> str:
    """An amount in Devanagari words, its digits of either kind."""
    number = str(int(rng.integers(1, 100)))
    if rng.random() < 0.4:
        number = number.translate({ord("0") + n: 0x966 + n for n in range(10)})
    return str(
        rng.choice((f"₹{number}00", f"{number} हज़ार", f"{number} लाख रुपये", f"{number}00 रुपये",
                    f"{number} करोड़"))
    )  # fmt: skip


def hindi_date(rng: Rng) -> str:
    """A day in Devanagari words."""
    if rng.random() < 0.5:
        return pick(HINDI_NEAR, rng)
    return f"{rng.integers(1, 31)} {pick(HINDI_MONTHS, rng)}"


# Numbers and words that belong to no entity.
OTHERS: dict[str, Callable[[Rng], str]] = {
    "term": lambda rng: (
        f"{rng.integers(2, 31)} {rng.choice(('years', 'months', 'saal', 'mahine'))}"
    ),
    "percent": lambda rng: f"{rng.integers(3, 19)}{rng.choice(('', '.5', '.75'))}%",
    "score": lambda rng: str(rng.integers(520, 890)),
    "code": lambda rng: str(rng.integers(1_000, 999_999)),
    "count": lambda rng: str(rng.integers(2, 60)),
    "thing": lambda rng: str(
        rng.choice(("dinner", "rent", "fuel", "groceries", "school fees", "medicines", "a phone",
                    "shoes", "the trip", "recharge", "bijli ka bill", "kapde", "doodh", "a fridge"))
    ),
    "kin": lambda rng: str(
        rng.choice(("my brother", "mummy", "papa", "my landlord", "the maid", "my wife", "didi",
                    "my son", "the society", "a friend", "makan malik", "the driver"))
    ),
}  # fmt: skip


def _merchant(names: Names, split: str, rng: Rng) -> str:
    if rng.random() < 0.65:
        return names.draw("brand", split, rng)
    owner = "shop_owner" if rng.random() < 0.5 else "family"
    return f"{names.draw(owner, split, rng)} {names.draw('shop', split, rng)}"


def _person(names: Names, split: str, rng: Rng) -> str:
    first = names.draw("first", split, rng)
    return first if rng.random() < 0.65 else f"{first} {names.draw('family', split, rng)}"


def _holding(names: Names, split: str, rng: Rng) -> str:
    if rng.random() < 0.7:
        return names.draw("holding", split, rng)
    return f"{names.draw('house', split, rng)} {names.draw('fund', split, rng)}"


NAMED: dict[str, Callable[[Names, str, Rng], str]] = {
    "merchant": _merchant,
    "person": _person,
    "holding": _holding,
    "loan": lambda names, split, rng: names.draw("loan", split, rng),
    "account": lambda names, split, rng: names.draw("account", split, rng),
    "card": lambda names, split, rng: names.draw("card", split, rng),
    "bank": lambda names, split, rng: names.draw("bank", split, rng),
    "hindi_merchant": lambda names, split, rng: names.draw("hindi_brand", split, rng),
    "hindi_person": lambda names, split, rng: names.draw("hindi_first", split, rng),
    "hindi_product": lambda names, split, rng: names.draw("hindi_product", split, rng),
    "hindi_bank": lambda names, split, rng: names.draw("hindi_bank", split, rng),
}
COUNTED: dict[str, Callable[[Rng], str]] = {
    "amount": amount,
    "price": price,
    "date": date,
    "hindi_amount": hindi_amount,
    "hindi_date": hindi_date,
    **OTHERS,
}


def label_of(slot: str) -> str | None:
    """Label of what fills a slot; None when it is no entity."""
    name = slot.removeprefix("hindi_")
    label = LABEL_OF.get(name, name.upper())
    return label if label in LABELS else None


def draw(slot: str, names: Names, split: str, rng: Rng) -> str:
    """A value for a slot, as ``split`` may use it."""
    if slot in COUNTED:
        return COUNTED[slot](rng)
    return NAMED[slot](names, split, rng)
