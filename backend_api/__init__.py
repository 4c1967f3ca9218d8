"""Control plane: the only writer of the registry, of deployments and of the ledger."""
