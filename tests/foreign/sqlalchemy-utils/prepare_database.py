"""Add the extension that some of the tests need, as a team would run its migrations first."""

import os

import psycopg2

with psycopg2.connect(
    host=os.environ["SQLALCHEMY_UTILS_TEST_POSTGRESQL_HOST"],
    user=os.environ["SQLALCHEMY_UTILS_TEST_POSTGRESQL_USER"],
    password=os.environ["SQLALCHEMY_UTILS_TEST_POSTGRESQL_PASSWORD"],
    dbname=os.environ["SQLALCHEMY_UTILS_TEST_DB"],
) as connection:
    connection.cursor().execute("CREATE EXTENSION IF NOT EXISTS hstore")
