"""Registering and logging in over HTTP."""

from fastapi import APIRouter, status

from shop import customers
from shop.api.context import Shop
from shop.api.schemas import AccountIn, LoginIn

router = APIRouter(tags=["accounts"])


@router.post("/customers", status_code=status.HTTP_201_CREATED)
def register(shop: Shop, account: AccountIn) -> dict[str, str]:
    """Open an account."""
    with shop.sessions.begin() as session:
        customer = customers.register(
            session, shop.passwords, email=account.email, password=account.password
        )
    return {"email": customer.email}


@router.post("/sessions", status_code=status.HTTP_201_CREATED)
def log_in(shop: Shop, login: LoginIn) -> dict[str, str]:
    """Get a token. Attempts are limited for each address, whether it has an account or not."""
    name = customers.normal(login.email)
    shop.logins.spend(name)
    with shop.sessions.begin() as session:
        customer = customers.log_in(
            session, shop.passwords, email=login.email, password=login.password
        )
    shop.logins.forgive(name)
    return {"token": shop.tokens.issue(customer.id)}
