"""What each environment runs on: the one file to edit; `make infra` writes the templates anew."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Serverless:
    """Scales to zero: costs nothing while nobody calls, and starts cold.

    Attributes:
        memory_mb: 1024 to 6144, in steps of 1024.
        concurrency: calls answered at the same time, at most.
    """

    memory_mb: int
    concurrency: int


@dataclass(frozen=True, kw_only=True)
class RealTime:
    """Instances that always run, replaced blue/green behind a canary.

    Attributes:
        instance_type: SageMaker instance type.
        instances: how many to begin with, and the fewest; a canary needs two.
        most_instances: the most that autoscaling starts.
        calls_per_instance: calls per minute and instance that autoscaling aims at.
        canary_percent: share of the new instances that gets traffic first; at most 50.
        canary_minutes: how long the alarms watch the canary.
        bake_minutes: how long they watch all new instances before the old ones stop.
        most_errors: share of calls with a 5xx answer above which the old model comes back.
        most_latency_ms: 99th percentile of the model's latency above which it comes back.
    """

    instance_type: str
    instances: int = 2
    most_instances: int = 2
    calls_per_instance: int = 600
    canary_percent: int = 50
    canary_minutes: int = 10
    bake_minutes: int = 5
    most_errors: float = 0.01
    most_latency_ms: int = 500


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment.

    Attributes:
        name: dev, staging or prod; the deployment pipeline knows these three.
        compute: what it runs on.
        capture_percent: share of calls whose data is kept for drift checks; 0 keeps none.
    """

    name: str
    compute: Serverless | RealTime
    capture_percent: int = 0


ENVIRONMENTS = (
    Environment(name="dev", compute=Serverless(memory_mb=2048, concurrency=5)),
    Environment(
        name="staging",
        compute=RealTime(instance_type="ml.m5.large", canary_minutes=2, bake_minutes=1),
    ),
    Environment(
        name="prod",
        compute=RealTime(instance_type="ml.m5.large", most_instances=6),
        capture_percent=100,
    ),
)
