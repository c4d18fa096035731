"""Compares netwright with other engines: `python3 benches/compare` installs engines, times them, and writes a table and a chart.

All files are in `target/compare`. A run adds to the results of earlier runs, and replaces those of the same workload and
threads; `--fresh` deletes all. An engine that fails does not end the run: the table states the reason.
"""

import argparse
import json
import math
import sys
import time

import installation
import report
from comparison import Limits, compare
from installation import ENGINES, NETWRIGHT, TARGET
from workloads import WORKLOADS


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 benches/compare", description=__doc__)
    engines, workloads = [engine.name for engine in ENGINES], [workload.name for workload in WORKLOADS]
    parser.add_argument("--only", action="append", choices=engines, metavar="ENGINE", help=f"of {', '.join(engines)}; netwright is always one")
    parser.add_argument("--workload", action="append", choices=workloads, metavar="NAME", help=f"of {', '.join(workloads)}")
    parser.add_argument("--threads", type=int, action="append", help="1 and 2 unless this is said")
    parser.add_argument("--rounds", type=int, default=3, help="how often each engine has its turn")
    parser.add_argument("--seconds", type=float, default=0.5, help="how long a turn takes at least")
    parser.add_argument("--timeout", type=float, default=90, help="seconds an engine may take until it is ready, and for a turn")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no workload later than this")
    parser.add_argument("--install-timeout", type=float, default=3600, help="seconds that installing an engine may take")
    parser.add_argument("--installed", action="store_true", help="take what a run before has installed")
    parser.add_argument("--publish", action="store_true", help="write table and chart to docs/")
    parser.add_argument("--fresh", action="store_true", help="forget the results of earlier runs")
    return parser.parse_args()


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    given = arguments()
    TARGET.mkdir(parents=True, exist_ok=True)
    known = TARGET / "installed.json"
    engines = [engine for engine in ENGINES if engine is NETWRIGHT or not given.only or engine.name in given.only]
    if given.installed:
        found = installation.Installed(**json.loads(known.read_text()))
    else:
        found = installation.install(engines, given.install_timeout, tell)
        known.write_text(json.dumps({"versions": found.versions, "failures": found.failures}, indent=1))
    if NETWRIGHT.name not in found.versions:
        sys.exit(f"netwright itself does not build: {found.failures.get(NETWRIGHT.name)}")
    results = report.Results.load(given.fresh)
    results.installed(found)
    last = time.monotonic() + 60 * given.minutes
    for workload in WORKLOADS:
        if given.workload and workload.name not in given.workload:
            continue
        chosen = [engine for engine in engines if engine.name in found.versions and engine.takes(workload.trains)]
        for threads in given.threads or [1, 2]:
            if time.monotonic() > last:
                tell(f"{workload.title}, {threads} thread(s): not begun, {given.minutes:g} minutes are over")
                continue
            tell(f"{workload.title}, {threads} thread(s)")
            try:
                outcome = compare(workload, chosen, threads, given.rounds, Limits(given.seconds, given.timeout, given.timeout), tell)
            except RuntimeError as error:
                tell(f"  left out: {error}")
                continue
            results.add(outcome)
            tell(report.line(workload, outcome))
    print(results.table())
    if given.publish:
        results.publish()
    else:
        results.draw(TARGET / "chart.svg")


if __name__ == "__main__":
    main()
