"""Names that fill the slots of the patterns, and which of them only the test split may use."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Rng = np.random.Generator

HELD_OUT = 0.2
# The first of each list are on everybody's lips: a model that is asked about them has met them.
FAMOUS = 8
# How often a name of the test split is one that training has never seen.
UNSEEN = 0.25
# How often training is given a name that nobody has: only the sentence tells what it is.
INVENTED = 0.5
# Some are words too (Sunny, Kiran, Happy; Apple, Max, Titan), as in life.
FIRST = (
    "Ramesh", "Suresh", "Mahesh", "Priya", "Anjali", "Imran", "Gurpreet", "Harpreet", "Lakshmi",
    "Deepak", "Fatima", "John", "Meera", "Arjun", "Kavya", "Rohit", "Sunita", "Anita", "Vikram",
    "Neha", "Pooja", "Rahul", "Amit", "Sanjay", "Vijay", "Ajay", "Kiran", "Asha", "Jyoti", "Sunny",
    "Lucky", "Pinky", "Happy", "Prince", "Dev", "Om", "Bharti", "Shanti", "Kamal", "Manish",
    "Rajesh", "Dinesh", "Ganesh", "Nilesh", "Swati", "Sneha", "Divya", "Ritu", "Seema", "Reena",
    "Farhan", "Ayesha", "Salman", "Zoya", "Abdul", "Mohammed", "Joseph", "Thomas", "Mary",
    "Anthony", "Karthik", "Senthil", "Murugan", "Revathi", "Venkatesh", "Srinivas", "Padma",
    "Nandini", "Subhash", "Debashish", "Sourav", "Ananya", "Ishaan", "Aarav", "Vivaan", "Diya",
    "Tanvi", "Jaspreet", "Manpreet", "Kuldeep", "Sandeep", "Pradeep", "Gopal", "Mohan", "Shyam",
    "Radha", "Geeta", "Savita", "Kavita", "Lalita", "Bhavesh", "Hetal", "Jignesh", "Nirav", "Parul",
    "Chandan", "Lalan", "Munni", "Rekha", "Hema", "Naveen", "Praveen", "Tarun", "Varun", "Nikhil",
)  # fmt: skip
FAMILY = (
    "Sharma", "Gupta", "Verma", "Singh", "Kumar", "Patel", "Shah", "Mehta", "Joshi", "Iyer",
    "Iyengar", "Nair", "Menon", "Pillai", "Reddy", "Rao", "Naidu", "Khan", "Ansari", "Sheikh",
    "Das", "Dutta", "Banerjee", "Mukherjee", "Ghosh", "Bose", "Yadav", "Mishra", "Tiwari", "Pandey",
    "Agarwal", "Bansal", "Goel", "Malhotra", "Kapoor", "Chopra", "Fernandes", "D'Souza", "Patil",
    "Kulkarni", "Deshmukh", "Jadhav", "Chauhan", "Rathore", "Thakur", "Bhatt",
)  # fmt: skip
BRAND = (
    "Swiggy", "Zomato", "Amazon", "Flipkart", "Myntra", "Ajio", "Meesho", "Nykaa", "BigBasket",
    "Blinkit", "Zepto", "DMart", "Reliance Digital", "Reliance Fresh", "Croma", "Vijay Sales",
    "IRCTC", "MakeMyTrip", "Goibibo", "RedBus", "OYO", "IndiGo", "Air India", "Vistara", "Uber",
    "Ola", "Rapido", "Netflix", "Hotstar", "Spotify", "BookMyShow", "PVR", "Airtel", "Jio",
    "Vodafone", "BSNL", "Tata Power", "BESCOM", "Adani Gas", "Indane", "Torrent Power", "Tata Play",
    "Apollo Pharmacy", "PharmEasy", "1mg", "Netmeds", "Lenskart", "Titan", "Tanishq", "Kalyan",
    "Malabar Gold", "Decathlon", "IKEA", "Pepperfry", "Urban Company", "Haldiram", "Dominos",
    "Pizza Hut", "KFC", "McDonalds", "Starbucks", "Cafe Coffee Day", "Chaayos", "Barista",
    "Westside", "Pantaloons", "Lifestyle", "Max", "Trends", "Shoppers Stop", "Zara", "H&M", "Bata",
    "Apple", "Samsung", "Xiaomi", "OnePlus", "Indian Oil", "HP Petrol", "Shell", "FASTag",
    "Spencers", "More", "Natures Basket", "Licious", "FreshToHome", "Country Delight",
    "Mother Dairy", "Amul", "Byjus", "Unacademy", "Cult Fit", "Gold Gym", "Practo",
    "Ferns N Petals", "Tata Cliq", "Snapdeal", "Metro", "Spar", "Mamaearth", "Boat",
    "Kindle", "Google Play", "YouTube Premium",
)  # fmt: skip
SHOP = (
    "Kirana Store", "General Store", "Sweets", "Medicals", "Pharmacy", "Electronics", "Textiles",
    "Jewellers", "Bakery", "Restaurant", "Dhaba", "Traders", "Provision Store", "Super Market",
    "Mobile Shop", "Garments", "Footwear", "Hardware", "Travels", "Tiffin Centre", "Book Depot",
    "Salon", "Furniture", "Dairy", "Motors", "Opticals", "Mart", "Bazaar", "Studio", "Caterers",
)  # fmt: skip
SHOP_OWNER = (
    "New Punjab", "Shri Krishna", "Sai", "Balaji", "Annapurna", "Royal", "City", "National",
    "Hotel Taj", "Modern", "Star", "Sagar", "Shiv", "Durga", "Laxmi", "Ganpati", "Bombay", "Madras",
    "Bikaner", "Udupi", "Anand", "Famous", "Ratna", "Janata", "Apna", "Gayatri", "Sunrise", "Green",
)  # fmt: skip
BANK = (
    "SBI", "State Bank of India", "HDFC", "HDFC Bank", "ICICI", "ICICI Bank", "Axis", "Axis Bank",
    "Kotak", "Kotak Mahindra Bank", "PNB", "Punjab National Bank", "BOB", "Bank of Baroda",
    "Canara Bank", "Canara", "Union Bank", "Union Bank of India", "IDFC First", "IDFC First Bank",
    "Yes Bank", "IndusInd", "IndusInd Bank", "Federal Bank", "South Indian Bank", "Indian Bank",
    "Indian Overseas Bank", "IOB", "Bank of India", "BOI", "Bank of Maharashtra", "UCO Bank",
    "Central Bank of India", "RBL", "RBL Bank", "Bandhan Bank", "IDBI", "IDBI Bank", "AU Bank",
    "Karnataka Bank", "City Union Bank", "Karur Vysya Bank", "DCB Bank", "Saraswat Bank", "HSBC",
    "Citibank", "Standard Chartered", "DBS", "Airtel Payments Bank", "Post Office", "Jana Bank",
)  # fmt: skip
HOUSE = (
    "SBI", "HDFC", "ICICI Prudential", "Axis", "Kotak", "Mirae Asset", "Parag Parikh", "Quant",
    "Nippon India", "UTI", "DSP", "Franklin", "Aditya Birla", "Motilal Oswal", "Tata", "Canara",
    "Edelweiss", "Invesco", "Bandhan", "Sundaram",
)  # fmt: skip
FUND = (
    "Bluechip Fund", "Flexi Cap Fund", "Small Cap Fund", "Mid Cap Fund", "Nifty 50 Index Fund",
    "Liquid Fund", "Tax Saver Fund", "Balanced Advantage Fund", "Large Cap Fund", "Contra Fund",
)  # fmt: skip
LOAN = (
    "home loan", "car loan", "personal loan", "education loan", "gold loan", "bike loan",
    "business loan", "housing loan", "two wheeler loan", "loan against property", "mudra loan",
    "overdraft", "top up loan", "kisan credit card", "vehicle loan", "student loan", "crop loan",
)  # fmt: skip
HOLDING = (
    "fixed deposit", "FD", "recurring deposit", "RD", "SIP", "mutual fund", "mutual funds",
    "index fund", "liquid fund", "debt fund", "ELSS", "PPF", "EPF", "NPS", "SSY", "NSC", "KVP",
    "Sukanya Samriddhi", "sovereign gold bond", "SGB", "term insurance", "health insurance",
    "life insurance", "term plan", "digital gold", "Nifty ETF", "gold ETF", "ULIP", "pension plan",
    "small cap fund", "tax saver FD", "money back policy",
)  # fmt: skip
ACCOUNT = ("savings account", "current account", "salary account", "demat account")
CARD = ("credit card", "debit card", "forex card")
HINDI = {
    "first": ("रमेश", "सुनीता", "राहुल", "प्रिया", "अमित", "गीता", "इमरान", "सीमा", "मोहन", "कविता",
              "राजेश", "अनीता", "विजय", "पूजा", "दीपक", "सलमा", "हरप्रीत", "लक्ष्मी"),
    "brand": ("स्विगी", "ज़ोमैटो", "अमेज़न", "फ्लिपकार्ट", "जियो", "एयरटेल", "ओला", "उबर", "डीमार्ट",
              "शर्मा स्वीट्स", "गुप्ता किराना स्टोर", "मिंत्रा", "नेटफ्लिक्स", "बिग बाज़ार"),
    "bank": ("एसबीआई", "एचडीएफसी", "एचडीएफसी बैंक", "पंजाब नेशनल बैंक", "आईसीआईसीआई बैंक",
             "बैंक ऑफ बड़ौदा", "केनरा बैंक", "एक्सिस बैंक", "भारतीय स्टेट बैंक", "यूनियन बैंक"),
    "product": ("होम लोन", "पर्सनल लोन", "कार लोन", "गोल्ड लोन", "एफडी", "आरडी", "एसआईपी",
                "म्यूचुअल फंड", "पीपीएफ", "क्रेडिट कार्ड", "सावधि जमा", "जीवन बीमा"),
}  # fmt: skip

LISTS: dict[str, tuple[str, ...]] = {
    "first": FIRST,
    "family": FAMILY,
    "brand": BRAND,
    "shop_owner": SHOP_OWNER,
    "bank": BANK,
    "house": HOUSE,
    **{f"hindi_{name}": words for name, words in HINDI.items()},
}
LATIN_LISTS = tuple(name for name in LISTS if not name.startswith("hindi_"))
HINDI_LISTS = tuple(name for name in LISTS if name.startswith("hindi_"))
# Kinds of things are few and known to everybody; who sells or holds them is not.
KNOWN_TO_ALL = {
    "shop": SHOP,
    "fund": FUND,
    "loan": LOAN,
    "holding": HOLDING,
    "account": ACCOUNT,
    "card": CARD,
}


def pick(words: tuple[str, ...], rng: Rng) -> str:
    """One of the words, each as likely."""
    return words[int(rng.integers(len(words)))]


@dataclass(frozen=True)
class Names:
    """Names by list; ``unseen`` are for the test split alone."""

    seen: Mapping[str, tuple[str, ...]]
    unseen: Mapping[str, tuple[str, ...]]

    def _invent(self, word: str, rng: Rng) -> str:
        """``word`` with its first word made of heads and tails of names of its script."""
        lists = HINDI_LISTS if word[0] > "z" else LATIN_LISTS
        head, tail = (
            pick(self.seen[lists[int(rng.integers(len(lists)))]], rng).split(" ")[0]
            for _ in range(2)
        )
        rest = word.split(" ")[1:]
        return " ".join([head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :], *rest])

    def draw(self, name: str, split: str, rng: Rng) -> str:
        """One name of a list, as ``split`` may use it."""
        if split == "test" and name in self.unseen and rng.random() < UNSEEN:
            return pick(self.unseen[name], rng)
        word = pick(self.seen[name], rng)
        if split == "train" and name in self.unseen and rng.random() < INVENTED:
            return self._invent(word, rng)
        return word


def deal(seed: int) -> Names:
    """Put ``HELD_OUT`` of each list aside for the test split, none of its ``FAMOUS`` names."""
    chooser = np.random.default_rng([seed, 5])
    seen: dict[str, tuple[str, ...]] = dict(KNOWN_TO_ALL)
    unseen: dict[str, tuple[str, ...]] = {}
    for name, words in LISTS.items():
        order = [words[place + FAMOUS] for place in chooser.permutation(len(words) - FAMOUS)]
        held = max(1, round(HELD_OUT * len(words)))
        unseen[name], seen[name] = tuple(order[:held]), (*words[:FAMOUS], *order[held:])
    return Names(seen, unseen)
