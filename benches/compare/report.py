"""Stores the results of runs as JSON, and shows them as a table."""

import datetime
import json
import pathlib
import platform
from dataclasses import asdict, dataclass, field

from comparison import Outcome, Result, median_spread, time_text
from installation import BUILT, ENGINES, HERE, NETWRIGHT, TARGET, Installed, build_package, run
from workloads import WORKLOADS, Workload

FILE = TARGET / "results.json"
DOCS = HERE.parent.parent / "docs"
# The text before this line is written by hand.
MARK = "<!-- Written by `python3 benches/compare --publish`. -->"
# Number of other engines in the chart, for each workload.
SHOWN = 2


def processor() -> str:
    """Returns the name of the processor, with its model, its cores and its widest vectors."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fact = {line.split(":")[0].strip(): line.split(":")[1].strip() for line in lines if ":" in line}
    vectors = "AVX-512" if "avx512f" in fact.get("flags", "") else "AVX2" if "avx2" in fact.get("flags", "") else ""
    count = sum(line.startswith("processor") for line in lines)
    name = fact.get("model name", platform.machine())
    model = f"family {fact['cpu family']} model {fact['model']}" if "cpu family" in fact and "model" in fact else ""
    return ", ".join(part for part in [name, model, f"{count} cores", vectors] if part)


@dataclass
class Results:
    """All measurements."""

    date: str = ""
    processor: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    @staticmethod
    def load(fresh: bool) -> "Results":
        """Loads the results of earlier runs, unless a fresh start is requested."""
        if fresh or not FILE.exists():
            return Results()
        known = json.loads(FILE.read_text())
        outcomes = [Outcome(**{**o, "results": [Result(**r) for r in o["results"]]}) for o in known.pop("outcomes")]
        return Results(**known, outcomes=outcomes)

    def installed(self, found: Installed) -> None:
        self.versions |= found.versions
        self.failures = {k: v for k, v in (self.failures | found.failures).items() if k not in found.versions}
        self.processor = processor()

    def add(self, outcome: Outcome) -> None:
        """Adds an outcome, replaces an earlier one of the same workload and threads, and saves all."""
        key = (outcome.workload, outcome.threads)
        self.outcomes = [other for other in self.outcomes if (other.workload, other.threads) != key] + [outcome]
        order = [workload.name for workload in WORKLOADS]
        self.outcomes.sort(key=lambda other: (order.index(other.workload), other.threads))
        self.date = datetime.date.today().isoformat()
        FILE.write_text(json.dumps(asdict(self), indent=1))

    def table(self) -> str:
        """Returns all outcomes in Markdown: times per image, the best in bold."""
        run = [e for e in ENGINES if any(r.engine == e.name for o in self.outcomes for r in o.results)]
        others = [engine for engine in run if engine is not NETWRIGHT]
        heads = ["workload", "threads", "MMAC", "unit", "netwright", "GFLOP/s", "of peak", "ahead", *(e.title for e in others)]
        lines = [heads, ["---", "---", *("---:" for _ in heads[2:])]]
        failures = []
        for outcome in self.outcomes:
            workload = by_name(outcome.workload)
            results = {result.engine: result for result in outcome.results}
            failures += [f"{workload.title}, {outcome.threads}: {title(r.engine)}: {r.failure}" for r in outcome.results if r.failure]
            fastest = fastest_of(outcome.results)
            cells = [cell(workload, results.get(e.name), fastest) for e in [NETWRIGHT, *others]]
            facts = [workload.title, str(outcome.threads), f"{outcome.macs / 1e6:.4g}", unit(workload)]
            lines.append([*facts, cells[0], *speed_cells(outcome), *cells[1:]])
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        versions = ", ".join(f"{title(name)} {version}" for name, version in self.versions.items())
        peaks = " and ".join(
            f"{max(o.peak for o in self.outcomes if o.threads == n):.0f} on {n}" for n in sorted({o.threads for o in self.outcomes})
        )
        left_out = [f"{title(name)} is not installed: {why}" for name, why in self.failures.items()]
        notes = [f"- {note}" for note in [*left_out, *failures]]
        head = (
            f"{self.date}, {self.processor}; peak in single precision {peaks} threads, in GFLOP/s. {versions}.\n"
            f"The slowest round of an engine took {median_spread(self.outcomes):.2f} times as long as its fastest (median)."
        )
        return "\n\n".join(part for part in [head, table, "\n".join(notes)] if part)

    def chart(self) -> dict:
        """Returns the data of the chart: the speed of netwright and of the fastest other engines, relative to the best of the others."""
        groups = []
        for outcome in self.outcomes:
            workload = by_name(outcome.workload)
            right = sorted((r for r in outcome.results if r.seconds and not r.failure), key=lambda r: r.seconds)
            others = [r for r in right if r.engine != NETWRIGHT.name]
            if not others:
                continue
            bars = [
                {"engine": title(r.engine), "value": others[0].seconds / r.seconds, "text": f"{time_text(workload, r)} {unit(workload)}"}
                for r in [r for r in right if r.engine == NETWRIGHT.name] + others[:SHOWN]
            ]
            groups.append({"title": f"{workload.title}, {plural(outcome.threads)}", "bars": bars})
        shown = {bar["engine"] for group in groups for bar in group["bars"]}
        engines = [engine.title for engine in ENGINES if engine.title in shown]
        about = f"Speed relative to the best of the others (line: 1), longer is faster. {self.date}, {self.processor}"
        return {"title": about, "engines": engines, "groups": groups}

    def draw(self, picture: pathlib.Path) -> None:
        """Draws the chart with the program `rust/chart`."""
        build_package("chart", 1800)
        data = TARGET / "chart.json"
        data.write_text(json.dumps(self.chart()))
        run([str(BUILT / "chart"), str(data), str(picture)], 60)

    def publish(self) -> None:
        """Writes the table of this processor and the chart to `docs/`."""
        page = DOCS / "compare.md"
        prose, _, written = page.read_text().partition(MARK)
        # Tables of other processors are kept.
        sections = {self.processor: self.table()}
        for section in written.split("\n## ")[1:]:
            processor, _, table = section.partition("\n")
            sections.setdefault(processor.strip(), table.strip())
        tables = "\n\n".join(f"## {processor}\n\n{table}" for processor, table in sections.items())
        page.write_text(f"{prose}{MARK}\n\n{tables}\n")
        self.draw(DOCS / "compare.svg")


def plural(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


def by_name(name: str) -> Workload:
    return next(workload for workload in WORKLOADS if workload.name == name)


def title(engine: str) -> str:
    return next(known.title for known in ENGINES if known.name == engine)


def unit(workload: Workload) -> str:
    return f"{workload.unit} an image" if workload.batch > 1 else workload.unit


def fastest_of(results: list[Result]) -> float | None:
    """Returns the best time among the engines whose outputs agree with ours."""
    return min((r.seconds for r in results if r.seconds and not r.failure), default=None)


def ahead(outcome: Outcome) -> float | None:
    """Returns the time of the best other engine divided by ours."""
    ours = fastest_of([r for r in outcome.results if r.engine == NETWRIGHT.name])
    theirs = fastest_of([r for r in outcome.results if r.engine != NETWRIGHT.name])
    return theirs / ours if ours and theirs else None


def cell(workload: Workload, result: Result | None, fastest: float | None) -> str:
    if result is None:
        return "–"
    if result.failure:
        return "failed"
    return f"**{time_text(workload, result)}**" if result.seconds == fastest else time_text(workload, result)


def speed_cells(outcome: Outcome) -> list[str]:
    """Returns our speed, its share of the peak, and the factor by which we are ahead of the best other engine."""
    ours = next((r.seconds for r in outcome.results if r.engine == NETWRIGHT.name), None)
    if not ours:
        return ["–", "–", "–"]
    speed, factor = 2 * outcome.macs / ours / 1e9, ahead(outcome)
    return [f"{speed:.0f}", f"{100 * speed / outcome.peak:.0f} %", f"{factor:.2f}" if factor else "–"]


def line(workload: Workload, outcome: Outcome) -> str:
    """Formats an outcome as one line."""
    times = [f"{title(r.engine)} {'failed' if r.failure else time_text(workload, r)}" for r in outcome.results]
    factor = ahead(outcome)
    return f"  {unit(workload)}: {', '.join(times)}" + (f"; ahead {factor:.2f}" if factor else "")
