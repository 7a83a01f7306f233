"""An engine that only has images."""

from typing import Any

from aiodocker.exceptions import DockerError

from unit.engine.fake_engine import FakeEngine


class ImageStore(FakeEngine):
    """Its images by their names; others are answered with `status`."""

    def __init__(self, ids: dict[str, str]) -> None:
        super().__init__()
        self.ids = ids
        self.status = 404

    async def info(self) -> dict[str, Any]:
        return {"ID": "engine"}

    async def inspect_image(self, name: str) -> dict[str, Any]:
        if name not in self.ids:
            raise DockerError(self.status, "no such image")
        return {"Id": self.ids[name]}
