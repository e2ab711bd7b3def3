"""Principals of portfolios, and the grammar of their patterns."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.localaws.servicecatalog.patterns import covers


def test_associate_list_disassociate(bench: Any, refused: Any) -> None:
    portfolio = bench.portfolio()
    role = f"arn:aws:iam::{bench.account}:role/path/name"
    bench.grant(portfolio, role)
    bench.grant(portfolio, role)
    bench.grant(portfolio, "arn:aws:iam:::role/*sagemaker*", "IAM_PATTERN")
    assert bench.sc.list_principals_for_portfolio(PortfolioId=portfolio)["Principals"] == [
        {"PrincipalARN": role, "PrincipalType": "IAM"},
        {"PrincipalARN": "arn:aws:iam:::role/*sagemaker*", "PrincipalType": "IAM_PATTERN"},
    ]
    remove = bench.sc.disassociate_principal_from_portfolio
    refused(
        "ResourceNotFoundException",
        remove,
        PortfolioId=portfolio,
        PrincipalARN="arn:aws:iam:::role/*sagemaker*",
        PrincipalType="IAM",
    )
    remove(
        PortfolioId=portfolio,
        PrincipalARN="arn:aws:iam:::role/*sagemaker*",
        PrincipalType="IAM_PATTERN",
    )
    remove(PortfolioId=portfolio, PrincipalARN=role)
    assert bench.sc.list_principals_for_portfolio(PortfolioId=portfolio)["Principals"] == []


@pytest.mark.parametrize(
    "operation", ["associate_principal_with_portfolio", "disassociate_principal_from_portfolio"]
)
def test_unknown_portfolio(bench: Any, refused: Any, operation: str) -> None:
    refused(
        "ResourceNotFoundException",
        getattr(bench.sc, operation),
        PortfolioId="port-none",
        PrincipalARN=f"arn:aws:iam::{bench.account}:role/r",
        PrincipalType="IAM",
    )
    refused(
        "ResourceNotFoundException", bench.sc.list_principals_for_portfolio, PortfolioId="port-x"
    )


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        ("arn:aws:iam:::role/x", "IAM"),
        ("arn:aws:iam::123456789012:role/x*", "IAM"),
        ("arn:aws:iam::123456789012:root", "IAM"),
        ("arn:aws:sts::123456789012:assumed-role/x/y", "IAM"),
        ("arn:aws:iam::123456789012:role/x", "IAM_PATTERN"),
        ("arn:aws:iam:::*/x", "IAM_PATTERN"),
        ("arn:aws:iam:::r?le/x", "IAM_PATTERN"),
        ("arn:aws:iam:::role/", "IAM_PATTERN"),
        ("*", "IAM_PATTERN"),
    ],
)
def test_arns_that_a_type_does_not_allow(bench: Any, refused: Any, arn: str, kind: str) -> None:
    refused(
        "InvalidParametersException", bench.grant, portfolio=bench.portfolio(), arn=arn, kind=kind
    )


def test_ten_patterns_and_the_other_quotas(bench: Any, refused: Any) -> None:
    made = bench.make()
    for number in range(10):
        bench.grant(made.portfolio, f"arn:aws:iam:::role/team{number}-*", "IAM_PATTERN")
    refused(
        "LimitExceededException",
        bench.grant,
        portfolio=made.portfolio,
        arn="arn:aws:iam:::role/team10-*",
        kind="IAM_PATTERN",
    )
    role = f"arn:aws:iam::{bench.account}:role/r"
    bench.service.quotas = replace(bench.service.quotas, principals_per_portfolio=10)
    refused("LimitExceededException", bench.grant, portfolio=made.portfolio, arn=role)
    bench.service.quotas = replace(
        bench.service.quotas, principals_per_portfolio=100, principals_per_product=10
    )
    second = bench.portfolio()
    bench.put_in(second, made.product)
    refused("LimitExceededException", bench.grant, portfolio=second, arn=role)


@pytest.mark.parametrize(
    ("pattern", "caller", "expected"),
    [
        ("role/*sagemaker*", "role/my-sagemaker-role", True),
        ("role/*sagemaker*", "role/service-role/sagemaker", True),
        ("role/*sagemaker*", "role/SageMaker", False),
        ("role/*sagemaker*", "user/sagemaker", False),
        ("role/team?", "role/team", True),
        ("role/team?", "role/team1", True),
        ("role/team?", "role/team12", False),
        ("role/a.b", "role/aXb", False),
        ("role/exact", "role/exact", True),
        ("role/exact", "role/path/exact", False),
    ],
)
def test_what_a_pattern_covers(pattern: str, caller: str, expected: bool) -> None:
    assert (
        covers(
            principal_arn=f"arn:aws:iam:::{pattern}",
            principal_type="IAM_PATTERN",
            caller_arn=f"arn:aws:iam::123456789012:{caller}",
        )
        is expected
    )


@given(
    parts=st.lists(st.text(alphabet="abc/-.", max_size=4), min_size=1, max_size=4),
    fillings=st.lists(st.text(alphabet="abc/-.+=", max_size=6), min_size=3, max_size=3),
)
def test_a_star_stands_for_any_filling(parts: list[str], fillings: list[str]) -> None:
    pattern = "x" + "*".join(parts)
    filled = iter(fillings)
    name = re.sub(r"\*", lambda _: next(filled), pattern)
    assert covers(
        principal_arn=f"arn:aws:iam:::role/{pattern}",
        principal_type="IAM_PATTERN",
        caller_arn=f"arn:aws:iam::123456789012:role/{name}",
    )
    assert not covers(
        principal_arn=f"arn:aws:iam:::role/{pattern}",
        principal_type="IAM_PATTERN",
        caller_arn=f"arn:aws:iam::123456789012:role/y{name}",
    )
