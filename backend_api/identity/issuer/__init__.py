"""A small OpenID Connect issuer: sign-in page, authorisation codes with PKCE, ID tokens."""
