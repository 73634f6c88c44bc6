"""What the tests of whole systems share: each step is said once it has come about, and the first that does not ends the test."""

import time

STARTED = time.monotonic()


class Failure(Exception):
    pass


def say(what):
    print(f"{time.monotonic() - STARTED:4.0f} s  {what}", flush=True)


def expect(condition, what):
    if not condition:
        raise Failure(f"not so: {what}")
    say(what)


def eventually(seconds, what, condition):
    """Waits until the condition gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            say(what)
            return found
        if time.monotonic() > deadline:
            raise Failure(f"{seconds} s passed without: {what}")
        time.sleep(0.3)
