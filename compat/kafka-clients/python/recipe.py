"""The records that every client writes and reads. The same rule stands in each language; change all of them or none."""

import os
import sys
import time
import traceback

COUNT = 1000
KEYS = 37
# Not every writer can give each record headers of its own.
HEADERS = os.environ.get("HEADERS", "yes") == "yes"


def record(i):
    """Record i as (key, value, headers): 37 keys in turn, values of any bytes, every hundredth a null, two headers."""
    value = None if i % 100 == 99 else bytes((i * 31 + j * 17) & 255 for j in range(1 + i * 7 % 300))
    return f"key-{i % KEYS}".encode(), value, [("n", str(i).encode()), ("raw", bytes([0xFF, 0, i & 255]))]


def verify(records, wanted=range(COUNT)):
    """Fails unless `records`, as (key, value, headers), are those of `wanted`, in order key by key."""
    same("records", len(records), len(wanted))

    def by_key(some):
        groups = {}
        for key, value, headers in some:
            shown = [(name, bytes(raw)) for name, raw in headers or []] if HEADERS else []
            groups.setdefault(bytes(key), []).append((value, shown))
        return groups

    expected, found = by_key(record(i) for i in wanted), by_key(records)
    for key in {*expected, *found}:
        assert expected.get(key) == found.get(key), f"{key}: other records, or in another order"


def same(what, found, expected):
    assert found == expected, f"{what}: {found!r} instead of {expected!r}"


def until(what, done, patience_s=60):
    """Waits until done() is true."""
    begin = time.monotonic()
    while not done():
        assert time.monotonic() - begin < patience_s, f"{what}: not within {patience_s} s"
        time.sleep(0.05)


def main(steps):
    """Runs the step that the command line names: STEP BOOTSTRAP TOPIC GROUP. A step that is not there ends with 3."""
    step, *rest = sys.argv[1:]
    if step not in steps:
        sys.exit(3)
    try:
        steps[step](*rest)
    except BaseException:
        traceback.print_exc()
        sys.exit(1)
