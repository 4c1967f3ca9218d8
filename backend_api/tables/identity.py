"""People, machines, and what the embedded issuer keeps."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import FetchedValue, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from backend_api.tables.base import Base


class AccountRow(Base):
    """A person; ``password_hash`` only with the embedded issuer."""

    __tablename__ = "accounts"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    username: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class TokenRow(Base):
    """A token, stored as its hash: a machine's has a role, a person's an owner."""

    __tablename__ = "tokens"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str | None]
    owner: Mapped[str | None]
    token_hash: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class SigningKeyRow(Base):
    """A private key of the embedded issuer."""

    __tablename__ = "signing_keys"
    kid: Mapped[str] = mapped_column(primary_key=True)
    private: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class OidcCodeRow(Base):
    """An authorisation code, single use."""

    __tablename__ = "oidc_codes"
    code_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    client_id: Mapped[str]
    redirect_uri: Mapped[str]
    code_challenge: Mapped[str | None]
    nonce: Mapped[str | None]
    scope: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
