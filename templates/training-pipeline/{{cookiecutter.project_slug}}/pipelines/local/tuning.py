"""Tuning: random search, standing for every strategy but Grid."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from .errors import JobError, RunnerError
from .jobs import Job, Request, check_training, final_metrics, train

_SCALES: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "Linear": (lambda v: v, lambda v: v),
    "Logarithmic": (math.log, math.exp),
    "ReverseLogarithmic": (lambda v: math.log(1 - v), lambda v: 1 - math.exp(v)),
}


def check(request: Request) -> None:
    """Refuse before the first trial what would only show after the last one."""
    if "TrainingJobDefinition" not in request or request.get("WarmStartConfig"):
        raise JobError("only a single TrainingJobDefinition without warm start is done locally")
    definition = request["TrainingJobDefinition"]
    check_training(definition)
    config = request["HyperParameterTuningJobConfig"]
    objective = config["HyperParameterTuningJobObjective"]["MetricName"]
    known = {m["Name"]: m["Regex"] for m in _metrics(definition)}
    if isinstance(objective, str) and objective not in known:
        raise JobError(f"objective metric {objective!r} has no definition (has: {sorted(known)})")
    for name, regex in known.items():
        try:
            groups = re.compile(regex).groups
        except re.error as error:
            raise JobError(f"metric {name!r}: bad regex {regex!r} ({error})") from None
        if not groups:
            raise JobError(f"metric {name!r}: regex {regex!r} has no group around the number")
    _check_ranges(config)


def _check_ranges(config: Mapping[str, Any]) -> None:
    ranges = config.get("ParameterRanges", {})
    for item in _numeric(ranges):
        low, high, scale = item["MinValue"], item["MaxValue"], item.get("ScalingType", "Linear")
        if isinstance(low, dict) or isinstance(high, dict):
            continue
        try:
            sample(item, random.Random(0))  # noqa: S311
        except (ValueError, KeyError):
            raise JobError(
                f"range {item['Name']!r}: [{low}, {high}] does not suit scale {scale}"
            ) from None
        if float(low) > float(high):
            raise JobError(f"range {item['Name']!r}: MinValue {low} is above MaxValue {high}")
    if config.get("Strategy") == "Grid" and _numeric(ranges):
        raise JobError("strategy Grid takes categorical ranges only")


def _metrics(definition: Mapping[str, Any]) -> list[Mapping[str, str]]:
    found: list[Mapping[str, str]] = definition.get("AlgorithmSpecification", {}).get(
        "MetricDefinitions", []
    )
    return found


def _numeric(ranges: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    integers = [{**r, "integer": True} for r in ranges.get("IntegerParameterRanges", [])]
    return [*integers, *ranges.get("ContinuousParameterRanges", [])]


def sample(item: Mapping[str, Any], rng: random.Random) -> str:
    """One value of a numeric range, as the string a hyperparameter is."""
    forth, back = _SCALES[{"Auto": "Linear"}.get(scale := item.get("ScalingType", "Linear"), scale)]
    low, high = float(item["MinValue"]), float(item["MaxValue"])
    value = min(max(back(rng.uniform(forth(low), forth(high))), low), high)
    return str(round(value)) if item.get("integer") else repr(value)


def trials(config: Mapping[str, Any], count: int) -> Iterator[dict[str, str]]:
    """Hyperparameters of each trial; the same RandomSeed gives the same trials."""
    ranges = config.get("ParameterRanges", {})
    categories = {r["Name"]: r["Values"] for r in ranges.get("CategoricalParameterRanges", [])}
    if config.get("Strategy") == "Grid":
        for values in itertools.islice(itertools.product(*categories.values()), count):
            yield dict(zip(categories, values, strict=True))
        return
    rng = random.Random(config.get("RandomSeed", 0))  # noqa: S311
    for _ in range(count):
        chosen = {name: rng.choice(values) for name, values in categories.items()}
        yield chosen | {item["Name"]: sample(item, rng) for item in _numeric(ranges)}


def tune(job: Job) -> Request:
    """Run a tuning job; a trial that fails does not end it, unless all of the first ones do."""
    config, definition = (
        job.request["HyperParameterTuningJobConfig"],
        job.request["TrainingJobDefinition"],
    )
    objective, limits = config["HyperParameterTuningJobObjective"], config["ResourceLimits"]
    width = min(int(limits.get("MaxParallelTrainingJobs", 1)), job.parallel)
    total = int(limits.get("MaxNumberOfTrainingJobs", 1))
    sign = 1 if objective["Type"] == "Maximize" else -1

    def one(number: int, chosen: dict[str, str]) -> Request:
        name = f"{job.name}-{number:03d}"
        hyperparameters = {**definition.get("StaticHyperParameters", {}), **chosen}
        box = job.sandbox(f"trial-{number:03d}")
        summary: Request = {"TrainingJobName": name, "TunedHyperParameters": chosen}
        try:
            _, log = train(job, definition, hyperparameters, name, box)
        except JobError as error:
            if error.kind in {"Stopped", "DiskFull"}:
                raise
            return {**summary, "TrainingJobStatus": "Failed", "FailureReason": f"{error}"}
        value = final_metrics(_metrics(definition), log).get(objective["MetricName"])
        if value is None or math.isnan(value):
            regex = next(
                m["Regex"] for m in _metrics(definition) if m["Name"] == objective["MetricName"]
            )
            raise RunnerError(
                f"{name} printed no value of {objective['MetricName']!r} (regex {regex!r}); "
                f"log: {box.log}"
            )
        final = {"MetricName": objective["MetricName"], "Value": value, "Type": objective["Type"]}
        return {
            **summary,
            "TrainingJobStatus": "Completed",
            "ObjectiveStatus": "Succeeded",
            "FinalHyperParameterTuningJobObjectiveMetric": final,
        }

    done: list[Request] = []
    waiting = enumerate(trials(config, total), start=1)
    with ThreadPoolExecutor(width) as pool:
        running: set[Future[Request]] = set()
        while True:
            for number, chosen in itertools.islice(waiting, width - len(running)):
                running.add(pool.submit(one, number, chosen))
            if not running:
                break
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                trial = future.result()
                done.append(trial)
                job.say(_line(trial))
            good = [trial for trial in done if trial["TrainingJobStatus"] == "Completed"]
            if not good and len(done) >= width:
                raise JobError(
                    f"every one of the first {len(done)} trials failed; the last: "
                    f"{done[-1]['FailureReason']}"
                )
    good.sort(key=lambda t: -sign * _value(t))
    return {
        **job.request,
        "HyperParameterTuningJobName": job.name,
        "HyperParameterTuningJobStatus": "Completed",
        "TrainingJobSummaries": good + [trial for trial in done if trial not in good],
        "BestTrainingJob": good[0],
        "TrainingJobStatusCounters": {
            "Completed": len(good),
            "NonRetryableError": len(done) - len(good),
        },
    }


def _value(trial: Request) -> float:
    return float(trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def _line(trial: Request) -> str:
    if trial["TrainingJobStatus"] == "Failed":
        return f"{trial['TrainingJobName']} failed: {trial['FailureReason']}"
    metric = trial["FinalHyperParameterTuningJobObjectiveMetric"]
    return f"{trial['TrainingJobName']} {metric['MetricName']} {metric['Value']:.6g}"
