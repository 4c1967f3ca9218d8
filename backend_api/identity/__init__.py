"""Who is asking: people by OpenID Connect, machines by tokens; what they may do by our own rows."""
