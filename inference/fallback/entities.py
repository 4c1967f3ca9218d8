"""Entities by their patterns: sums, days, and names that everybody knows."""

import re

from inference.fallback.rule import Rules, text
from inference.models import Answer, Row

_UNIT = r"(?:lakhs?|lacs?|crores?|cr|thousand|hazar|hajar|k|l)\b"
_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_MONTH = (r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
          r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b")  # fmt: skip
_NAME = r"[A-Z][a-z]+(?: [A-Z][a-z]+)?"
# The first label whose pattern takes a place keeps it. How often a pattern is right, roughly.
PATTERNS: tuple[tuple[str, float, re.Pattern[str]], ...] = (
    ("AMOUNT", 0.9, re.compile(rf"(?:₹|\brs\.?|\binr) ?{_NUMBER}(?: ?{_UNIT})?", re.I)),
    ("AMOUNT", 0.85, re.compile(rf"\b{_NUMBER} ?(?:{_UNIT}|rupees?\b|rupaye\b|/-|रुपये|लाख|करोड़)",
                                re.I)),
    ("DATE", 0.85, re.compile(
        rf"\b\d{{1,2}}(?:st|nd|rd|th)? {_MONTH}(?: \d{{4}})?|\b{_MONTH} \d{{1,4}}\b"
        r"|\b\d{1,2}[/-]\d{1,2}[/-]\d{2,4}\b|\b\d{4}-\d{2}-\d{2}\b", re.I)),
    ("DATE", 0.8, re.compile(
        r"\b(?:day before yesterday|yesterday|today|tomorrow|tonight|(?:last|this|next) "
        r"(?:week|month|year|quarter|weekend)|(?:next |last )?(?:mon|tues|wednes|thurs|fri|satur"
        r"|sun)day|kal|aaj|parso|diwali|holi|eid|christmas)\b|कल|आज|परसों", re.I)),
    ("BANK", 0.85, re.compile(
        r"\b(?:HDFC|ICICI|Axis|Kotak|Yes|IndusInd|Canara|Union|IDFC First|Federal|Indian)"
        r" Bank\b|\bBank of (?:Baroda|India|Maharashtra)\b|\b(?:SBI|PNB|HDFC|ICICI|Kotak)\b")),
    ("PRODUCT", 0.8, re.compile(
        r"\b(?:(?:home|car|personal|education|gold|bike|business|housing|two wheeler) loan"
        r"|(?:credit|debit) card|fixed deposit|recurring deposit|savings account|current account"
        r"|(?:mutual|index|debt|equity|liquid|elss) fund|ppf|nps|sip|fd|rd)\b", re.I)),
    ("MERCHANT", 0.85, re.compile(
        r"\b(?:Swiggy|Zomato|Amazon|Flipkart|Myntra|Ajio|Nykaa|BigBasket|Blinkit|Zepto|DMart|Croma"
        r"|IRCTC|MakeMyTrip|OYO|IndiGo|Uber|Ola|Rapido|Netflix|Hotstar|Spotify|BookMyShow|PVR"
        r"|Airtel|Jio|BESCOM|Tanishq|Decathlon|IKEA|Dominos|KFC|Starbucks|Paytm|PhonePe)\b", re.I)),
    ("PERSON", 0.6, re.compile(rf"(?<=\bto ){_NAME}|(?<=\bfrom ){_NAME}|(?<=\bpay ){_NAME}"
                               rf"|(?<=\bsend ){_NAME}|\b[A-Z][a-z]+(?= (?:ko|ne|se|ji|bhai)\b)")),
)  # fmt: skip
# Where no pattern takes anything there may still be something.
NOTHING = 0.5


def _answer(row: Row) -> Answer:
    sentence = text(row, "text")
    taken: list[tuple[int, int, str, float]] = []
    for label, chance, pattern in PATTERNS:
        for found in pattern.finditer(sentence):
            start, end = found.span()
            if all(end <= first or start >= last for first, last, _, _ in taken):
                taken.append((start, end, label, chance))
    entities = [
        {"text": sentence[start:end], "label": label, "start": start, "end": end,
         "confidence": chance}
        for start, end, label, chance in sorted(taken)
    ]  # fmt: skip
    return {"entities": entities, "confidence": min((c for *_, c in taken), default=NOTHING)}


def _check(row: Row) -> None:
    text(row, "text")


RULES = Rules(_check, _answer, {"text": "I spent Rs 450 on Swiggy yesterday"})
