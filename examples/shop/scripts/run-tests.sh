#!/bin/sh
# Brings the database up to date and runs the tests; arguments go to pytest.
set -eu

alembic upgrade head
exec pytest \
    --cov \
    --cov-report=term \
    --cov-report=xml:reports/coverage.xml \
    --junit-xml=reports/junit.xml \
    "$@"
