"""Parameters, symbols, expressions and conditions."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_runner.definition import Scope, parameter_values, references, substitute, walk
from local_runner.errors import RunnerError, UnresolvedError


def parameter(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, **more}


def scope(**properties: Any) -> Scope:
    files = {"s3://b/out/report.json": {"auc": {"value": 0.8}, "folds": [0.7, 0.9]}}
    return Scope(
        parameters={"N": 3, "Name": "x", "Flag": True, "Bucket": "b"},
        execution={"PipelineExecutionId": "e1"},
        read=lambda uri: json.dumps(files[uri]).encode(),
        properties=properties,
        property_files={("Evaluate", "Report"): ("evaluation", "report.json")},
    )


EVALUATED = {
    "ProcessingOutputConfig": {
        "Outputs": {"evaluation": {"S3Output": {"S3Uri": "s3://b/out/"}}},
    }
}


class TestParameters:
    definition: ClassVar[dict[str, Any]] = {
        "Parameters": [
            parameter("Count", "Integer", DefaultValue=3),
            parameter("Rate", "Float", DefaultValue=1),
            parameter("On", "Boolean", DefaultValue=False),
            parameter("Size", "String", DefaultValue="s", EnumValues=["s", "m"]),
            parameter("Data", "String"),
        ]
    }

    def test_defaults_and_overrides(self) -> None:
        values = parameter_values(self.definition, {"Data": "d", "Count": "5", "On": "True"})
        assert values == {"Count": 5, "Rate": 1.0, "On": True, "Size": "s", "Data": "d"}
        assert isinstance(values["Rate"], float)

    def test_every_problem_is_named_at_once(self) -> None:
        wrong = {"Count": "many", "Rate": True, "On": 1, "Size": "xl", "Typo": "v"}
        with pytest.raises(RunnerError) as caught:
            parameter_values(self.definition, wrong)
        text = str(caught.value)
        assert "Count: 'many' is not of type Integer" in text
        assert "Rate: True is not of type Float" in text
        assert "On: 1 is not of type Boolean" in text
        assert "Size: 'xl' is not one of ['s', 'm']" in text
        assert "Data: no default" in text
        assert "Typo: not a parameter" in text

    def test_an_integer_is_not_a_fraction(self) -> None:
        with pytest.raises(RunnerError, match="Count"):
            parameter_values(self.definition, {"Data": "d", "Count": "1.5"})


class TestSymbols:
    def test_everywhere_and_only_the_known_ones(self) -> None:
        value = {"a": ["s3://${bucket}/x", "${code:train}"], "b": "${HOME} ${role}", "n": 1}
        symbols = {"bucket": "b", "role": "r", "code:train": "s3://b/t"}
        assert substitute(value, symbols) == {
            "a": ["s3://b/x", "s3://b/t"],
            "b": "${HOME} r",
            "n": 1,
        }

    def test_undefined_code_is_an_error(self) -> None:
        with pytest.raises(RunnerError, match=r"\$\{code:eval\}"):
            substitute("${code:eval}", {"bucket": "b"})


class TestExpressions:
    def test_join_of_everything(self) -> None:
        values = ["s3:/", {"Get": "Parameters.Bucket"}, {"Get": "Execution.PipelineExecutionId"},
                  {"Get": "Parameters.N"}, {"Get": "Parameters.Flag"}]  # fmt: skip
        assert scope().evaluate({"Std:Join": {"On": "/", "Values": values}}) == "s3://b/e1/3/true"

    def test_property_with_brackets(self) -> None:
        path = "Steps.Evaluate.ProcessingOutputConfig.Outputs['evaluation'].S3Output.S3Uri"
        assert scope(Evaluate=EVALUATED).evaluate({"Get": path}) == "s3://b/out/"

    @pytest.mark.parametrize(("path", "value"), [("auc.value", 0.8), ("folds[1]", 0.9)])
    def test_json_get_from_property_file(self, path: str, value: float) -> None:
        target = {"Get": "Steps.Evaluate.PropertyFiles.Report"}
        expression = {"Std:JsonGet": {"PropertyFile": target, "Path": path}}
        assert scope(Evaluate=EVALUATED).evaluate(expression) == value

    def test_json_get_from_uri(self) -> None:
        uri = {"Std:Join": {"On": "/", "Values": ["s3://b/out", "report.json"]}}
        expression = {"Std:JsonGet": {"S3Uri": uri, "Path": "$['auc']['value']"}}
        assert scope().evaluate(expression) == 0.8

    def test_step_that_has_not_run(self) -> None:
        with pytest.raises(UnresolvedError):
            scope().evaluate({"Get": "Steps.Later.ModelName"})
        assert scope().literal({"a": {"Get": "Steps.Later.ModelName"}}) is None

    def test_what_is_there_is_named(self) -> None:
        with pytest.raises(RunnerError, match=r"nothing at 'Outputs'.*there is \['Inputs'\]"):
            walk({"Inputs": 1}, "Outputs", where="Steps.A.Outputs")

    def test_unknown_function(self) -> None:
        with pytest.raises(RunnerError, match="Std:Later"):
            scope().evaluate({"Std:Later": {}})

    def test_references_reach_everywhere(self) -> None:
        value = [{"x": {"Get": "Steps.A.B"}}, {"Std:Join": {"Values": [{"Get": "Steps.C.D"}]}}]
        assert set(references(value)) == {"A", "C"}


def leaf(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


numbers = st.integers(-3, 3)
compare = {
    "Equals": lambda a, b: a == b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanOrEqualTo": lambda a, b: a >= b,
    "LessThan": lambda a, b: a < b,
    "LessThanOrEqualTo": lambda a, b: a <= b,
}
leaves = st.one_of(
    st.builds(
        lambda kind, a, b: (leaf(kind, a, b), compare[kind](a, b)),
        st.sampled_from(sorted(compare)),
        numbers,
        numbers,
    ),
    st.builds(
        lambda a, values: ({"Type": "In", "QueryValue": a, "Values": values}, a in values),
        numbers,
        st.lists(numbers),
    ),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda c: ({"Type": "Not", "Condition": c[0]}, not c[1]), inner),
        st.builds(
            lambda cs: (
                {"Type": "Or", "Conditions": [c for c, _ in cs]},
                any(v for _, v in cs),
            ),
            st.lists(inner, min_size=1, max_size=3),
        ),
        st.builds(
            lambda cs: (
                {"Type": "And", "Conditions": [c for c, _ in cs]},
                all(v for _, v in cs),
            ),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=12,
)


@given(trees)
def test_conditions_mean_what_they_say(case: tuple[dict[str, Any], bool]) -> None:
    condition, expected = case
    assert scope().holds(condition)[0] is expected


def test_comparing_different_types_is_an_error_not_a_crash() -> None:
    with pytest.raises(RunnerError, match="types differ"):
        scope().holds(leaf("LessThan", {"Get": "Parameters.Name"}, 1))


def test_unknown_condition() -> None:
    with pytest.raises(RunnerError, match="'Matches'"):
        scope().holds(leaf("Matches", 1, 1))
