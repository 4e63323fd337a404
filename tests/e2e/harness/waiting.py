"""Waiting for something to become true, with a time-out that says what was waited for."""

import time


def until(what, check, timeout=30.0, interval=0.05):
    """Calls `check` until it returns something truthy and returns that. `what` is for the reader of the failure."""
    deadline = time.monotonic() + timeout
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:.0f} s")
        time.sleep(interval)
