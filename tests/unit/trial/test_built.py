"""What is known of base images: from the builder's log, and from the engine's own store."""

from collections.abc import Mapping
from typing import Any

import pytest
from aiodocker.exceptions import DockerError

from seatrial.evidence.build import BaseImage
from seatrial.trial.build import STAND_IN_LABEL
from seatrial.trial.built import read_base
from unit.engine.fake_engine import FakeEngine

ONE, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
ID = f"sha256:{'a' * 64}"


class Store(FakeEngine):
    """An engine with these images."""

    def __init__(self, images: Mapping[str, Any]) -> None:
        super().__init__()
        self._images = images

    async def inspect_image(self, name: str) -> dict[str, Any]:
        if name not in self._images:
            raise DockerError(404, f"No such image: {name}")
        return dict(self._images[name])


def pulled(*digests: str) -> dict[str, Any]:
    return {"Id": ID, "RepoDigests": [f"python@{digest}" for digest in digests]}


@pytest.mark.parametrize(
    ("resolved", "image", "digest", "known"),
    [
        pytest.param(f"python:3@{ONE}", pulled(ONE), ONE, True, id="the builder's"),
        pytest.param(f"python:3@{ONE}", pulled(OTHER, ONE), ONE, True, id="one of several"),
        pytest.param(f"python:3@{ONE}", pulled(OTHER), ONE, False, id="another one of that name"),
        pytest.param(f"python:3@{ONE}", None, ONE, False, id="only the builder has it"),
        pytest.param("python:3", pulled(ONE), ONE, True, id="the engine's"),
        pytest.param("python:3", pulled(), None, True, id="no registry knows it"),
        pytest.param("python:3", None, None, False, id="nobody has it"),
        pytest.param(f"docker.io/library/python:3@{ONE}", pulled(ONE), ONE, True, id="long name"),
        pytest.param("docker.io/python:3", pulled(ONE), ONE, True, id="half of the long name"),
    ],
)
async def test_a_base_image_has_the_digest_that_is_known_for_sure(
    resolved: str, image: dict[str, Any] | None, digest: str | None, known: bool
) -> None:
    found = await read_base(Store({"python:3": image} if image else {}), resolved)

    assert found == BaseImage(name="python:3", digest=digest, id=ID if known else None)


async def test_an_image_of_another_registry_keeps_its_whole_name() -> None:
    name = "localhost:5000/team/base:1"

    found = await read_base(Store({name: pulled(ONE)}), f"{name}@{ONE}")

    assert (found.name, found.digest, found.id) == (name, ONE, ID)


async def test_what_only_stands_in_for_an_image_is_told() -> None:
    image = {"Id": ID, "Config": {"Labels": {STAND_IN_LABEL: "Debian's Python 3.13"}}}

    found = await read_base(Store({"python:3": image}), "python:3")

    assert (found.digest, found.stand_in) == (None, "Debian's Python 3.13")
