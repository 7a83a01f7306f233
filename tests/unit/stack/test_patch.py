import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.errors import UsageFault
from seatrial.stack import patch
from seatrial.stack.model import Form
from seatrial.stack.patch import Change
from seatrial.stack.redirect import FileCopy, OutputMount, SourceMount, redirect_mounts
from unit.stack.forms import bind, make_form, volume

LABELS = {"dev.seatrial.trial": "t1"}


def redirect(
    form: Form,
    project: Path,
    *,
    outputs: tuple[str, ...] = (),
    copy_all: bool = False,
) -> list[Change | OutputMount | SourceMount | FileCopy]:
    return list(
        redirect_mounts(
            form,
            project=project,
            prefix="trial",
            outputs=outputs,
            copy_all=copy_all,
            labels=LABELS,
            has_tracked_files=lambda _: False,
        )
    )


def places(changes: list[Any]) -> list[str]:
    return [change.where for change in changes if isinstance(change, Change)]


def test_services_that_take_no_part_are_dropped_with_what_only_they_use() -> None:
    form = make_form(
        {
            "test": {"profiles": ["ci"]},
            "db": {"volumes": [volume("data", "/data")]},
            "mail": {"networks": {"post": None}, "volumes": [volume("spool", "/spool")]},
        },
        networks={"default": {}, "post": {}},
        volumes={"data": {}, "spool": {}},
    )

    changes = list(patch.keep_only(form, ["test", "db"]))

    assert list(form["services"]) == ["test", "db"]
    assert "profiles" not in form["services"]["test"]
    assert list(form["networks"]) == ["default"]
    assert list(form["volumes"]) == ["data"]
    assert places(changes) == ["services.mail"]


def test_networks_and_volumes_get_the_trials_own_names() -> None:
    form = make_form({"db": {}}, volumes={"data": {"name": "shared"}, "own": {"name": "t_own"}})

    changes = list(patch.own_names(form, "t", "refuse"))

    assert form["volumes"]["data"]["name"] == "t_data"
    assert form["networks"]["default"]["name"] == "t_default"
    assert places(changes) == ["networks.default", "volumes.data"]


@pytest.mark.parametrize("kind", ["networks", "volumes"])
def test_what_is_external_is_refused(kind: str) -> None:
    form = make_form({"db": {}}, **{kind: {"corp": {"name": "corp", "external": True}}})

    with pytest.raises(UsageFault, match="'corp' is external") as raised:
        list(patch.own_names(form, "t", "refuse"))

    assert raised.value.where == f"{kind}.corp"
    assert "--external replace" in raised.value.next_step


def test_what_is_external_is_replaced_if_the_settings_say_so() -> None:
    form = make_form({"db": {}}, networks={"corp": {"name": "corp", "external": True}})

    changes = list(patch.own_names(form, "t", "replace"))

    assert form["networks"]["corp"] == {"name": "t_corp"}
    assert places(changes) == ["networks.corp"]


def test_external_links_are_removed() -> None:
    form = make_form({"web": {"external_links": ["old"]}})

    assert "services.web.external_links" in places(list(patch.own_names(form, "t", "refuse")))
    assert "external_links" not in form["services"]["web"]


def test_a_container_name_becomes_an_alias_in_every_network() -> None:
    form = make_form(
        {
            "db": {
                "container_name": "shop-db",
                "networks": {"default": None, "back": {"aliases": ["pg"]}},
            }
        }
    )

    list(patch.no_container_names(form))

    db = form["services"]["db"]
    assert "container_name" not in db
    assert db["networks"]["default"]["aliases"] == ["shop-db"]
    assert db["networks"]["back"]["aliases"] == ["pg", "shop-db"]


def test_a_container_name_without_networks_is_dropped() -> None:
    form = make_form({"db": {"container_name": "x", "network_mode": "host"}})

    assert places(list(patch.no_container_names(form))) == ["services.db.container_name"]
    assert form["services"]["db"] == {"network_mode": "host"}


def test_published_ports_become_exposed_ones() -> None:
    form = make_form(
        {
            "web": {
                "ports": [
                    {"target": 80, "published": "8080", "protocol": "tcp"},
                    {"target": 53, "published": "53", "protocol": "udp"},
                    {"target": 80, "published": "8081", "protocol": "tcp"},
                ],
                "expose": ["80/tcp"],
            }
        }
    )

    list(patch.no_published_ports(form))

    assert "ports" not in form["services"]["web"]
    assert form["services"]["web"]["expose"] == ["80/tcp", "53/udp"]


@pytest.mark.parametrize("policy", ["always", "unless-stopped", "on-failure:3"])
def test_nothing_is_restarted(policy: str) -> None:
    form = make_form(
        {"web": {"restart": policy, "deploy": {"restart_policy": {"condition": "any"}}}}
    )

    assert places(list(patch.no_restarts(form))) == ["services.web.restart"]
    assert "restart" not in form["services"]["web"]
    assert form["services"]["web"]["deploy"] == {}


def test_a_service_that_was_not_restarted_anyway_is_no_change() -> None:
    assert list(patch.no_restarts(make_form({"a": {"restart": "no"}, "b": {}}))) == []


def test_logs_that_cannot_be_read_back_go_to_a_file() -> None:
    form = make_form(
        {
            "a": {"logging": {"driver": "syslog", "options": {"x": "y"}}},
            "b": {"logging": {"driver": "json-file", "options": {"max-size": "1m"}}},
            "c": {"logging": {"driver": "none"}},
        }
    )

    assert places(list(patch.plain_logging(form))) == ["services.a.logging", "services.c.logging"]
    assert form["services"]["a"]["logging"] == {"driver": "json-file"}
    assert form["services"]["b"]["logging"]["options"] == {"max-size": "1m"}


def test_the_tests_run_in_one_container_without_a_health_check() -> None:
    form = make_form(
        {"test": {"scale": 3, "deploy": {"replicas": 2}, "healthcheck": {"test": ["CMD", "x"]}}}
    )

    changes = list(patch.one_container_for_tests(form, "test"))

    assert places(changes) == ["services.test.scale", "services.test.healthcheck"]
    assert "scale" not in form["services"]["test"]
    assert form["services"]["test"]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("counts", [{"scale": 3}, {"deploy": {"replicas": 3}}])
def test_either_way_of_asking_for_copies_is_undone(counts: dict[str, Any]) -> None:
    form = make_form({"test": counts})

    assert places(list(patch.one_container_for_tests(form, "test"))) == ["services.test.scale"]
    assert form["services"]["test"].get("deploy", {}) == {}
    assert "scale" not in form["services"]["test"]


def test_the_health_check_of_the_test_image_is_off_too() -> None:
    form = make_form({"test": {}})

    assert list(patch.one_container_for_tests(form, "test")) == []
    assert form["services"]["test"]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize(
    ("check", "interval", "retries"),
    [
        ({"interval": "5s", "timeout": "5s", "retries": 10}, "15s", 5),
        ({"interval": "2s", "timeout": "3s", "retries": 20}, "17s", 5),
        ({"interval": "100ms", "timeout": "1s", "retries": 10}, "10s", 1),
        ({"interval": "10s"}, "30s", 2),
    ],
)
def test_the_engine_checks_seldom_and_gives_up_after_the_same_time(
    check: dict[str, Any], interval: str, retries: int
) -> None:
    form = make_form({"db": {"healthcheck": {"test": ["CMD", "x"], **check}}})

    changes = list(patch.calm_health_checks(form))

    assert form["services"]["db"]["healthcheck"] == {
        "test": ["CMD", "x"],
        **check,
        "interval": interval,
        "retries": retries,
    }
    assert places(changes) == ["services.db.healthcheck.interval"]


@pytest.mark.parametrize(
    "check",
    [
        None,
        {"disable": True},
        {"test": ["CMD", "x"]},
        {"test": ["CMD", "x"], "interval": "1m0s", "retries": 2},
        {"test": ["CMD", "x"], "interval": "1s", "timeout": "1s", "retries": 1},
        {"interval": "1s"},
    ],
)
def test_a_check_that_runs_seldom_or_gives_up_soon_or_is_the_images_stays_as_it_is(
    check: dict[str, Any] | None,
) -> None:
    form = make_form({"db": {"healthcheck": copy.deepcopy(check)} if check else {}})

    assert list(patch.calm_health_checks(form)) == []
    assert form["services"]["db"].get("healthcheck") == check


def test_a_built_image_is_named_after_the_project_and_never_pulled() -> None:
    form = make_form(
        {
            "test": {"build": {"context": "."}, "pull_policy": "build"},
            "api": {"build": {"context": "."}, "image": "shop/api"},
            "db": {"image": "postgres:16", "pull_policy": "always"},
        }
    )

    changes = list(patch.built_image_names(form, "shop"))

    assert form["services"]["test"]["image"] == "seatrial-shop-test"
    assert form["services"]["api"]["image"] == "shop/api"
    assert "pull_policy" not in form["services"]["test"]
    assert form["services"]["db"]["pull_policy"] == "always"
    assert places(changes) == ["services.test.image"]


def test_everything_is_labelled_and_keeps_its_own_labels() -> None:
    form = make_form({"db": {"labels": {"own": "1"}}, "test": {}}, volumes={"data": {}})

    list(patch.label_everything(form, LABELS))

    assert form["services"]["db"]["labels"] == {"own": "1", **LABELS}
    assert form["services"]["test"]["labels"] == LABELS
    assert form["networks"]["default"]["labels"] == LABELS
    assert form["volumes"]["data"]["labels"] == LABELS


def test_a_mounted_source_tree_is_shared_by_all_that_mount_it(tmp_path: Path) -> None:
    form = make_form(
        {
            "api": {"volumes": [bind(tmp_path, "/srv"), volume("data", "/data")]},
            "test": {"volumes": [bind(tmp_path, "/app")]},
        }
    )

    found = redirect(form, tmp_path)

    sources = [item for item in found if isinstance(item, SourceMount)]
    assert sources == [SourceMount("trial_source-0", tmp_path, "api", "/srv")]
    assert form["services"]["api"]["volumes"][0]["source"] == "source-0"
    assert form["services"]["api"]["volumes"][1] == volume("data", "/data")
    assert form["services"]["test"]["volumes"][0]["source"] == "source-0"
    assert form["services"]["test"]["volumes"][0]["target"] == "/app"
    assert form["volumes"]["source-0"] == {"name": "trial_source-0", "external": True}


def test_an_output_folder_is_one_volume_for_all_that_mount_it(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    form = make_form(
        {
            "test": {"volumes": [bind(reports, "/app/reports")]},
            "api": {"volumes": [bind(reports, "/out")]},
        }
    )

    found = redirect(form, tmp_path)

    assert OutputMount("test", "/app/reports", "reports") in found
    assert len([item for item in found if isinstance(item, OutputMount)]) == 1
    assert form["services"]["api"]["volumes"][0]["source"] == "output-reports"
    assert form["volumes"]["output-reports"] == {
        "name": "trial_output-reports",
        "labels": LABELS,
    }
    assert not reports.exists()


def test_two_output_folders_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    form = make_form(
        {
            "test": {
                "volumes": [
                    bind(tmp_path / "a/reports", "/a"),
                    bind(tmp_path / "b/reports", "/b"),
                ]
            }
        }
    )

    found = redirect(form, tmp_path)

    assert [o.name for o in found if isinstance(o, OutputMount)] == ["reports", "reports-2"]
    assert {"output-reports", "output-reports-2"} <= set(form["volumes"])


def test_a_projects_own_volume_is_never_taken_for_one_of_the_trials(tmp_path: Path) -> None:
    own = {name: {"name": f"trial_{name}"} for name in ("output-reports", "data-db", "source-0")}
    (tmp_path / "db").mkdir()
    form = make_form(
        {
            "test": {
                "volumes": [
                    bind(tmp_path / "reports", "/reports"),
                    bind(tmp_path / "db", "/var/lib/postgresql/data"),
                    bind(tmp_path, "/app"),
                    *(volume(name, f"/{name}") for name in own),
                ]
            }
        },
        volumes=copy.deepcopy(own),
    )

    redirect(form, tmp_path)

    assert {name: form["volumes"][name] for name in own} == own
    mounted = [mount["source"] for mount in form["services"]["test"]["volumes"]]
    assert len(set(mounted)) == 6
    assert set(mounted) == set(form["volumes"])


def test_a_servers_data_is_made_fresh(tmp_path: Path) -> None:
    (tmp_path / "pgdata").mkdir()
    form = make_form({"db": {"volumes": [bind(tmp_path / "pgdata", "/var/lib/postgresql/data")]}})

    redirect(form, tmp_path)

    mount = form["services"]["db"]["volumes"][0]
    assert mount["type"] == "volume"
    assert form["volumes"][mount["source"]]["labels"] == LABELS


def test_a_mounted_file_is_copied_in(tmp_path: Path) -> None:
    (tmp_path / "init.sql").touch()
    form = make_form({"db": {"volumes": [bind(tmp_path / "init.sql", "/init.sql")]}})

    found = redirect(form, tmp_path)

    assert FileCopy("db", tmp_path / "init.sql", "/init.sql") in found
    assert "volumes" not in form["services"]["db"]


def test_a_mounted_file_stays_mounted_where_the_root_is_read_only(tmp_path: Path) -> None:
    (tmp_path / "init.sql").touch()
    form = make_form(
        {"db": {"read_only": True, "volumes": [bind(tmp_path / "init.sql", "/init.sql")]}}
    )

    redirect(form, tmp_path)

    mount = form["services"]["db"]["volumes"][0]
    assert (mount["type"], mount["read_only"]) == ("bind", True)


def test_a_read_only_mount_is_kept(tmp_path: Path) -> None:
    form = make_form({"db": {"volumes": [bind(tmp_path, "/app", read_only=True)]}})
    before = copy.deepcopy(form)

    assert redirect(form, tmp_path) == []
    assert form == before


def test_a_remote_engine_gets_copies_even_of_read_only_mounts(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    form = make_form(
        {
            "db": {
                "volumes": [
                    bind(tmp_path, "/app", read_only=True),
                    bind(tmp_path / "f", "/f", read_only=True),
                ]
            }
        }
    )

    found = redirect(form, tmp_path, copy_all=True)

    assert any(isinstance(item, SourceMount) for item in found)
    assert FileCopy("db", tmp_path / "f", "/f") in found
    assert all(mount["type"] == "volume" for mount in form["services"]["db"]["volumes"])


def test_fixed_addresses_are_found() -> None:
    form = make_form(
        {
            "a": {"networks": {"default": {"ipv4_address": "10.0.0.2"}}},
            "b": {"networks": {"default": None}},
        }
    )

    assert patch.static_addresses(form) == ["a"]


@given(
    services=st.dictionaries(
        st.sampled_from(["db", "web", "test"]),
        st.fixed_dictionaries(
            {},
            optional={
                "restart": st.sampled_from(["always", "no"]),
                "container_name": st.text(min_size=1, max_size=5),
                "ports": st.lists(
                    st.fixed_dictionaries({"target": st.integers(1, 65535)}), max_size=3
                ),
                "x-unknown": st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
                "environment": st.dictionaries(st.text(max_size=3), st.text(max_size=3)),
            },
        ),
        min_size=1,
    )
)
def test_keys_that_seatrial_does_not_know_are_carried_through(
    services: dict[str, dict[str, Any]],
) -> None:
    form = make_form(copy.deepcopy(services))

    for change in (
        *patch.keep_only(form, list(services)),
        *patch.own_names(form, "t", "refuse"),
        *patch.no_container_names(form),
        *patch.no_published_ports(form),
        *patch.no_restarts(form),
        *patch.plain_logging(form),
        *patch.label_everything(form, LABELS),
    ):
        assert change.where
        assert change.what
        assert change.why

    for name, original in services.items():
        patched = form["services"][name]
        assert not {"restart", "container_name", "ports"} & set(patched)
        for key in ("x-unknown", "environment"):
            assert patched.get(key) == original.get(key)
