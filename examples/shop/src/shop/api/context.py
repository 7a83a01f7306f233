"""What endpoints ask for: the resources, and who is calling."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shop.errors import ForbiddenError, TokenError
from shop.models import Customer
from shop.resources import Resources


@dataclass(frozen=True)
class Caller:
    """Somebody who is logged in."""

    id: int
    is_staff: bool


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Shop = Annotated[Resources, Depends(_resources)]


def _caller(
    shop: Shop,
    credentials: Annotated[
        HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))
    ],
) -> Caller:
    if credentials is None:
        raise TokenError("this needs a token")
    customer_id = shop.tokens.read(credentials.credentials)
    with shop.sessions.begin() as session:
        customer = session.get(Customer, customer_id)
    if customer is None:
        raise TokenError("this account was closed")
    return Caller(customer.id, customer.is_staff)


LoggedIn = Annotated[Caller, Depends(_caller)]


def _staff(caller: LoggedIn) -> Caller:
    if not caller.is_staff:
        raise ForbiddenError("this is for the shop's staff")
    return caller


Staff = Annotated[Caller, Depends(_staff)]
