"""What counts as arrived at a service of another network."""

import json
import subprocess
import sys

from seatrial.probe import isolation_source

ANSWERS = """
import socket, sys
source, sys.argv = sys.argv[1], ["-c", *sys.argv[2:]]
told = {
    "always": ["opens", "opens", "opens"],
    "refuses": ["refuses", "refuses", "refuses"],
    "once": ["opens", "silent"],
    "twice": ["opens", "refuses", "silent"],
    "never": ["silent"],
}
def connect(address, timeout):
    answer = told.get(address[0], ["silent"]).pop(0)
    if answer == "silent":
        raise TimeoutError
    if answer == "refuses":
        raise ConnectionRefusedError(111, "refused")
    return socket.socket()
socket.create_connection = connect
exec(source)
"""


def test_what_answers_each_time_has_arrived_and_not_what_passes_for_a_moment() -> None:
    """An engine that makes another network lets everything pass for some milliseconds."""
    names = ["always", "refuses", "once", "twice", "never"]
    targets = json.dumps([[name, 80] for name in names])
    command = [sys.executable, "-c", ANSWERS, isolation_source().decode(), targets]

    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    arrived = [one["arrived"] for one in json.loads(done.stdout)["targets"]]
    assert dict(zip(names, arrived, strict=True)) == {
        "always": True,
        "refuses": True,
        "once": False,
        "twice": False,
        "never": False,
    }
