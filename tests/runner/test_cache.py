"""Caching by content."""

from __future__ import annotations

from typing import Any

import pytest
from local_runner import RunnerError
from local_runner.cache import duration
from runner_lab import Lab, get, join

CACHE = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P7D"}}
RUN = get("Execution.PipelineExecutionId")
COPY = """
    import shutil
    shutil.copytree("/opt/ml/processing/src", "/opt/ml/processing/out", dirs_exist_ok=True)
"""


def copy(lab: Lab, *, script: str = COPY, **step: Any) -> dict[str, Any]:
    return lab.processing(
        "Copy",
        script,
        inputs={"src": "s3://b/raw"},
        outputs={"out": join("s3://b/runs", RUN, "out")},
        **{**CACHE, **step},
    )


@pytest.fixture(autouse=True)
def data(lab: Lab) -> None:
    lab.put("s3://b/raw/f.txt", "one")


def test_a_hit_appears_under_the_uris_of_the_new_run(lab: Lab) -> None:
    lab.run(copy(lab))
    end = lab.processing(
        "End",
        COPY,
        inputs={"src": join("s3://b/runs", RUN, "out")},
        outputs={"out": "s3://b/end"},
        DependsOn=["Copy"],
    )
    result = lab.run(copy(lab), end)
    assert lab.states(result) == {"Copy": "Cached", "End": "Succeeded"}
    uri = result.steps["Copy"].properties["ProcessingOutputConfig"]["Outputs"]["out"]
    assert uri["S3Output"]["S3Uri"] == f"s3://b/runs/{result.run_id}/out"
    assert lab.text("s3://b/end/f.txt") == "one"


def test_other_data_other_code_and_no_cache_are_misses(lab: Lab) -> None:
    assert lab.states(lab.run(copy(lab))) == {"Copy": "Succeeded"}
    assert lab.states(lab.run(copy(lab), use_cache=False)) == {"Copy": "Succeeded"}
    lab.put("s3://b/raw/f.txt", "two")
    assert lab.states(lab.run(copy(lab))) == {"Copy": "Succeeded"}
    assert lab.states(lab.run(copy(lab, script=COPY + "    # other\n"))) == {"Copy": "Succeeded"}
    assert lab.states(lab.run(copy(lab))) == {"Copy": "Cached"}


def test_the_same_data_elsewhere_is_a_hit(lab: Lab) -> None:
    lab.run(copy(lab))
    lab.put("s3://b/moved/f.txt", "one")
    step = copy(lab)
    step["Arguments"]["ProcessingInputs"][1]["S3Input"]["S3Uri"] = "s3://b/moved"
    assert lab.states(lab.run(step)) == {"Copy": "Cached"}


def test_without_cache_config_every_run_runs(lab: Lab) -> None:
    for _ in range(2):
        result = lab.run(copy(lab, CacheConfig={"Enabled": False}))
        assert lab.states(result) == {"Copy": "Succeeded"}


def test_results_that_were_changed_or_deleted_are_not_reused(lab: Lab) -> None:
    result = lab.run(copy(lab))
    lab.put(f"s3://b/runs/{result.run_id}/out/f.txt", "changed")
    assert lab.states(lab.run(copy(lab))) == {"Copy": "Succeeded"}


def test_expired(lab: Lab) -> None:
    step = copy(lab, CacheConfig={"Enabled": True, "ExpireAfter": "PT0S"})
    lab.run(step)
    assert lab.states(lab.run(step)) == {"Copy": "Succeeded"}


def test_training_and_what_follows_are_reused(lab: Lab) -> None:
    train = lab.training(
        "Train",
        "import os; open(os.environ['SM_MODEL_DIR'] + '/m', 'w').write('m'); print('auc=1')",
        channels={"train": "s3://b/raw"},
        metrics={"auc": "auc=([0-9]+)"},
        **CACHE,
    )
    use = lab.processing(
        "Use",
        "",
        inputs={"model": get("Steps.Train.ModelArtifacts.S3ModelArtifacts")},
        **CACHE,
    )
    first, second = lab.run(train, use), lab.run(train, use)
    assert lab.states(second) == {"Train": "Cached", "Use": "Cached"}
    assert second.steps["Train"].properties == first.steps["Train"].properties


def test_a_failed_step_is_not_remembered_and_the_next_run_resumes(lab: Lab) -> None:
    fragile = """
        import pathlib
        if not pathlib.Path("/opt/ml/processing/flag/ok").exists():
            raise SystemExit("broken")
    """
    lab.put("s3://b/flag/no", "")
    second = lab.processing(
        "Second", fragile, inputs={"flag": "s3://b/flag"}, DependsOn=["Copy"], **CACHE
    )
    assert lab.states(lab.run(copy(lab), second)) == {"Copy": "Succeeded", "Second": "Failed"}
    lab.put("s3://b/flag/ok", "")
    assert lab.states(lab.run(copy(lab), second)) == {"Copy": "Cached", "Second": "Succeeded"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("P7D", 604800), ("PT12H", 43200), ("P1DT1M", 86460), ("P2W", 1209600)]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "7 days", "30d", "PD"])
def test_not_durations(text: str) -> None:
    with pytest.raises(RunnerError, match="ISO 8601"):
        duration(text)
