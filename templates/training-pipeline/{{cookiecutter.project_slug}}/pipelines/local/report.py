"""The report of a run: one self-contained HTML file, and a summary for the terminal."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from .result import RunResult, StepResult
from .store import Store

_PLOTS = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml"}
_MAX_PLOT = 2 * 2**20
_MAX_PLOTS = 24
_STYLE = """
:root{--ink:#1a2233;--soft:#667085;--line:#e4e7ec;--good:#12805c;--bad:#b42318;--accent:#2f5bea;
--back:#fff;--tint:#f6f8fb}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#98a2b3;--line:#2b3342;--good:#4cc38a;
--bad:#ff7a70;--accent:#7b9bff;--back:#12161d;--tint:#1a2029}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:62rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}
table{border-collapse:collapse;width:100%}td,th{padding:.35rem .6rem;text-align:left;
border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--soft);font-weight:500}
td.n{text-align:right;font-variant-numeric:tabular-nums}.soft{color:var(--soft)}
.Succeeded,.Cached{color:var(--good)}.Failed,.Stopped{color:var(--bad)}
pre{background:var(--tint);padding:.75rem;overflow:auto;white-space:pre-wrap;font-size:.85rem}
.bar{position:relative;height:.7rem;background:var(--tint);border-radius:3px;min-width:12rem}
.bar i{position:absolute;height:100%;background:var(--accent);border-radius:3px;min-width:2px}
figure{display:inline-block;margin:.5rem;vertical-align:top;max-width:100%}
figure img{max-width:28rem;width:100%;background:#fff;border:1px solid var(--line)}
figcaption{color:var(--soft);font-size:.85rem}
"""


def outputs(step: StepResult, store: Store) -> Iterator[tuple[str, str, Path]]:
    """(S3 URI, relative name, file) of everything a step has written."""
    properties = step.properties
    found = properties.get("ProcessingOutputConfig", {}).get("Outputs", {})
    uris = [item["S3Output"]["S3Uri"] for item in found.values()]
    if artifact := properties.get("ModelArtifacts", {}).get("S3ModelArtifacts"):
        uris.append(artifact)
    if "TransformOutput" in properties:
        uris.append(properties["TransformOutput"]["S3OutputPath"])
    for uri in uris:
        for name, file in store.files(uri):
            yield uri, name, file


def metrics(step: StepResult, store: Store) -> list[tuple[str, float]]:
    """Numbers a step reported: job metrics, the best trial, JSON files named after metrics."""
    found = [
        (item["MetricName"], float(item["Value"]))
        for item in step.properties.get("FinalMetricDataList", [])
    ]
    if best := step.properties.get("BestTrainingJob"):
        final = best["FinalHyperParameterTuningJobObjectiveMetric"]
        found.append((f"best {final['MetricName']}", float(final["Value"])))
    for _, name, file in outputs(step, store):
        stem = Path(name).stem
        if name.endswith(".json") and ("metric" in stem or "evaluation" in stem):
            try:
                found += list(_numbers(json.loads(file.read_text("utf-8")), ""))[:60]
            except ValueError:
                continue
    return found


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)


def summary(result: RunResult, store: Store) -> str:
    """The report for a terminal."""
    width = max([len(name) for name in result.steps] or [4])
    lines = ["", f"{'step':<{width}}  {'type':<13} {'state':<12} {'seconds':>8}"]
    lines += [
        f"{step.name:<{width}}  {step.type:<13} {step.state:<12} {step.seconds:8.1f}"
        for step in result.steps.values()
    ]
    for step in result.steps.values():
        if found := metrics(step, store):
            lines += ["", f"{step.name}:"]
            lines += [f"  {name:<44} {value:.6g}" for name, value in found[:12]]
            if len(found) > 12:
                lines.append(f"  ... {len(found) - 12} more in the report")
    for package in result.packages:
        lines += ["", f"registered {package['ModelPackageArn']} ({package['ModelApprovalStatus']})"]
    lines += ["", f"{result.status} in {result.seconds:.1f} s; report: {result.report}"]
    if result.message:
        lines += ["", result.message]
    return "\n".join(lines)


def write(result: RunResult, store: Store) -> None:
    """Write `report.html`; aside first, so that a reader never sees half of it."""
    temporary = result.report.with_suffix(".tmp")
    temporary.write_text("".join(_page(result, store)), "utf-8")
    temporary.replace(result.report)


def _page(result: RunResult, store: Store) -> Iterator[str]:
    title = f"Pipeline run {escape(result.run_id)}"
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    yield f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    yield f'<h1>{title} <span class="{result.status}">{result.status}</span></h1>'
    yield f'<p class="soft">{result.seconds:.1f} s on this machine</p>'
    if result.message:
        yield f"<pre>{escape(result.message)}</pre>"
    for package in result.packages:
        yield f"<h2>Registered model</h2>{_table([], _package(package))}"
    numbers = [
        (step.name, name, f"{value:.6g}")
        for step in result.steps.values()
        for name, value in metrics(step, store)
    ]
    if numbers:
        yield f"<h2>Metrics</h2>{_table(['Step', 'Metric', 'Value'], numbers)}"
    if plots := list(_plots(result, store))[:_MAX_PLOTS]:
        yield f"<h2>Plots</h2>{''.join(plots)}"
    yield "<h2>Steps</h2><table><tr><th>Step<th>Type<th>State<th>Seconds<th>When</tr>"
    whole = max(result.seconds, 0.001)
    for step in result.steps.values():
        left, width = 100 * step.started / whole, 100 * step.seconds / whole
        notes = "".join(f'<div class="soft">{escape(note)}</div>' for note in step.notes)
        bar = f'<div class="bar"><i style="left:{left:.2f}%;width:{width:.2f}%"></i></div>'
        yield (
            f"<tr><td>{escape(step.name)}{notes}<td>{escape(step.type)}"
            f'<td class="{step.state}">{step.state}<td class="n">{step.seconds:.1f}<td>{bar}</tr>'
        )
    yield "</table>"
    values = [(name, str(value)) for name, value in result.parameters.items()]
    if values:
        yield f"<h2>Parameters</h2>{_table(['Name', 'Value'], values)}"
    items = "".join(f"<li>{escape(line)}" for line in result.differences)
    yield f"<h2>What differs from SageMaker</h2><ul>{items}</ul></html>"


def _package(package: dict[str, Any]) -> list[Sequence[str]]:
    names = ("ModelPackageArn", "ModelApprovalStatus", "ModelPackageVersion")
    return [(name, str(package[name])) for name in names]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "<tr>" + "".join(f"<th>{escape(cell)}" for cell in head) + "</tr>" if head else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(c)}" for c in row) + "</tr>" for row in rows)
    return f"<table>{top}{body}</table>"


def _plots(result: RunResult, store: Store) -> Iterator[str]:
    for step in result.steps.values():
        for _, name, file in outputs(step, store):
            kind = _PLOTS.get(file.suffix)
            if kind and file.stat().st_size <= _MAX_PLOT:
                data = base64.b64encode(file.read_bytes()).decode()
                label = escape(f"{step.name}: {name}")
                yield (
                    f'<figure><img alt="{label}" src="data:{kind};base64,{data}">'
                    f"<figcaption>{label}</figcaption></figure>"
                )
