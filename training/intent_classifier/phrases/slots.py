"""What fills the slots of the patterns."""

from collections.abc import Callable

import numpy as np

Rng = np.random.Generator

LISTS: dict[str, tuple[str, ...]] = {
    "loan": (
        "home loan", "car loan", "personal loan", "education loan", "gold loan", "bike loan",
        "loan", "loan against property", "business loan", "housing loan", "two wheeler loan",
    ),
    "bank": (
        "SBI", "HDFC", "HDFC Bank", "ICICI", "ICICI Bank", "Axis", "Axis Bank", "Kotak", "PNB",
        "Bank of Baroda", "Canara Bank", "IDFC First", "Yes Bank", "IndusInd", "Union Bank",
    ),
    "month": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December", "this month", "last month", "next month",
    ),
    "period": (
        "this month", "last month", "this week", "last week", "this year", "last quarter",
        "the last 30 days", "the past 3 months", "in March", "in October", "since Diwali",
        "in the last 6 months", "today", "yesterday",
    ),
    "payee": (
        "Ramesh", "Priya", "my brother", "mummy", "papa", "my landlord", "Anjali", "Suresh",
        "my wife", "Imran", "Gurpreet", "the maid", "Lakshmi", "my sister", "Deepak", "Fatima",
        "my son", "John", "Meera", "the society", "my cousin", "Arjun", "Kavya", "the driver",
    ),
    "biller": (
        "electricity", "Jio postpaid", "gas", "water", "broadband", "DTH", "Airtel", "mobile",
        "BESCOM", "LIC premium", "credit card", "Tata Power", "wifi", "landline", "school fee",
        "house rent", "FASTag", "insurance premium", "piped gas", "society maintenance",
    ),
    "category": (
        "food", "Swiggy", "shopping", "fuel", "groceries", "eating out", "travel", "Zomato",
        "Amazon", "petrol", "movies", "clothes", "cabs", "Ola and Uber", "medicines",
        "subscriptions", "online shopping", "coffee", "weekend trips", "gadgets",
    ),
    "product": (
        "SIP", "FD", "fixed deposit", "mutual fund", "PPF", "ELSS fund", "recurring deposit",
        "index fund", "NPS", "liquid fund", "gold bond", "RD", "debt fund", "equity fund",
        "Nifty fund", "small cap fund",
    ),
    "merchant": (
        "Flipkart", "Amazon", "Reliance Digital", "BigBasket", "Myntra", "IRCTC", "Croma",
        "DMart", "Paytm", "PhonePe", "Netflix", "Uber", "MakeMyTrip", "Zepto", "Blinkit",
    ),
    "city": (
        "Mumbai", "Delhi", "Bengaluru", "Chennai", "Pune", "Kolkata", "Jaipur", "Lucknow",
        "Indore", "Kochi", "Nagpur", "Patna", "Surat", "Goa", "Shimla", "Hyderabad",
    ),
    "document": ("PAN", "Aadhaar", "PAN card", "Aadhaar card", "passport", "voter ID"),
}  # fmt: skip


def _amount(rng: Rng) -> str:
    lakhs = int(rng.integers(1, 95))
    thousands = int(rng.integers(1, 99))
    style = int(rng.integers(10))
    half = rng.choice(["", ".5"])
    return (
        f"₹{lakhs}L",
        f"₹{lakhs} lakh",
        f"{lakhs}{half} lakhs",
        f"Rs {thousands},000",
        f"{thousands}k",
        f"₹{thousands},500",
        f"{lakhs % 9 + 1}{half} crore",
        f"{thousands * 1000} rupees",
        f"INR {lakhs},{thousands:02d},000",
        f"Rs.{thousands}00",
    )[style]


def _tenure(rng: Rng) -> str:
    years = int(rng.integers(1, 31))
    return (f"{years} years", f"{years * 12} months", f"{years} yrs", f"{years} saal")[
        int(rng.integers(4))
    ]


MAKERS: dict[str, Callable[[Rng], str]] = {
    "amount": _amount,
    "tenure": _tenure,
    "salary": lambda rng: f"{int(rng.integers(18, 260))}k",
    "percent": lambda rng: f"{rng.integers(5, 15)}.{rng.integers(0, 100):02d}%",
    "age": lambda rng: str(rng.integers(40, 66)),
    "day": lambda rng: f"{rng.integers(1, 29)}th",
    "score": lambda rng: str(rng.integers(520, 880)),
    "digits": lambda rng: f"{rng.integers(0, 10_000):04d}",
}


def fill(template: str, rng: Rng) -> str:
    """The template with every ``{slot}`` replaced by a value drawn for it."""
    pieces = template.split("{")
    text = pieces[0]
    for piece in pieces[1:]:
        slot, _, rest = piece.partition("}")
        maker = MAKERS.get(slot)
        value = maker(rng) if maker else str(rng.choice(LISTS[slot]))
        text += value + rest
    return text
