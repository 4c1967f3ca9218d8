"""Credit risk: how likely a household is to default on the loan it applies for."""
