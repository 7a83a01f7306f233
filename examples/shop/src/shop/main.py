"""The service as a server starts it: `uvicorn --factory shop.main:create`."""

import os

from fastapi import FastAPI

from shop.api import create_app
from shop.resources import open_resources
from shop.settings import Settings


def create() -> FastAPI:
    """The application, with its settings from the environment."""
    return create_app(open_resources(Settings.from_environment(os.environ)))
