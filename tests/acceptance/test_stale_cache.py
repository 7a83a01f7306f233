"""A build whose cache brings about what is gone by now."""

import time

from .program import run_trial
from .projects import PYTEST_IMAGE, MakeProject

COMPOSE = """
    services:
      test:
        build: {context: ., dockerfile: Dockerfile.test}
        command: pytest -q
"""
DOCKERFILE = f"""
    FROM {PYTEST_IMAGE}
    RUN date +%s%N > /made
    COPY . /app
    WORKDIR /app
    RUN [ "$(cat /made)" -gt "$(cat needed)" ] || {{ echo "E: 404  Not Found"; exit 1; }}
"""


def test_a_build_that_fails_on_a_stale_cache_is_tried_once_without_it(project: MakeProject) -> None:
    shop = project(compose=COMPOSE)
    shop.write("Dockerfile.test", DOCKERFILE)
    shop.write("needed", "0")
    assert run_trial(shop).code == 0
    shop.write("needed", str(time.time_ns()))

    ended = run_trial(shop)

    assert ended.code == 0
    (note,) = [finding for finding in ended.record.findings if "stale cache" in finding]
    assert "tried once more without it" in note


def test_a_build_that_fails_of_itself_is_not_tried_again(project: MakeProject) -> None:
    broken = project(compose=COMPOSE)
    broken.write("Dockerfile.test", f"FROM {PYTEST_IMAGE}\nRUN exit 7\n")

    ended = run_trial(broken)

    assert ended.code == 3
    assert not [finding for finding in ended.record.findings if "stale cache" in finding]
