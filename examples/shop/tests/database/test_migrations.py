"""Migrations, each on a database of its own that is thrown away."""

import io
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, make_url, pool, text

from shop.models import Base
from shop.settings import Settings
from tests.samples import sample

pytestmark = pytest.mark.db

INI = Path(__file__).parents[2] / "alembic.ini"
REVISIONS = list(ScriptDirectory.from_config(Config(INI)).walk_revisions())[::-1]

Migrate = Callable[[str], None]


@pytest.fixture
def scratch(settings: Settings, engine: Engine) -> Iterator[Engine]:
    """An empty database."""
    name = f"scratch_{uuid4().hex}"
    # CREATE DATABASE wants no transaction around it.
    server = engine.execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    scratch = create_engine(
        make_url(settings.database_url).set(database=name), poolclass=pool.NullPool
    )
    yield scratch
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def migrate(scratch: Engine) -> Migrate:
    """Takes the empty database to a revision, up or down."""
    config = Config(INI)
    config.set_main_option(
        "sqlalchemy.url", scratch.url.render_as_string(hide_password=False).replace("%", "%%")
    )

    def to(revision: str) -> None:
        with scratch.connect() as connection:
            now = MigrationContext.configure(connection).get_current_revision() or ""
        known = ["base", *(script.revision for script in REVISIONS), "head"]
        up = known.index(revision) > known.index(now or "base")
        (command.upgrade if up else command.downgrade)(config, revision)

    return to


def schema(engine: Engine) -> dict[str, list[str]]:
    """The tables, and for each what describes it."""
    with engine.connect() as connection:
        inspector = inspect(connection)
        return {
            table: sorted(
                [f"{column} {column['type']}" for column in inspector.get_columns(table)]
                + [str(index) for index in inspector.get_indexes(table)]
                + [str(key) for key in inspector.get_foreign_keys(table)]
                + [str(check) for check in inspector.get_check_constraints(table)]
            )
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }


def test_there_is_one_head_and_no_gap() -> None:
    script = ScriptDirectory.from_config(Config(INI))

    assert len(script.get_heads()) == 1
    assert [revision.revision for revision in REVISIONS] == [
        f"{number:04d}" for number in range(1, len(REVISIONS) + 1)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("script", REVISIONS, ids=lambda script: script.revision)
def test_each_step_can_be_undone_and_done_again(
    scratch: Engine, migrate: Migrate, script: Script
) -> None:
    one_before = str(script.down_revision or "base")
    if script.down_revision:
        migrate(one_before)
    before = schema(scratch)
    migrate(script.revision)
    after = schema(scratch)

    migrate(one_before)
    assert schema(scratch) == before
    migrate(script.revision)
    assert schema(scratch) == after


def test_after_all_steps_the_database_is_what_the_models_say(
    scratch: Engine, migrate: Migrate
) -> None:
    migrate("head")

    with scratch.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_constraints_of_the_models_are_all_in_the_database(
    scratch: Engine, migrate: Migrate
) -> None:
    migrate("head")
    migrated = schema(scratch)
    with scratch.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))

    Base.metadata.create_all(scratch)

    assert schema(scratch) == migrated


def test_the_way_back_leaves_nothing_behind(scratch: Engine, migrate: Migrate) -> None:
    migrate("head")
    migrate("base")

    assert schema(scratch) == {}


@pytest.mark.slow
def test_older_orders_get_their_totals(scratch: Engine, migrate: Migrate) -> None:
    count = 20_000
    migrate("0003")
    with scratch.begin() as connection:
        connection.execute(text(sample("orders_without_totals.sql")))

    migrate("0004")

    with scratch.connect() as connection:
        totals = connection.scalars(text("SELECT total_minor FROM orders ORDER BY id")).all()
    # Order 0 has no lines at all. The others have one, two and three pieces.
    assert totals == [490] + [490 - n % 50 + 6 * (100 + n % 7) for n in range(1, count)]


def test_the_steps_can_be_printed_for_whoever_reviews_them() -> None:
    config = Config(INI, output_buffer=(printed := io.StringIO()))
    config.set_main_option("sqlalchemy.url", "postgresql+psycopg://")

    with redirect_stdout(printed):
        command.upgrade(config, "head", sql=True)

    for table in Base.metadata.tables:
        assert f"CREATE TABLE {table} (" in printed.getvalue()
