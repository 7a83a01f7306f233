"""A payment gateway for tests: the answers of the real one, on demand.

What it does depends on the card alone, so that tests cannot get in each other's way:

    ok                 takes the money
    declined           402, insufficient funds
    slow-SECONDS       takes the money, but takes its time
    fails-TIMES        503 that many times for a key, then takes the money
    busy-SECONDS       429 with Retry-After once for a key, then takes the money
    down               always 503
    garbled            200 and something that is not JSON
    hangs-up           takes the money and closes the connection without an answer, once for a key

Like the real one it remembers idempotency keys: a key that it has seen takes no more money.
`GET /charges/KEY` tells how often a key was asked for and what came of it.
"""

import json
import signal
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4


class Ledger:
    """What was taken and given back, by idempotency key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: dict[str, dict[str, Any]] = {}
        self._asked: Counter[str] = Counter()

    def ask(self, key: str) -> int:
        """Count a request, and return how many there have been with this key."""
        with self._lock:
            self._asked[key] += 1
            return self._asked[key]

    def do(self, key: str, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Carry it out, or return what came of it the first time."""
        with self._lock:
            return self._done.setdefault(key, {"id": f"{kind}_{uuid4().hex}", **payload})

    def show(self, key: str) -> dict[str, Any]:
        """What is known about a key."""
        with self._lock:
            return {"asked": self._asked[key], "done": self._done.get(key)}


class Gateway(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    ledger = Ledger()

    def do_GET(self) -> None:
        """Health, and what is known about a key."""
        if self.path == "/health":
            self._answer(200, {"status": "ok"})
        elif self.path.startswith(("/charges/", "/refunds/")):
            self._answer(200, self.ledger.show(self.path.rsplit("/", 1)[1]))
        else:
            self._answer(404, {"reason": "no such page"})

    def do_POST(self) -> None:
        """Charges and refunds."""
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Idempotency-Key")
        if not key:
            self._answer(400, {"reason": "the idempotency key is missing"})
        elif self.path == "/refunds":
            self.ledger.ask(key)
            self._answer(201, self.ledger.do(key, "re", payload))
        elif self.path == "/charges":
            self._charge(payload, key)
        else:
            self._answer(404, {"reason": "no such page"})

    def _charge(self, payload: dict[str, Any], key: str) -> None:
        asked = self.ledger.ask(key)
        kind, _, figure = payload["card"].rpartition("-")
        match kind or figure:
            case "declined":
                return self._answer(402, {"reason": "insufficient funds"})
            case "down":
                return self._answer(503, {"reason": "out of order"})
            case "fails" if asked <= int(figure):
                return self._answer(503, {"reason": "out of order"})
            case "busy" if asked == 1:
                return self._answer(429, {"reason": "too many requests"}, retry_after=figure)
            case "garbled":
                return self._raw(200, b"<html>It works!</html>")
            case "slow":
                charge = self.ledger.do(key, "ch", payload)
                time.sleep(float(figure))
                return self._answer(201, charge)
            case "hangs":
                charge = self.ledger.do(key, "ch", payload)
                if asked == 1:
                    self.close_connection = True
                    return None
                return self._answer(201, charge)
        return self._answer(201, self.ledger.do(key, "ch", payload))

    def _answer(self, status: int, body: dict[str, Any], retry_after: str | None = None) -> None:
        self._raw(status, json.dumps(body).encode(), retry_after)

    def _raw(self, status: int, body: bytes, retry_after: str | None = None) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if retry_after is not None:
                self.send_header("Retry-After", retry_after)
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            # The client had a timeout. That is what a slow card is for.
            self.close_connection = True


def main() -> None:
    """Serve on all addresses of the container, until it is stopped."""
    # The first process of a container ignores SIGTERM unless it says otherwise.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    with ThreadingHTTPServer(("", port), Gateway) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
