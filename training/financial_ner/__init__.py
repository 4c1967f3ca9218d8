"""Financial NER: the amounts, dates, banks, products, merchants and persons in a sentence."""
