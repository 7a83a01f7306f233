"""What the engine takes for a health check's times and retries where neither is said."""

__all__ = ["INTERVAL_S", "RETRIES", "TIMEOUT_S"]

INTERVAL_S = 30.0
TIMEOUT_S = 30.0
RETRIES = 3
