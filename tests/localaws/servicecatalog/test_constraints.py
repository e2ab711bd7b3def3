"""Constraints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest


@pytest.fixture
def made(bench: Any) -> Any:
    bench.role("launch")
    return bench.make()


def test_launch_constraint_of_a_local_role(bench: Any, made: Any) -> None:
    text = '{ "LocalRoleName":"launch" }'
    answer = bench.sc.create_constraint(
        PortfolioId=made.portfolio, ProductId=made.product, Type="LAUNCH", Parameters=text
    )
    detail = answer["ConstraintDetail"]
    assert answer["Status"] == "CREATING"
    assert detail["ConstraintId"].startswith("cons-")
    assert detail["Description"] == "Launch as local role launch"
    assert detail["Owner"] == bench.account

    def described() -> Any:
        return bench.sc.describe_constraint(Id=detail["ConstraintId"])

    bench.wait(lambda: described()["Status"] == "AVAILABLE")
    assert described()["ConstraintParameters"] == text
    listed = bench.sc.list_constraints_for_portfolio(PortfolioId=made.portfolio)
    assert listed["ConstraintDetails"] == [detail]


def test_one_launch_constraint_per_product_and_portfolio(
    bench: Any, made: Any, refused: Any
) -> None:
    constraint = bench.constrain(made, {"LocalRoleName": "launch"})
    again = {
        "PortfolioId": made.portfolio,
        "ProductId": made.product,
        "Type": "LAUNCH",
        "Parameters": '{"LocalRoleName":"launch"}',
    }
    refused("DuplicateResourceException", bench.sc.create_constraint, **again)
    other = bench.portfolio()
    bench.put_in(other, made.product)
    bench.sc.create_constraint(**{**again, "PortfolioId": other})
    bench.sc.delete_constraint(Id=constraint)
    bench.sc.create_constraint(**again)


@pytest.mark.parametrize(
    ("kind", "parameters", "code"),
    [
        ("LAUNCH", "not json", "InvalidParametersException"),
        ("LAUNCH", "[]", "InvalidParametersException"),
        ("LAUNCH", "{}", "InvalidParametersException"),
        ("LAUNCH", '{"RoleArn":"x"}', "InvalidParametersException"),
        ("LAUNCH", '{"LocalRoleName":"a/b"}', "InvalidParametersException"),
        ("LAUNCH", '{"RoleArn":"arn:a","LocalRoleName":"b"}', "InvalidParametersException"),
        ("NOTIFICATION", "{}", "InvalidParametersException"),
        ("RESOURCE_UPDATE", '{"Version":"1.0"}', "InvalidParametersException"),
        ("NONSENSE", "{}", "InvalidParametersException"),
        ("STACKSET", "{}", "NotEmulated"),
        ("TEMPLATE", "{}", "NotEmulated"),
    ],
)
def test_refused_constraints(
    bench: Any, made: Any, refused: Any, kind: str, parameters: str, code: str
) -> None:
    refused(
        code,
        bench.sc.create_constraint,
        PortfolioId=made.portfolio,
        ProductId=made.product,
        Type=kind,
        Parameters=parameters,
    )


def test_a_launch_role_must_exist_where_the_constraint_is(
    bench: Any, made: Any, refused: Any
) -> None:
    arguments = {"PortfolioId": made.portfolio, "ProductId": made.product, "Type": "LAUNCH"}
    for parameters in (
        '{"LocalRoleName":"missing"}',
        f'{{"RoleArn":"arn:aws:iam::{bench.account}:role/missing"}}',
    ):
        message = refused(
            "InvalidParametersException",
            bench.sc.create_constraint,
            **arguments,
            Parameters=parameters,
        )
        assert "profile does not exist" in message
    bench.aws.switches.launch_role_checked = False
    bench.sc.create_constraint(**arguments, Parameters='{"LocalRoleName":"missing"}')


def test_a_role_arn_may_become_local(bench: Any, made: Any) -> None:
    arn = f"arn:aws:iam::{bench.account}:role/launch"
    constraint = bench.constrain(made, {"RoleArn": arn})
    assert (
        bench.sc.describe_constraint(Id=constraint)["ConstraintDetail"]["Description"]
        == f"Launch as {arn}"
    )
    answer = bench.sc.update_constraint(
        Id=constraint, Parameters='{"LocalRoleName":"launch"}', Description="digest abc"
    )
    assert answer["ConstraintParameters"] == '{"LocalRoleName":"launch"}'
    assert answer["ConstraintDetail"]["Description"] == "digest abc"


def test_unknown_things(bench: Any, made: Any, refused: Any) -> None:
    sc = bench.sc
    for operation in (sc.describe_constraint, sc.update_constraint, sc.delete_constraint):
        refused("ResourceNotFoundException", operation, Id="cons-none")
    refused("ResourceNotFoundException", sc.list_constraints_for_portfolio, PortfolioId="port-none")
    refused(
        "ResourceNotFoundException",
        sc.list_constraints_for_portfolio,
        PortfolioId=made.portfolio,
        ProductId="prod-none",
    )


def test_quota(bench: Any, made: Any, refused: Any) -> None:
    bench.service.quotas = replace(bench.service.quotas, constraints_per_product_and_portfolio=1)
    bench.constrain(made, {"LocalRoleName": "launch"})
    refused(
        "LimitExceededException",
        bench.sc.create_constraint,
        PortfolioId=made.portfolio,
        ProductId=made.product,
        Type="NOTIFICATION",
        Parameters='{"NotificationArns":["arn:aws:sns:us-east-1:1:t"]}',
    )
