"""Runs engines on a workload, in alternation."""

import array
import json
import math
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from installation import BUILT, HERE, NETWRIGHT, TARGET, Engine, run
from session import Failed, Session, Timing
from workloads import IMAGES, Workload


@dataclass
class Limits:
    """Time limits, in seconds."""

    round: float
    start: float = 300.0
    answer: float = 120.0


@dataclass
class Result:
    """The result of an engine on a workload: a time, or the reason for a failure."""

    engine: str
    seconds: float | None = None
    # Time of the slowest round divided by that of the fastest.
    spread: float | None = None
    # The largest difference from our outputs, relative to the largest output.
    difference: float | None = None
    megabytes: float | None = None
    failure: str | None = None


@dataclass
class Outcome:
    """The results of all engines on a workload, with a number of threads."""

    workload: str
    threads: int
    peak: float
    macs: int
    results: list[Result] = field(default_factory=list)

    def as_json(self) -> dict:
        return asdict(self)


def write_model(model: str) -> dict:
    """Lets netwright write the folder that engines read, unless it exists. Returns the properties of the network."""
    folder = TARGET / "models" / model
    facts = folder / "facts.json"
    if not facts.exists():
        run([str(BUILT / "compare-netwright"), "model", model, str(IMAGES[model]), str(folder)], 600)
    return json.loads(facts.read_text())


def peak(threads: int) -> float:
    """Returns the peak of the machine on a number of threads, in GFLOP/s."""
    pinned = ["taskset", "-c", ",".join(map(str, range(threads)))]
    return float(run([*pinned, str(BUILT / "compare-netwright"), "peak", str(threads)], 60))


def start(engine: Engine, workload: Workload, threads: int, limits: Limits) -> tuple[Session, array.array]:
    """Starts an engine. Returns it, ready and stopped, with its first outputs."""
    folder = TARGET / "runs" / f"{workload.name}-{threads}"
    folder.mkdir(parents=True, exist_ok=True)
    answers, log = folder / f"{engine.name}.f32", folder / f"{engine.name}.log"
    job = [str(TARGET / "models" / workload.model), workload.mode, str(workload.batch), str(threads), str(answers)]
    session = Session([*engine.command, *job], HERE, list(range(threads)), answers, log)
    try:
        found = session.ready(limits.start)
    except Failed:
        session.end()
        raise
    session.sleep()
    return session, found


def comparable(answers: array.array) -> array.array:
    """Returns the outputs, if others can be compared with them."""
    if not any(answers) or not all(map(math.isfinite, answers)):
        raise Failed("its answers are not finite, or all zero")
    return answers


def difference(ours: array.array, theirs: array.array) -> float:
    """Returns the largest difference, relative to the largest output."""
    if len(ours) != len(theirs) or not all(map(math.isfinite, theirs)):
        return math.inf
    return max(abs(a - b) for a, b in zip(ours, theirs)) / max(map(abs, ours))


def compare(
    workload: Workload, engines: list[Engine], threads: int, rounds: int, limits: Limits, log: Callable[[str], None]
) -> Outcome:
    """Times the engines by turns, round after round. An engine that fails is left out of further rounds. netwright comes first:
    without its outputs no other engine is timed, since there is nothing to compare with.
    """
    outcome = Outcome(workload.name, threads, 0.0, workload.macs(write_model(workload.model)))
    sessions: dict[str, Session] = {}
    results = {engine.name: Result(engine.name) for engine in engines}
    timings: dict[str, list[Timing]] = {engine.name: [] for engine in engines}
    ours = None
    try:
        for engine in engines:
            try:
                sessions[engine.name], found = start(engine, workload, threads, limits)
                ours = ours or comparable(found)
            except Failed as failed:
                results[engine.name].failure = str(failed)
                log(f"  {engine.title}: {failed}")
                if ours is None:
                    results = {NETWRIGHT.name: results[NETWRIGHT.name]}
                    results[NETWRIGHT.name].failure += "; no other engine was timed, since its answers could not be compared"
                    break
                continue
            results[engine.name].difference = difference(ours, found)
        outcome.peak = peak(threads)
        for _ in range(rounds):
            for name, session in list(sessions.items()):
                try:
                    timings[name].append(session.measure(limits.round, limits.answer))
                except (Failed, BrokenPipeError, ValueError) as failed:
                    results[name].failure = str(failed)
                    sessions.pop(name).end()
            outcome.peak = max(outcome.peak, peak(threads))
    finally:
        for name, session in sessions.items():
            results[name].megabytes = session.peak_megabytes()
            session.end()
    for name, result in results.items():
        if timings[name] and result.failure is None:
            medians = [timing.median for timing in timings[name]]
            result.seconds, result.spread = min(medians), max(medians) / min(medians)
            if result.difference > workload.limit:
                result.failure = f"its answers differ from ours by {result.difference:.1e} of the largest"
    outcome.results = list(results.values())
    return outcome


def time_text(workload: Workload, result: Result) -> str:
    """Formats the time of an image with three digits."""
    if result.seconds is None:
        return "–"
    time = workload.per_image(result.seconds)
    return f"{time:.3g}" if time < 1000 else f"{time:.0f}"


def median_spread(outcomes: list[Outcome]) -> float:
    """Returns the median spread of an engine: its slowest round divided by its fastest."""
    spreads = [result.spread for outcome in outcomes for result in outcome.results if result.spread is not None]
    return statistics.median(spreads) if spreads else 1.0
