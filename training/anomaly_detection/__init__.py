"""Anomaly detection: whether a transaction is out of the ordinary for its account."""
