"""The shop over HTTP: one module for each kind of thing, and this one to put them together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from shop.api import accounts, carts, health, orders, problems, products, sales, shipping
from shop.resources import Resources


def create_app(resources: Resources) -> FastAPI:
    """The application. It owns the resources and closes them when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        resources.close()

    app = FastAPI(title="Shop", version="1.0.0", lifespan=lifespan)
    app.state.resources = resources
    problems.install(app)
    for part in (health, products, accounts, carts, orders, sales, shipping):
        app.include_router(part.router)
    return app
