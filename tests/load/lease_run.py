# SPDX-License-Identifier: Apache-2.0
"""What happens to a program at full rate when its key is taken away, or the
service. Run by leases.sh in a folder with ownkey.conf and openssl.cnf.

    lease_run.py revocation|outage NO YES CALLS -- LEASE_LOAD ARGUMENT...

NO, YES and CALLS are commands: take it away, give it back, and print how many
requests have reached the service (empty: nobody counts). Options come from the
environment: REPEAT, BOUND_MS (empty: no bound is asserted), CACHE_MS.
Prints one line, and fails with a reason.
"""

import os
import subprocess
import sys
import time

PATIENCE_S = 30


def now_ms():
    return time.clock_gettime(time.CLOCK_BOOTTIME) * 1000


class Load:
    """lease_load under way."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit("lease_load did not start")

    def seen(self):
        """What happened since the last time, as a dictionary."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        words = self.process.stdout.readline().split()
        return {k: int(v) for k, v in zip(words[::2], words[1::2])}

    def wait_for(self, what):
        """Until that is true of half a second."""
        until = now_ms() + PATIENCE_S * 1000
        while now_ms() < until:
            self.seen()
            time.sleep(0.5)
            seen = self.seen()
            if what(seen):
                return seen
        raise SystemExit(f"still: {seen}")

    def end(self):
        self.process.stdin.close()
        if self.process.wait(PATIENCE_S) != 0:
            raise SystemExit("lease_load failed")


def do(command):
    """Returns what it printed, and the moments before and after."""
    before = now_ms()
    text = subprocess.run(command, shell=True, check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    return text.strip(), before, now_ms()


def all_well(seen):
    return seen["ok"] > 0 and bad(seen) == 0


def bad(seen):
    return seen["denied"] + seen["away"] + seen["other"]


def check(good, what):
    if not good:
        raise SystemExit(what)


def revocation(load, no, yes, calls):
    """The last success begins within the bound, and none comes after it."""
    bound = os.environ.get("BOUND_MS")
    repeat = int(os.environ.get("REPEAT", "1"))
    worst = 0
    total = 0
    for _ in range(repeat):
        total += load.wait_for(all_well)["ok"]
        load.seen()
        _, before, after = do(no)
        if bound:
            time.sleep(max(0, after + int(bound) - now_ms()) / 1000)
            seen = load.seen()
            check(seen["last_ok"] <= after + int(bound),
                  f"a success {seen['last_ok'] - after:.0f} ms after the no")
        else:
            seen = load.seen()
        # From the first second without a success on there is none.
        last_ok = seen["last_ok"]
        until = now_ms() + PATIENCE_S * 1000
        while True:
            seen = load.seen()
            last_ok = max(last_ok, seen["last_ok"])
            if seen["ok"] == 0 and seen["denied"] > 0:
                break
            check(now_ms() < until, f"still: {seen}")
            time.sleep(0.2)
        time.sleep(1)
        seen = load.seen()
        check(seen["ok"] == 0, f"{seen['ok']} successes after the end")
        check(seen["other"] == 0, f"other failures: {seen}")
        worst = max(worst, last_ok - before)
        do(yes)
    load.wait_for(all_well)
    return (f"{repeat} times: last success at most {worst:.0f} ms after the "
            f"no, none later")


def outage(load, no, yes, calls):
    """No failure while leases run; one class of failure; back by itself."""
    cache = int(os.environ["CACHE_MS"])
    load.wait_for(all_well)
    asked = int(do(calls)[0]) if calls else 0
    load.seen()
    _, before, after = do(no)
    time.sleep(3 * cache / 1000)
    seen = load.seen()
    check(seen["away"] > 0 and seen["denied"] + seen["other"] == 0,
          f"failures of another class: {seen}")
    # Each lease had its last quarter at least to go.
    check(seen["first_bad"] >= before + cache / 4,
          f"a failure {seen['first_bad'] - before:.0f} ms after the cut")
    held = seen["first_bad"] - before
    asked = int(do(calls)[0]) - asked if calls else 0
    do(yes)
    back = now_ms()
    load.wait_for(all_well)
    return (f"first failure {held:.0f} ms after the cut, all unreachable; "
            f"{asked} requests in {3 * cache / 1000:.0f} s; all well "
            f"{now_ms() - back - 500:.0f} ms after its return")


def main():
    what, no, yes, calls, dashes, *command = sys.argv[1:]
    assert dashes == "--"
    load = Load(command)
    line = {"revocation": revocation, "outage": outage}[what](load, no, yes,
                                                              calls)
    load.end()
    print(line)


main()
