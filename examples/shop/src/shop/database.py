"""The connection to PostgreSQL."""

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker


def open_engine(url: str, *, lock_timeout: float = 5.0) -> Engine:
    """A pool of connections whose statements wait at most `lock_timeout` seconds for a lock."""
    return create_engine(
        url,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 5,
            "options": f"-c lock_timeout={lock_timeout * 1000:.0f} -c timezone=UTC",
        },
    )


def session_factory(engine: Engine) -> sessionmaker[Session]:
    """Sessions whose objects stay readable after their transaction has ended."""
    return sessionmaker(engine, expire_on_commit=False)
