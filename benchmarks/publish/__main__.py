"""Publish catalogs of 1, 10 and 50 products to two regions, twice, and write down what it took."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.publish.bound import apply_chain, observe_chain
from benchmarks.publish.world import build_hub, catalog_of, publisher
from catalog.aws import Aws
from catalog.localaws import LocalAws
from catalog.pacing import Pace
from catalog.publishing import apply_plan, make_plan, observe

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- publish: written by python -m benchmarks.publish -->", "<!-- /publish -->"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One publish."""

    products: int
    run: str
    actions: int
    reads: int
    changes: int
    seconds: float
    chain: int
    latency: float
    pace: float

    @property
    def bound(self) -> float:
        """The least seconds possible at this latency and pace."""
        return max(self.chain * self.latency, self.pace)

    def row(self) -> str:
        """Return the Markdown table row."""
        return (
            f"| {self.products} | {self.run} | {self.actions} | {self.reads} | {self.changes} | "
            f"{self.chain} | {self.chain * self.latency:.2f} | {self.pace:.2f} | "
            f"{self.seconds:.2f} | "
            f"{self.seconds / self.bound:.1f} |"
        )


def measure(products: int, *, latency: float) -> list[Result]:
    """Publish twice to a fresh hub and return what both runs took."""
    results = []
    with LocalAws() as local:
        organization = build_hub(local)
        desired = catalog_of(products, organization=organization)
        local.faults.latency_seconds = latency
        for run in ("first", "repeated"):
            aws = publisher(local, organization)
            began = time.perf_counter()
            plan = make_plan(desired=desired, observed=observe(aws=aws, desired=desired))
            if plan.actions:
                report = apply_plan(plan=plan, aws=aws, contents=desired.contents)
                report.raise_for_failure()
            seconds = time.perf_counter() - began
            changes = sum(aws.mutating_calls().values())
            results.append(
                Result(
                    products=products,
                    run=run,
                    actions=len(plan.actions),
                    reads=sum(aws.calls.values()) - changes,
                    changes=changes,
                    seconds=seconds,
                    chain=observe_chain(products, published=run == "repeated") + apply_chain(plan),
                    latency=latency,
                    pace=Pace().seconds_for(_busiest(aws)),
                )
            )
    return results


def _busiest(aws: Aws) -> int:
    """Return the calls that went through the fullest token bucket."""
    calls: Counter[tuple[str, str, str]] = Counter()
    for (account, region, service, _), count in aws.calls.items():
        calls[account, region, service] += count
    return max(calls.values())


def report_of(results: list[Result], *, latency: float) -> str:
    """Return the section of the README that these results make."""
    setting = (
        f"Two regions, one portfolio shared to one OU, {latency * 1000:.0f} ms of latency added to "
        "every call, on the local AWS in this process."
    )
    machine = (
        f"Run on {datetime.now(tz=UTC):%Y-%m-%d}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end."
    )
    explanation = (
        "No publisher can be faster than its longest chain of calls of which each needs the one "
        "before, times the latency; nor than its token bucket lets the calls of one service in one "
        "region out (unthrottled: 40 at once and 40 per second, the rate growing e-fold per "
        "second). The last column compares with the larger of the two. The rest of the wall time "
        "is AWS's own time to finish shares and versions, loading boto3's clients, and what the "
        "local AWS computes for its answers, which AWS does on machines of its own."
    )
    header = (
        "| products | publish | actions | reads | changing calls | longest chain (calls) | "
        "chain × latency (s) | pace (s) | wall (s) | wall ÷ bound |"
    )
    lines = [
        setting,
        machine,
        "",
        header,
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(result.row() for result in results),
        "",
        explanation,
    ]
    return "\n".join(lines) + "\n"


def write_section(text: str) -> None:
    """Replace this benchmark's section of benchmarks/README.md, or add it."""
    section = f"{BEGIN}\n{text}{END}\n"
    old = README.read_text(encoding="utf-8") if README.exists() else "# Benchmarks\n"
    before, found, rest = old.partition(BEGIN)
    if found:
        after = rest.partition(END)[2].removeprefix("\n")
        README.write_text(before + section + after, encoding="utf-8")
    else:
        README.write_text(f"{old.rstrip()}\n\n## Publishing\n\n{section}", encoding="utf-8")


def main() -> int:
    """Measure, print, write down."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description=__doc__)
    parser.add_argument("--products", type=int, nargs="+", default=[1, 10, 50])
    parser.add_argument("--latency", type=float, default=0.05, help="seconds per call")
    parser.add_argument("--print-only", action="store_true", help="leave README.md alone")
    options = parser.parse_args()
    results = [r for n in options.products for r in measure(n, latency=options.latency)]
    text = report_of(results, latency=options.latency)
    print(text)
    if not options.print_only:
        write_section(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
