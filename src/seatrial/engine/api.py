"""The few operations of the Docker Engine API that Seatrial uses, typed."""

import asyncio
import base64
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatrial.words import counted

if TYPE_CHECKING:
    from aiodocker import Docker
    from aiohttp import ClientResponse

__all__ = ["Container", "Engine", "ExecResult", "Held"]

SERVICE_LABEL = "com.docker.compose.service"
_FRAME = struct.Struct(">BxxxL")
"""The engine's header before each piece of a stream: which stream, how many bytes."""
_CHUNK = 1 << 16
HTTP_NOT_FOUND, HTTP_CONFLICT = 404, 409
MAX_EXEC_OUTPUT = 1 << 16


@dataclass(frozen=True)
class Container:
    """A container as the engine lists it."""

    id: str
    name: str
    service: str
    """Compose's name of the service; empty if Compose did not make it."""
    state: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class ExecResult:
    """What a command run inside a container did; `output` is both streams, at most 64 KiB."""

    code: int
    output: str


@dataclass(frozen=True)
class Held:
    """Names of what the engine holds under a label."""

    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.containers or self.networks or self.volumes)

    def __str__(self) -> str:
        counts = (
            counted(len(self.containers), "container"),
            counted(len(self.networks), "network"),
            counted(len(self.volumes), "volume"),
        )
        return ", ".join(counts)


class Engine:
    """A connection to an engine. Raises aiodocker's `DockerError` for what the engine refuses."""

    def __init__(self, docker: "Docker") -> None:
        self._docker = docker
        self._info: dict[str, Any] = {}

    async def info(self) -> dict[str, Any]:
        """What the engine tells of itself and its machine; asked once, as it takes it 10 ms."""
        self._info = self._info or dict(await self._docker.system.info())
        return self._info

    async def version(self) -> dict[str, Any]:
        """Versions of the engine and its parts."""
        return dict(await self._docker.version())

    async def containers(self, label: str | None = None) -> list[Container]:
        """All containers, running or not, or those that carry `label` (`key` or `key=value`)."""
        listed = await self._json("containers/json", params={"all": "1", **_labelled(label)})
        return [
            Container(
                id=raw["Id"],
                name=(raw.get("Names") or [raw["Id"]])[0].lstrip("/"),
                service=(raw.get("Labels") or {}).get(SERVICE_LABEL, ""),
                state=raw.get("State", ""),
                labels=raw.get("Labels") or {},
            )
            for raw in listed
        ]

    async def networks(self, label: str | None = None) -> list[dict[str, Any]]:
        """All networks, or those that carry `label`."""
        listed = await self._json("networks", params=_labelled(label))
        return list(listed)

    async def volumes(self, label: str | None = None) -> list[dict[str, Any]]:
        """All volumes, or those that carry `label`."""
        listed = await self._json("volumes", params=_labelled(label))
        return listed.get("Volumes") or []

    async def inspect(self, container: str) -> dict[str, Any]:
        """Everything the engine knows of a container."""
        return dict(await self._json(f"containers/{container}/json"))

    async def inspect_image(self, name: str) -> dict[str, Any]:
        """Everything the engine knows of an image in its local store."""
        return dict(await self._json(f"images/{name}/json"))

    async def create_volume(
        self, name: str, labels: Mapping[str, str], options: Mapping[str, str] | None = None
    ) -> str:
        """Make a volume of the local driver and return its place on the engine's machine."""
        config = {"Name": name, "Labels": dict(labels), "DriverOpts": dict(options or {})}
        made = await self._docker._query_json("volumes/create", "POST", data=config)  # noqa: SLF001
        return str(made.get("Mountpoint", ""))

    async def create_network(self, name: str, labels: Mapping[str, str]) -> str:
        """Make a network of the engine's default driver and return its id."""
        config = {"Name": name, "Labels": dict(labels), "CheckDuplicate": True}
        made = await self._docker._query_json("networks/create", "POST", data=config)  # noqa: SLF001
        return str(made["Id"])

    async def start(self, container: str) -> None:
        """Start a created container."""
        await self._docker.containers.container(container).start()

    async def wait(self, container: str) -> int:
        """Wait until a container has ended and return its exit code."""
        return int((await self._docker.containers.container(container).wait())["StatusCode"])

    async def restart(self, container: str, *, grace_s: int) -> None:
        """Start a container again, ended or not; one that runs gets `grace_s` seconds to end."""
        await self._docker.containers.container(container).restart(t=grace_s)

    async def stop(self, container: str, *, grace_s: int) -> None:
        """Ask a container to end, and kill it `grace_s` seconds later."""
        await self._docker.containers.container(container).stop(t=grace_s)

    async def exec(
        self,
        container: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        timeout_s: float,
    ) -> ExecResult:
        """Run a command in a running container, as the container's own user.

        Raises:
            TimeoutError: it took longer; the engine has no way to end it.
        """
        async with asyncio.timeout(timeout_s):
            handle = await self._docker.containers.container(container).exec(
                list(command), environment=environment
            )
            output = bytearray()
            async with handle.start(detach=False) as stream:
                while (message := await stream.read_out()) is not None:
                    output += message.data[: MAX_EXEC_OUTPUT - len(output)]
            state = await handle.inspect()
            # On Engine 20.10 the stream can end a moment before the exit code is known.
            while state["ExitCode"] is None or state["Running"]:
                await asyncio.sleep(0.005)
                state = await handle.inspect()
        return ExecResult(int(state["ExitCode"]), output.decode(errors="replace"))

    async def logs(
        self, container: str, *, tty: bool, tail: int | None = None, follow: bool = True
    ) -> AsyncIterator[bytes]:
        """Yield pieces of a container's log, each line with the engine's timestamp before it."""
        params = {
            "stdout": "1",
            "stderr": "1",
            "follow": "1" if follow else "0",
            "timestamps": "1",
            "tail": "all" if tail is None else str(tail),
        }
        async with self._stream("GET", f"containers/{container}/logs", params) as response:
            if tty:
                async for chunk in response.content.iter_chunked(_CHUNK):
                    yield chunk
                return
            while True:
                try:
                    header = await response.content.readexactly(_FRAME.size)
                except asyncio.IncompleteReadError:
                    return
                remaining = _FRAME.unpack(header)[1]
                while remaining:
                    chunk = await response.content.read(min(remaining, _CHUNK))
                    if not chunk:
                        return
                    remaining -= len(chunk)
                    yield chunk

    async def stats(self, container: str) -> AsyncIterator[dict[str, Any]]:
        """Yield what the engine tells of a container's use of resources, about once a second."""
        async with self._stream(
            "GET", f"containers/{container}/stats", {"stream": "1"}
        ) as response:
            async for line in response.content:
                yield json.loads(line)

    async def commit(self, container: str, labels: Mapping[str, str] | None = None) -> str:
        """Make an image of a container's own files; volumes are not in it.

        It has the container's labels; those in `labels` win over them.
        """
        params = {"container": container, "pause": "false"}
        made = await self._docker._query_json(  # noqa: SLF001
            "commit", "POST", params=params, data={"Labels": dict(labels)} if labels else None
        )
        return str(made["Id"])

    async def tag(self, image: str, name: str) -> None:
        """Give an image a name, `repository:tag`."""
        repository, _, tag = name.rpartition(":")
        async with self._stream("POST", f"images/{image}/tag", {"repo": repository, "tag": tag}):
            pass

    async def create_container(self, config: Mapping[str, Any]) -> str:
        """Create a container from the engine's own form of a configuration."""
        made = await self._docker._query_json("containers/create", "POST", data=dict(config))  # noqa: SLF001
        return str(made["Id"])

    async def modified_at(self, container: str, path: str) -> str | None:
        """When a path in a container was last changed, as the engine writes times; None: never."""
        told = await self._path_stat(container, path)
        return str(told["mtime"]) if told else None

    async def size_of(self, container: str, path: str) -> int | None:
        """Bytes of a file in a container; None: there is none."""
        told = await self._path_stat(container, path)
        return int(told["size"]) if told else None

    async def _path_stat(self, container: str, path: str) -> dict[str, Any] | None:
        from aiodocker.exceptions import DockerError  # noqa: PLC0415 - imported late, see connect

        try:
            async with self._stream(
                "HEAD", f"containers/{container}/archive", {"path": path}
            ) as response:
                told = response.headers.get("X-Docker-Container-Path-Stat", "")
            stat = dict(json.loads(base64.b64decode(told)))
        except (DockerError, ValueError):
            return None
        return stat if {"mtime", "size"} <= stat.keys() else None

    async def connect(self, network: str, container: str) -> None:
        """Put a container that does not run yet on one more network."""
        await self._docker._query_json(  # noqa: SLF001
            f"networks/{network}/connect", "POST", data={"Container": container}
        )

    async def written_bytes(self, container: str) -> int:
        """How much a container has written to its own files; volumes are not counted."""
        inspected = await self._json(f"containers/{container}/json", params={"size": "1"})
        return int(inspected.get("SizeRw") or 0)

    async def get_archive(self, container: str, path: str) -> AsyncIterator[bytes]:
        """Yield the tar archive of a path in a container, in pieces of at most 64 KiB."""
        async with self._stream(
            "GET", f"containers/{container}/archive", {"path": path}
        ) as response:
            async for chunk in response.content.iter_chunked(_CHUNK):
                yield chunk

    async def put_archive(
        self, container: str, path: str, archive: bytes | AsyncIterator[bytes]
    ) -> None:
        """Unpack a tar archive into a folder of a container, which need not run."""
        params = {"path": path}
        async with self._stream("PUT", f"containers/{container}/archive", params, archive):
            pass

    async def kill(self, container: str) -> None:
        """Kill a container and wait until it has ended; one that does not run is fine."""
        from aiodocker.exceptions import DockerError  # noqa: PLC0415 - imported late, see connect

        try:
            await self._docker.containers.container(container).kill()
            await self.wait(container)
        except DockerError as error:
            if error.status not in {HTTP_NOT_FOUND, HTTP_CONFLICT}:
                raise

    async def remove_container(self, container: str) -> None:
        """Kill and remove a container and its anonymous volumes; gone already is fine."""
        await self._delete(f"containers/{container}", {"force": "1", "v": "1"})

    async def remove_network(self, network: str) -> None:
        """Remove a network; gone already is fine."""
        await self._delete(f"networks/{network}", {})

    async def remove_volume(self, volume: str) -> None:
        """Remove a volume; gone already is fine."""
        await self._delete(f"volumes/{volume}", {"force": "1"})

    async def images(self, label: str) -> list[str]:
        """The ids of all images that carry `label`."""
        listed = await self._json("images/json", params={"filters": f'{{"label":["{label}"]}}'})
        return [str(raw["Id"]) for raw in listed]

    async def remove_image(self, image: str) -> None:
        """Remove an image, but not those that it was made from; gone already is fine."""
        await self._delete(f"images/{image}", {"force": "1", "noprune": "1"})

    async def held(self, label: str | None = None) -> Held:
        """What the engine holds under `label`, or in all."""
        containers, networks, volumes = await asyncio.gather(
            self.containers(label), self.networks(label), self.volumes(label)
        )
        return Held(
            tuple(sorted(c.name for c in containers)),
            tuple(sorted(n["Name"] for n in networks)),
            tuple(sorted(v["Name"] for v in volumes)),
        )

    async def _delete(self, path: str, params: Mapping[str, str]) -> None:
        from aiodocker.exceptions import DockerError  # noqa: PLC0415 - imported late, see connect

        try:
            async with self._stream("DELETE", path, params):
                pass
        except DockerError as error:
            if error.status != HTTP_NOT_FOUND:
                raise

    async def _json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        return await self._docker._query_json(path, params=dict(params or {}))  # noqa: SLF001

    @contextlib.asynccontextmanager
    async def _stream(
        self, method: str, path: str, params: Mapping[str, str], data: Any = None
    ) -> AsyncIterator["ClientResponse"]:
        # aiodocker's public calls read archives and answers into memory whole; this is the same
        # query without that. Its total time is unlimited, as logs are followed for hours.
        async with self._docker._query(  # noqa: SLF001
            path,
            method,
            params=dict(params),
            data=data,
            headers={"Content-Type": "application/x-tar"} if data is not None else None,
            timeout=None,
        ) as response:
            try:
                yield response
            finally:
                response.release()


def _labelled(label: str | None) -> dict[str, str]:
    return {} if label is None else {"filters": json.dumps({"label": [label]})}
