import json
import os
from pathlib import Path
from typing import Any

import pytest

from seatrial.evidence.filetree import NotComparableError, list_tree
from seatrial.settings import CoverageSettings, ReuseSettings, Settings
from seatrial.stack.plan import Plan
from seatrial.stack.redirect import FileCopy, SourceMount
from seatrial.trial.ingredients import find_facts, find_images, find_roots
from unit.stack.forms import bind, volume

from .plans import make_plan_of


def facts(plan: Plan, *, home: Path = Path("/nonexistent"), **values: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "info": {"ID": "engine"},
        "compose_version": "2.30.1",
        "environ": {},
        "home": home,
    }
    settings = values.pop("settings", Settings())
    return find_facts(plan, settings, **(defaults | values))


def files(plan: Plan, settings: Settings | None = None) -> set[str]:
    """The project's files that are looked at, relative to it."""
    found = set()
    for root in find_roots(plan, settings or Settings()):
        for entry in list_tree(root):
            path = root.path / entry.place
            if path.is_file() and path.is_relative_to(plan.project):
                found.add(path.relative_to(plan.project).as_posix())
    return found


def plant(folder: Path, *names: str, text: str = "") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def built(folder: Path, **build: Any) -> Plan:
    return make_plan_of(
        folder, {"test": {"build": {"context": str(folder), "dockerfile": "Dockerfile", **build}}}
    )


def test_all_of_a_context_is_looked_at_but_what_is_ignored(tmp_path: Path) -> None:
    plant(tmp_path, "Dockerfile", "src/a.py", "notes/x", ".git/HEAD", ".seatrial/runs/t1/record")
    plant(tmp_path, ".dockerignore", text="notes\n")

    assert files(built(tmp_path)) == {"Dockerfile", "src/a.py", ".git/HEAD", ".dockerignore"}


def test_a_dockerfile_and_its_ignore_file_are_looked_at_even_if_they_are_ignored(
    tmp_path: Path,
) -> None:
    plant(tmp_path, "Dockerfile", "a")
    plant(tmp_path, ".dockerignore", text="*\n")

    assert files(built(tmp_path)) == {"Dockerfile", ".dockerignore"}


def test_the_ignore_file_of_a_dockerfile_wins_over_that_of_the_context(tmp_path: Path) -> None:
    plant(tmp_path, "docker/Dockerfile", "a", "b")
    plant(tmp_path, ".dockerignore", text="a\n")
    plant(tmp_path, "docker/Dockerfile.dockerignore", text="b\n")

    found = files(built(tmp_path, dockerfile="docker/Dockerfile"))

    assert found >= {"a", "docker/Dockerfile.dockerignore"}
    assert "b" not in found


def test_what_is_mounted_is_looked_at_even_if_the_builder_ignores_it(tmp_path: Path) -> None:
    plant(tmp_path, "Dockerfile", "data/x", "conf/y", "one", "z")
    plant(tmp_path, ".dockerignore", text="*\n")
    plan = make_plan_of(
        tmp_path,
        {
            "test": {
                "build": {"context": str(tmp_path)},
                "volumes": [
                    bind(tmp_path / "conf", "/conf", read_only=True),
                    volume("source-0", "/data"),
                ],
            }
        },
        sources=(SourceMount("v", tmp_path / "data", "test", "/data"),),
        file_copies=(FileCopy("test", tmp_path / "one", "/one"),),
    )

    assert files(plan) == {"Dockerfile", ".dockerignore", "data/x", "conf/y", "one"}


def test_secrets_configs_env_files_and_other_contexts_are_looked_at(tmp_path: Path) -> None:
    plant(tmp_path, "secret", "config", "my.env", ".env", "other/x", "z", "ctx/Dockerfile")
    plan = make_plan_of(
        tmp_path,
        {
            "test": {
                "build": {
                    "context": str(tmp_path / "ctx"),
                    "additional_contexts": {"o": str(tmp_path / "other")},
                }
            }
        },
        secrets={"s": {"file": str(tmp_path / "secret")}},
        configs={"c": {"file": str(tmp_path / "config")}},
    )

    found = files(plan, Settings(env_files=("my.env",)))

    assert found == {"secret", "config", "my.env", ".env", "other/x", "ctx/Dockerfile"}


def test_the_files_that_seatrial_itself_puts_into_containers_count(tmp_path: Path) -> None:
    roots = find_roots(make_plan_of(tmp_path, {"test": {"image": "x"}}), Settings())

    assert "seatrial_probe.py" in {root.path.name for root in roots}


def test_coverage_of_the_change_looks_at_the_whole_project(tmp_path: Path) -> None:
    plant(tmp_path, "a")
    plan = make_plan_of(tmp_path, {"test": {"image": "x"}})

    assert files(plan) == set()
    assert files(plan, Settings(coverage=CoverageSettings(base="main"))) == {"a"}


def test_every_image_that_a_dockerfile_takes_something_of_is_named(tmp_path: Path) -> None:
    plant(
        tmp_path,
        "Dockerfile",
        text=(
            "ARG TAG=3.13\nARG BASE\n"
            "FROM python:${TAG} AS base\n"
            "COPY --from=tools:1 /x /x\n"
            "FROM $BASE\nFROM scratch\nFROM BASE AS test\n"
            "COPY --from=base /y /y\nCOPY --from=0 /y /y\n"
            "RUN --mount=type=bind,from=cache:2,target=/z true\n"
        ),
    )

    plan = built(tmp_path, args={"BASE": "debian:12"})

    assert find_images(plan) == ["cache:2", "debian:12", "python:3.13", "tools:1"]


def test_images_that_are_pulled_are_named_and_those_that_are_built_are_not(tmp_path: Path) -> None:
    build = {"context": str(tmp_path), "dockerfile_inline": "FROM scratch\n"}
    plan = make_plan_of(
        tmp_path,
        {
            "test": {"image": "own", "build": build},
            "again": {"image": "own"},
            "db": {"image": "postgres:16"},
        },
    )

    assert find_images(plan) == ["postgres:16"]


@pytest.mark.parametrize(
    ("dockerfile", "why"),
    [
        ("FROM python:$NOBODY_SAYS\n", "cannot be told"),
        ("FROM a\nADD https://example.com/x /x\n", "from elsewhere"),
        ("FROM a\nADD git@example.com:x.git /x\n", "from elsewhere"),
        ("FROM a\nADD $SOURCE /x\n", "from elsewhere"),
        ('FROM a\nADD ["https://example.com/x", "/x"]\n', "from elsewhere"),
    ],
)
def test_a_dockerfile_that_takes_what_cannot_be_known_makes_no_comparison(
    tmp_path: Path, dockerfile: str, why: str
) -> None:
    plant(tmp_path, "Dockerfile", text=dockerfile)

    with pytest.raises(NotComparableError, match=why):
        find_images(built(tmp_path))


@pytest.mark.parametrize("context", ["https://example.com/x.git", "git@example.com:x", "missing"])
def test_a_context_from_elsewhere_makes_no_comparison(tmp_path: Path, context: str) -> None:
    with pytest.raises(NotComparableError, match="no folder of this machine"):
        find_roots(built(tmp_path, context=context), Settings())
    with pytest.raises(NotComparableError, match="no folder of this machine"):
        find_roots(built(tmp_path, additional_contexts={"x": context}), Settings())


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ({"pull_policy": "always"}, "asks a registry"),
        ({"volumes_from": ["container:x"]}, "foreign container"),
        ({"build": {"no_cache": True}}, "fresh build"),
        ({"build": {"pull": True}}, "fresh build"),
        ({"build": {"ssh": ["default"]}}, "SSH agent"),
        ({"volumes": [{"type": "image", "source": "x", "target": "/x"}]}, "type image"),
    ],
)
def test_a_service_that_changes_without_a_trace_makes_no_comparison(
    tmp_path: Path, service: dict[str, Any], why: str
) -> None:
    with pytest.raises(NotComparableError, match=why):
        facts(make_plan_of(tmp_path, {"test": service}))


@pytest.mark.parametrize(
    "raw",
    [{"driver": "nfs"}, {"driver_opts": {"type": "none", "o": "bind", "device": "/data"}}],
)
def test_a_volume_with_data_from_elsewhere_makes_no_comparison(
    tmp_path: Path, raw: dict[str, Any]
) -> None:
    with pytest.raises(NotComparableError, match="from elsewhere"):
        facts(make_plan_of(tmp_path, {"test": {}}, volumes={"v": raw}))


def test_the_classic_builder_makes_no_comparison(tmp_path: Path) -> None:
    with pytest.raises(NotComparableError, match="classic builder"):
        facts(built(tmp_path), environ={"DOCKER_BUILDKIT": "0"})


def test_what_is_another_in_every_trial_does_not_count(tmp_path: Path) -> None:
    def trial(name: str, owner: str) -> dict[str, Any]:
        labels = {"dev.seatrial.trial": name, "dev.seatrial.owner": owner}
        plan = make_plan_of(
            tmp_path,
            {"test": {"labels": labels}},
            name=f"seatrial-shop-{name}",
            labels=labels,
            volumes={"v": {"name": f"seatrial-shop-{name}_v"}},
        )
        return facts(plan)

    assert trial("20260102-030405-aaaaaa", "m/1/2") == trial("20260102-030406-bbbbbb", "m/3/4")


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": Settings(retries=1)},
        {"settings": Settings(source="copy")},
        {"info": {"ID": "another"}},
        {"compose_version": "2.30.2"},
        {"environ": {"DOCKER_DEFAULT_PLATFORM": "linux/arm64"}},
        {"environ": {"TOKEN": "another"}},
    ],
)
def test_each_of_these_counts(tmp_path: Path, changed: dict[str, Any]) -> None:
    plan = make_plan_of(tmp_path, {"test": {}}, secrets={"s": {"environment": "TOKEN"}})

    assert facts(plan, **changed) != facts(plan)


def test_pytests_arguments_and_the_test_service_count(tmp_path: Path) -> None:
    plan = make_plan_of(tmp_path, {"test": {}})

    assert facts(make_plan_of(tmp_path, {"test": {}}, arguments=("-x",))) != facts(plan)


def test_how_long_records_are_reused_does_not_count(tmp_path: Path) -> None:
    plan = make_plan_of(tmp_path, {"test": {}})

    assert facts(plan, settings=Settings(reuse=ReuseSettings(max_age=1))) == facts(plan)


def test_the_proxies_of_dockers_programs_count(tmp_path: Path) -> None:
    plan = make_plan_of(tmp_path, {"test": {}})
    before = facts(plan, home=tmp_path)
    plant(tmp_path, ".docker/config.json", text=json.dumps({"proxies": {"default": {}}}))

    assert facts(plan, home=tmp_path) != before


def test_everything_can_be_put_down_as_json(tmp_path: Path) -> None:
    assert json.dumps(facts(built(tmp_path), environ=dict(os.environ)))
