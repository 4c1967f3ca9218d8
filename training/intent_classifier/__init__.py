"""Intent classifier: what a user of the assistant wants, from one sentence."""
