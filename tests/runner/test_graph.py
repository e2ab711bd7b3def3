"""Order, branches, parallel steps, dependencies that only data imply."""

from __future__ import annotations

from typing import Any

import pytest
from local_runner import RunnerError, run
from runner_lab import WRITE, Lab, get, join

TRUE = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
FALSE = {"Type": "Equals", "LeftValue": 1, "RightValue": 2}


def fail(name: str, message: Any = "no") -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def copy(lab: Lab, name: str, source: Any, target: Any, **step: Any) -> dict[str, Any]:
    return lab.processing(
        name,
        "import shutil; shutil.copytree('/opt/ml/processing/src', '/opt/ml/processing/out',"
        "dirs_exist_ok=True)",
        inputs={"src": source},
        outputs={"out": target},
        **step,
    )


def test_depends_on_orders(lab: Lab) -> None:
    for uri in ("s3://b/one", "s3://b/two"):
        lab.put(f"{uri}/f", "x")
    late = copy(lab, "Late", "s3://b/one", "s3://b/x1", DependsOn=["Early"])
    early = copy(lab, "Early", "s3://b/two", "s3://b/x2")
    result = lab.run(late, early)
    early_end = result.steps["Early"].started + result.steps["Early"].seconds
    assert result.steps["Late"].started >= early_end


def test_data_imply_an_order_and_the_user_is_told(lab: Lab) -> None:
    lab.put("s3://b/raw/f", "x")
    uri = join("s3://b/runs", get("Execution.PipelineExecutionId"), "clean")
    reader = copy(lab, "Reader", uri, "s3://b/end")
    writer = copy(lab, "Writer", "s3://b/raw", uri)
    result = lab.run(reader, writer)
    assert result.status == "Succeeded", result.message
    assert lab.text("s3://b/end/f") == "x"
    assert any("Reader reads what Writer writes" in line for line in result.differences)


def test_data_imply_nothing_between_neighbours(lab: Lab) -> None:
    lab.put("s3://b/raw/f", "x")
    a = copy(lab, "A", "s3://b/raw", "s3://b/out/a")
    b = copy(lab, "B", "s3://b/raw", "s3://b/out/ab")
    result = lab.run(a, b)
    assert not any("reads what" in line for line in result.differences)


def test_a_uri_of_a_condition_waits_for_its_writer(lab: Lab) -> None:
    writer = lab.processing(
        "Writer",
        "open('/opt/ml/processing/out/m.json', 'w').write('{\"auc\": 0.9}')",
        outputs={"out": "s3://b/metrics"},
    )
    value = {"Std:JsonGet": {"S3Uri": join("s3://b/metrics", "m.json"), "Path": "auc"}}
    check = lab.condition(
        "Check", [{"Type": "GreaterThan", "LeftValue": value, "RightValue": 0.5}], [fail("Good")]
    )
    result = lab.run(check, writer)
    assert lab.states(result) == {"Check": "Succeeded", "Good": "Failed", "Writer": "Succeeded"}


def test_independent_steps_run_side_by_side(lab: Lab) -> None:
    meet = """
        import boto3, time
        s3 = boto3.client("s3")
        s3.put_object(Bucket="b", Key="met/{me}", Body=b"")
        for _ in range(200):
            if s3.list_objects_v2(Bucket="b", Prefix="met/")["KeyCount"] == 2:
                break
            time.sleep(0.05)
        else:
            raise SystemExit("nobody came")
    """
    steps = [lab.processing(name, meet.replace("{me}", name)) for name in ("A", "B")]
    result = lab.run(*steps, max_parallel=2)
    assert result.status == "Succeeded", result.message


def test_only_the_branch_taken_runs(lab: Lab) -> None:
    step = lab.condition("C", [FALSE], [fail("Then")], [fail("Else", join("a", 1, on=" "))])
    result = lab.run(step)
    assert lab.states(result) == {"C": "Succeeded", "Then": "NotExecuted", "Else": "Failed"}
    assert result.message == "step Else failed: a 1"


def test_every_condition_must_hold(lab: Lab) -> None:
    result = lab.run(lab.condition("C", [TRUE, FALSE], [fail("Then")]))
    assert result.status == "Succeeded"


def test_deeply_nested_conditions(lab: Lab) -> None:
    lab.put("s3://b/raw/f", "deep")
    inner: dict[str, Any] = copy(lab, "Copy", "s3://b/raw", "s3://b/end")
    for level in range(8):
        inner = lab.condition(
            f"C{level}", [TRUE if level % 2 else {"Type": "Not", "Condition": FALSE}],
            [inner], [fail(f"F{level}")],
        )  # fmt: skip
    result = lab.run(inner)
    assert result.status == "Succeeded", result.message
    assert lab.text("s3://b/end/f") == "deep"
    assert {s.state for n, s in result.steps.items() if n.startswith("F")} == {"NotExecuted"}


def test_a_step_inside_a_branch_not_taken_skips_its_nested_conditions(lab: Lab) -> None:
    nested = lab.condition("Inner", [TRUE], [fail("Deep")])
    result = lab.run(lab.condition("Outer", [FALSE], [nested]))
    assert lab.states(result)["Deep"] == "NotExecuted"


def test_waiting_for_a_condition_waits_for_its_branch(lab: Lab) -> None:
    lab.put("s3://b/raw/f", "x")
    branch = copy(lab, "Branch", "s3://b/raw", "s3://b/one")
    after = copy(lab, "After", "s3://b/raw", "s3://b/two", DependsOn=["C"])
    result = lab.run(after, lab.condition("C", [TRUE], [branch]))
    assert result.status == "Succeeded"
    end = result.steps["Branch"].started + result.steps["Branch"].seconds
    assert result.steps["After"].started >= end


def test_what_uses_a_step_that_did_not_run_does_not_run(lab: Lab) -> None:
    lab.put("s3://b/raw/f", "x")
    branch = copy(lab, "Branch", "s3://b/raw", "s3://b/one")
    uri = get("Steps.Branch.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")
    user = copy(lab, "User", uri, "s3://b/two")
    result = lab.run(lab.condition("C", [FALSE], [branch]), user)
    assert lab.states(result)["User"] == "NotExecuted"
    assert "Branch" in result.steps["User"].message


def test_cycles_missing_steps_and_double_names(lab: Lab) -> None:
    a, b = (lab.processing(n, "", DependsOn=[d]) for n, d in (("A", "B"), ("B", "A")))
    with pytest.raises(RunnerError, match="wait for each other"):
        lab.run(a, b)
    with pytest.raises(RunnerError, match=r"'A' refers to missing steps: \['B'\]"):
        lab.run(a)
    with pytest.raises(RunnerError, match="two steps are called 'X'"):
        lab.run(fail("X"), fail("X"))


def test_unknown_steps_are_an_error_or_an_explicit_skip(lab: Lab) -> None:
    lab.put("s3://b/raw/f", "x")
    other = {"Name": "L", "Type": "Lambda", "Arguments": {"a": 1}, "FunctionArn": "arn"}
    user = copy(lab, "User", get("Steps.L.OutputParameters['x']"), "s3://b/x")
    free = copy(lab, "Free", "s3://b/raw", "s3://b/y")
    with pytest.raises(RunnerError, match="type Lambda have no local counterpart"):
        lab.run(other, user, free)
    result = lab.run(other, user, free, skip_unsupported=True)
    assert lab.states(result) == {"L": "Skipped", "User": "NotExecuted", "Free": "Succeeded"}


def test_another_schema(lab: Lab) -> None:
    with pytest.raises(RunnerError, match="schema '2030-01-01'"):
        run({"Version": "2030-01-01", "Steps": []}, work=lab.work)


def test_json_get_decides_on_a_property_file(lab: Lab) -> None:
    evaluate = lab.processing(
        "Evaluate",
        "open('/opt/ml/processing/out/r.json','w').write('{\"m\": [{\"v\": 3}]}')",
        outputs={"out": "s3://b/eval/"},
        PropertyFiles=[{"PropertyFileName": "R", "OutputName": "out", "FilePath": "r.json"}],
    )
    target = {"PropertyFile": get("Steps.Evaluate.PropertyFiles.R"), "Path": "m[0].v"}
    condition = {"Type": "In", "QueryValue": {"Std:JsonGet": target}, "Values": [3, 4]}
    result = lab.run(lab.condition("C", [condition], [fail("In")]), evaluate)
    assert lab.states(result)["In"] == "Failed"
    assert result.steps["C"].notes == ["3 in [3, 4]: True"]


def test_order_of_the_definition_does_not_matter(lab: Lab) -> None:
    steps = [
        lab.processing(f"S{i}", WRITE, outputs={"out": f"s3://b/o{i}"}, arguments=[str(i)],
                       **({"DependsOn": [f"S{i - 1}"]} if i else {}))
        for i in range(3)
    ]  # fmt: skip
    assert lab.run(*reversed(steps)).status == "Succeeded"
