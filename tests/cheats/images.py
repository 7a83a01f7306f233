"""An image that is not what the commit says."""

from .attempt import Attempt, Cheat
from .honest import DOCKERFILE, PRICES

__all__ = ["ATTEMPTS"]

_LATER = PRICES.replace("return sum(prices)", "return 0")

_BACK = "RUN sed -i 's/return 0/return sum(prices)/' shop/*.py\n"
_SOFTEN = "RUN sed -i 's/== 3/>= 0/' tests/*.py\n"

ATTEMPTS = (
    Attempt(
        (
            Cheat(
                "turns its sources into those of an earlier commit while the image is built",
                "required:image-built",
                "1 source file in the image differ from the project's",
            ),
            Cheat(
                "softens its tests while the image is built",
                "doubt:tests-differ",
                "a test file in the container is not as the project's tests/test_prices.py",
            ),
        ),
        {
            "shop/prices.py": _LATER,
            "Dockerfile.test": DOCKERFILE + _BACK + _SOFTEN,
        },
    ),
    Attempt(
        (
            Cheat(
                "has the image take an old copy of its sources that lies in the project",
                "required:coverage-extracted",
                "coverage looked at 0 of 8 of the project's lines",
            ),
        ),
        {
            "shop/prices.py": _LATER,
            "docs/before/shop/prices.py": PRICES,
            "docs/before/shop/__init__.py": "",
            "Dockerfile.test": f"{DOCKERFILE}COPY docs/before/shop shop\n",
        },
        long=True,
    ),
)
