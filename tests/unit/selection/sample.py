"""A small project with all that makes it hard to tell which tests a change can affect."""

from textwrap import dedent

__all__ = ["IN_CHILDREN", "SAMPLE", "SAMPLE_FILES"]

SAMPLE = {
    "pytest.ini": "[pytest]\npythonpath = src .\n",
    "data/rates.json": '{"eur": 100, "usd": 110}\n',
    "data/limits.txt": "5\n10\n",
    "data/cases/one.txt": "1\n",
    "data/cases/two.txt": "2\n",
    "data/greeting.txt": "hello 1\n",
    "src/shop/__init__.py": "from .names import TITLE\n__all__ = ['TITLE']\n",
    "src/shop/names.py": "TITLE = 'shop'\nPREFIX = 'id-'\nWIDTH = 4\n",
    "src/shop/money.py": """
        from shop import names

        CENTS = 100

        def cents(amount):
            return int(amount * CENTS)

        def show(amount):
            text = str(amount)
            return text.rjust(names.WIDTH)

        def vat(amount):
            return amount * 19 // 100
        """,
    "src/shop/rates.py": """
        import functools
        import json
        from pathlib import Path

        DATA = Path(__file__).parents[2] / "data"

        @functools.lru_cache(maxsize=None)
        def table():
            return load("rates.json")

        def load(name):
            return json.loads((DATA / name).read_text())

        def convert(amount, currency):
            return amount * table()[currency] // 100
        """,
    "src/shop/limits.py": """
        from pathlib import Path

        LIMITS = [int(line) for line in (Path(__file__).parents[2] / "data/limits.txt").open()]

        def allowed(count):
            return count <= LIMITS[0]

        def most():
            return max(LIMITS)
        """,
    "src/shop/registry.py": """
        HANDLERS = {}

        def handles(name):
            def register(function):
                HANDLERS[scoped(name)] = function
                return function
            return register

        def scoped(name):
            return "on-" + name
        """,
    "src/shop/events.py": """
        from .registry import HANDLERS, handles
        from .money import cents

        @handles("paid")
        def paid(amount):
            return cents(amount)

        @handles("sent")
        def sent(amount):
            return 0

        def fire(name, amount):
            return HANDLERS["on-" + name](amount)
        """,
    "src/shop/single.py": """
        from shop.counting import Counter

        _counter = None

        def counter():
            global _counter
            if _counter is None:
                _counter = Counter(3)
            return _counter
        """,
    "src/shop/counting.py": """
        class Counter:
            step = 1

            def __init__(self, start):
                self.start = start
                self.step = type(self).step

            def after(self, rounds):
                return self.start + rounds * self.step
        """,
    "src/shop/memo.py": """
        def memo(function):
            made = {}

            def inner(*given):
                if given not in made:
                    made[given] = function(*given)
                return made[given]

            return inner
        """,
    "src/shop/grants.py": """
        def granted(name):
            return len(name)

        def twice(name):
            return name + name

        def thrice(name):
            return twice(name) + name
        """,
    "src/shop/offers.py": """
        from functools import cached_property

        from shop import grants, store
        from shop.memo import memo

        class Offers:
            def __init__(self):
                self.size = None

            def count(self):
                if self.size is None:
                    self.size = grants.granted("all")
                return self.size

            @cached_property
            def title(self):
                return grants.thrice("x")

        OFFERS = [Offers()]

        @memo
        def discount(name):
            return grants.granted(name) + 1

        def remember(name):
            seen = store.SEEN
            if name not in seen:
                seen[name] = grants.twice(name)
            return seen[name]
        """,
    "src/shop/store.py": "SEEN = {}\n",
    "src/shop/plugins/__init__.py": """
        import importlib
        import pkgutil

        def load(name):
            return importlib.import_module("shop.plugins." + name)

        def names():
            return sorted(found.name for found in pkgutil.iter_modules(__path__))
        """,
    "src/shop/plugins/gift.py": "PRICE = 3\n\ndef price():\n    return PRICE + 1\n",
    "src/shop/plugins/wrap.py": "COST = 2\n\ndef price():\n    return COST\n",
    "src/shop/worker.py": """
        import queue
        import threading

        from shop import jobs

        class Worker:
            def __init__(self):
                self.todo = queue.Queue()
                self.done = queue.Queue()
                self.thread = threading.Thread(target=self.work, daemon=True)
                self.thread.start()

            def work(self):
                while True:
                    job = self.todo.get()
                    if job is None:
                        return
                    try:
                        self.done.put(jobs.run(job))
                    except Exception as error:
                        self.done.put(error)

            def ask(self, job):
                self.todo.put(job)
                return self.done.get(timeout=1)

            def stop(self):
                self.todo.put(None)
                self.thread.join(1)
        """,
    "src/shop/jobs.py": "def run(job):\n    return job * 2 + 1\n",
    "src/shop/tool.py": "import sys\nprint(int(sys.argv[1]) + 1)\n",
    "src/shop/serve.py": """
        import sys
        from pathlib import Path

        from shop import wire
        from shop.stamps import STAMP

        BANNER = Path(__file__).parents[2] / "data/banner.txt"

        def main():
            print(BANNER.read_text().strip(), flush=True)
            for line in sys.stdin:
                if line.startswith("pack"):
                    from shop.pack import pack
                    print(pack(line.split()[1]), flush=True)
                else:
                    print(STAMP + wire.answer(line), flush=True)

        if __name__ == "__main__":
            main()
        """,
    "src/shop/wire.py": """
        def answer(line):
            return str(len(line.split()) + 1)

        def unused(line):
            return line * 2
        """,
    "src/shop/stamps.py": "def stamp(year):\n    return str(year + 1)\n\nSTAMP = stamp(2025)\n",
    "src/shop/pack.py": "SIZE = 3\n\ndef pack(word):\n    return word[:SIZE] + word[-1]\n",
    "src/shop/relay.py": """
        import subprocess
        import sys

        done = subprocess.run([sys.executable, "-m", "shop.serve"], input="a b\\n", text=True)
        sys.exit(done.returncode)
        """,
    "data/banner.txt": "shop 7\n",
    "scripts/serve.sh": "cd src && python3 -m shop.serve\n",
    "tests/conftest.py": """
        import pytest
        from shop.worker import Worker

        @pytest.fixture(scope="session")
        def worker():
            worker = Worker()
            yield worker
            worker.stop()

        @pytest.fixture(scope="module")
        def prices(request):
            from shop.plugins import load
            base = request.getfixturevalue("base")
            return {name: base + load(name).price() for name in ("gift", "wrap")}

        @pytest.fixture(scope="session")
        def base():
            from support import make
            return make.base()

        @pytest.fixture
        def counter():
            from shop.single import counter
            return counter()
        """,
    "support/__init__.py": "",
    "support/make.py": """
        BASE = 10

        def base():
            return BASE

        def amount(n=2):
            return n
        """,
    "tests/test_money.py": """
        from unittest import mock

        import pytest
        from shop.money import cents, show, vat
        from support import make

        @pytest.mark.parametrize(("amount", "expected"), [(1, 100), (2.5, 250)])
        def test_cents(amount, expected):
            assert cents(amount) == expected

        def test_show():
            assert show(7) == "   7"

        def test_vat():
            assert vat(100 * make.amount()) == 38

        def test_patched():
            with mock.patch("shop.counting.Counter.step", 5):
                from shop.counting import Counter
                assert Counter(1).after(2) == 11
        """,
    "tests/test_rates.py": """
        from shop.rates import convert

        def test_dollars():
            assert convert(200, "usd") == 220

        def test_euros():
            assert convert(200, "eur") == 200
        """,
    "tests/test_limits.py": """
        import pytest
        from shop import limits

        def test_allowed():
            assert limits.allowed(5)
            assert not limits.allowed(6)

        def test_most():
            assert limits.most() == 10

        @pytest.mark.parametrize("limit", limits.LIMITS)
        def test_each(limit):
            assert limit % 5 == 0
        """,
    "tests/test_events.py": """
        from shop.events import fire
        from shop.registry import HANDLERS

        def test_paid():
            assert fire("paid", 2) == 200

        def test_names():
            assert sorted(HANDLERS) == ["on-paid", "on-sent"]
        """,
    "tests/test_single.py": """
        from shop.names import PREFIX, TITLE

        def test_first(counter):
            assert counter.after(2) == 5

        def test_second(counter):
            assert counter.start == 3

        def test_constant():
            assert PREFIX + TITLE == "id-shop"
        """,
    "tests/test_offers.py": """
        from shop.offers import OFFERS, discount, remember

        def test_discount():
            assert discount("abc") == 4

        def test_count():
            assert OFFERS[0].count() == 3

        def test_title():
            assert OFFERS[0].title == "xxx"

        def test_remembers():
            assert remember("ab") == "abab"
        """,
    "tests/test_offers_left.py": """
        from shop import offers, store

        def test_discount_again():
            assert offers.discount("abc") == 4

        def test_size():
            assert offers.OFFERS[0].size in (None, 3)

        def test_title_again():
            assert offers.OFFERS[0].title == "xxx"

        def test_seen():
            assert store.SEEN.get("ab", "abab") == "abab"
        """,
    "tests/plug/conftest.py": """
        import pytest

        @pytest.fixture(autouse=True, scope="module")
        def greeting():
            with open("data/greeting.txt") as file:
                return file.read()
        """,
    "tests/plug/test_plugins.py": """
        from shop import plugins

        def test_prices(prices):
            assert prices == {"gift": 14, "wrap": 12}

        def test_again(prices, base):
            assert prices["gift"] - base == 4

        def test_names():
            assert plugins.names() == ["gift", "wrap"]

        def test_greeting(greeting):
            assert greeting == "hello 1\\n"
        """,
    "tests/test_worker.py": """
        def test_worker(worker):
            assert worker.ask(3) == 7

        def test_worker_again(worker):
            assert worker.ask(0) == 1

        def test_nothing():
            assert True
        """,
    "tests/serving/conftest.py": """
        import os
        import subprocess
        import sys
        import threading

        import pytest

        class Client:
            def __init__(self):
                paths = ["src", os.environ.get("PYTHONPATH", "")]
                self.child = subprocess.Popen(
                    [sys.executable, "-m", "shop.serve"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(reversed(paths))},
                )
                self.banner = self.read()

            def ask(self, line):
                self.child.stdin.write(line + "\\n")
                self.child.stdin.flush()
                return self.read().strip()

            def read(self):
                # A server that says nothing must not keep its tests waiting for ever.
                timer = threading.Timer(10, self.child.kill)
                timer.start()
                try:
                    return self.child.stdout.readline()
                finally:
                    timer.cancel()

            def end(self):
                self.child.kill()
                self.child.communicate()

        @pytest.fixture(scope="module")
        def shared():
            client = Client()
            yield client
            client.end()

        @pytest.fixture
        def own():
            client = Client()
            yield client
            client.end()
        """,
    "tests/serving/test_serving.py": """
        import os
        import subprocess
        import sys

        import pytest

        def test_answers(shared):
            assert shared.ask("a b") == "20263"

        def test_banner(shared):
            assert shared.banner == "shop 7\\n"

        def test_beside():
            assert True

        def test_packs(own):
            assert own.ask("pack hello") == "helo"

        @pytest.fixture
        def path(monkeypatch):
            paths = [os.environ.get("PYTHONPATH", ""), os.path.abspath("src")]
            monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))

        def test_relay(path):
            done = subprocess.run(
                [sys.executable, "-m", "shop.relay"], capture_output=True, text=True
            )
            assert done.stdout.split("\\n") == ["shop 7", "20263", ""]

        def test_forks():
            answer, answers = os.pipe()
            child = os.fork()
            if child == 0:
                try:
                    from shop import wire
                    os.write(answers, wire.answer("a b").encode())
                finally:
                    os._exit(0)
            os.waitpid(child, 0)
            os.close(answers)
            assert os.read(answer, 9) == b"3"

        def test_shell():
            done = subprocess.run(
                ["sh", "scripts/serve.sh"], input="a\\n", capture_output=True, text=True
            )
            assert done.stdout == "shop 7\\n20262\\n"

        def test_clean():
            done = subprocess.run(
                # -B: what one fault compiled must not be there for the next one.
                [sys.executable, "-B", "-m", "shop.serve"],
                input="pack abcdef\\n",
                capture_output=True,
                text=True,
                cwd="src",
                env={},
            )
            assert done.stdout == "shop 7\\nabcf\\n"
        """,
    "tests/serving/test_leftover.py": """
        from .conftest import Client

        def test_starts(pytestconfig):
            pytestconfig.left = Client()

        def test_asks(pytestconfig):
            assert pytestconfig.left.ask("x y z") == "20264"

        def test_ends(pytestconfig):
            pytestconfig.left.end()

        def test_after():
            assert True
        """,
    "tests/serving/__init__.py": "",
    "tests/test_files.py": """
        import os
        import subprocess
        import sys
        from pathlib import Path

        def test_cases():
            total = sum(int(path.read_text()) for path in Path("data/cases").glob("*.txt"))
            assert total == 3

        def test_case_names():
            assert sorted(os.listdir("data/cases")) == ["one.txt", "two.txt"]

        def test_tool():
            done = subprocess.run(
                [sys.executable, "src/shop/tool.py", "4"], capture_output=True, text=True
            )
            assert done.stdout == "5\\n"
        """,
}
IN_CHILDREN = (
    "data/banner.txt",
    "scripts/serve.sh",
    *(f"src/shop/{name}.py" for name in ("pack", "relay", "serve", "stamps", "tool", "wire")),
)
"""What only processes execute and read that the tests start."""
SAMPLE_FILES = {name: dedent(text).lstrip().encode() for name, text in SAMPLE.items()}
