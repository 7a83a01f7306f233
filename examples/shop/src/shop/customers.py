"""Accounts: registering and logging in."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shop.errors import CredentialsError, EmailTakenError
from shop.models import Customer
from shop.passwords import Passwords


def register(session: Session, passwords: Passwords, *, email: str, password: str) -> Customer:
    """Open an account.

    Raises:
        EmailTakenError: there is one with this address, in whatever spelling.
    """
    customer_id = session.scalar(
        insert(Customer)
        .values(email=normal(email), password_hash=passwords.hash(password))
        .on_conflict_do_nothing(index_elements=[Customer.email])
        .returning(Customer.id)
    )
    if customer_id is None:
        raise EmailTakenError(f"there is an account with the address {email}")
    return session.get_one(Customer, customer_id)


def log_in(session: Session, passwords: Passwords, *, email: str, password: str) -> Customer:
    """The customer with that address and password; an outdated hash is replaced on the way.

    Raises:
        CredentialsError: the address is unknown or the password is wrong.
    """
    customer = session.scalar(select(Customer).where(Customer.email == normal(email)))
    if customer is None:
        passwords.waste_time(password)
        raise CredentialsError("unknown address or wrong password")
    if not passwords.verify(password, customer.password_hash):
        raise CredentialsError("unknown address or wrong password")
    if passwords.is_outdated(customer.password_hash):
        customer.password_hash = passwords.hash(password)
        session.flush()
    return customer


def normal(email: str) -> str:
    """The spelling under which an address is stored."""
    return email.strip().lower()
