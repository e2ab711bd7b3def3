"""The policy engine, without any AWS around it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.localaws.core.authorization.conditions import UnknownOperatorError, holds
from catalog.localaws.core.authorization.decision import Decision, Policies, Question, decide
from catalog.localaws.core.authorization.policy import Caller, Statement, parse_policy
from catalog.localaws.core.authorization.wildcards import arn_matches, matches, matches_filled

ACCOUNT = "111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/trainer"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/build-7"
CALLER = Caller(arns=(SESSION, ROLE), account=ACCOUNT)
BUCKET = "arn:aws:s3:::data/raw/flights.parquet"


def policy(*statements: dict[str, Any]) -> tuple[Statement, ...]:
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(action: str = "s3:GetObject", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str = "s3:GetObject", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def ask(
    policies: Policies, *, action: str = "s3:GetObject", context: dict[str, Any] | None = None
) -> Decision:
    return decide(
        Question(action=action, resource=BUCKET, context=context or {}, caller=CALLER), policies
    )


# Wildcards


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("*", "", True),
        ("s3:Get*", "s3:GetObject", True),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:Get?", "s3:GetObject", False),
        ("a.c", "abc", False),
        ("a*c", "abbbc", True),
        ("a*c", "abbbd", False),
        ("[ab]", "a", False),
        ("line*", "line one\nline two", True),
    ],
)
def test_wildcards_match_as_iam_does(pattern: str, value: str, expected: bool) -> None:
    assert matches(pattern, value) is expected


@given(st.text(), st.text(), st.text())
def test_a_star_stands_for_any_text(before: str, between: str, after: str) -> None:
    literal = str.maketrans({"*": "x", "?": "x"})
    before, after = before.translate(literal), after.translate(literal)
    assert matches(f"{before}*{after}", f"{before}{between}{after}")


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab", max_size=8))
def test_wildcards_agree_with_a_matcher_written_differently(pattern: str, value: str) -> None:
    def slow(p: str, v: str) -> bool:
        if not p:
            return not v
        if p[0] == "*":
            return slow(p[1:], v) or (bool(v) and slow(p, v[1:]))
        return bool(v) and p[0] in ("?", v[0]) and slow(p[1:], v[1:])

    assert matches(pattern, value) is slow(pattern, value)


@pytest.mark.parametrize(
    ("pattern", "arn", "expected"),
    [
        ("*", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c", True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::bb/a", False),
        ("arn:aws:iam::*:role/x", "arn:aws:iam::111111111111:role/x", True),
        ("arn:aws:*:role/x", "arn:aws:iam::111111111111:role/x", False),
        ("arn:aws:lambda:*:*:function:f*", "arn:aws:lambda:eu-west-1:1:function:fit", True),
    ],
)
def test_arns_match_part_by_part(pattern: str, arn: str, expected: bool) -> None:
    assert arn_matches(pattern, arn) is expected


def test_policy_variables_are_filled_and_never_act_as_wildcards() -> None:
    context = {"aws:principaltag/team": "a*"}
    assert matches_filled("${aws:PrincipalTag/team}/x", "a*/x", context)
    assert not matches_filled("${aws:PrincipalTag/team}/x", "abc/x", context)
    assert not matches_filled("${aws:PrincipalTag/other}/x", "/x", context)
    assert matches_filled("${aws:PrincipalTag/other, 'all'}/*", "all/x", context)


# Conditions


@pytest.mark.parametrize(
    ("operator", "wanted", "actual", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", "b", False),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringNotEquals", "a", None, True),
        ("StringLike", "prod-*", "prod-1", True),
        ("StringNotLike", "prod-*", "prod-1", False),
        ("ArnLike", "arn:aws:iam::*:role/Exec*", "arn:aws:iam::1:role/Executor", True),
        ("ArnEquals", "arn:aws:iam::*:role/Exec*", "arn:aws:iam::1:role/Executor", True),
        ("ArnNotLike", "arn:aws:iam::*:role/Exec*", "arn:aws:iam::1:role/Executor", False),
        ("Bool", "true", "true", True),
        ("Bool", False, "false", True),
        ("Bool", "false", None, False),
        ("BoolIfExists", "false", None, True),
        ("Null", "true", None, True),
        ("Null", "true", "a", False),
        ("Null", False, "a", True),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "9", False),
        ("NumericEquals", "10", "ten", False),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", True),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "1767225601", True),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "c"), False),
        ("ForAllValues:StringEquals", ["a", "b"], None, True),
        ("ForAnyValue:StringEquals", ["a", "b"], ("c", "b"), True),
        ("ForAnyValue:StringEquals", ["a", "b"], ("c",), False),
        ("ForAnyValue:StringEquals", ["a", "b"], None, False),
        ("ForAnyValue:StringLike", ["o-*/r-*"], ("o-1/r-1/",), True),
        ("ForAnyValue:StringNotEquals", ["a"], None, False),
        ("ForAllValues:StringNotLike", ["a*"], ("b", "ac"), False),
    ],
)
def test_condition_operators(operator: str, wanted: Any, actual: Any, expected: bool) -> None:
    context = {} if actual is None else {"aws:key": actual}
    assert holds({operator: {"aws:Key": wanted}}, context) is expected


def test_every_operator_and_every_key_must_hold() -> None:
    context = {"a": "1", "b": "2"}
    assert holds({"StringEquals": {"a": "1", "b": "2"}}, context)
    assert not holds({"StringEquals": {"a": "1", "b": "3"}}, context)
    assert not holds({"StringEquals": {"a": "1"}, "Null": {"b": "true"}}, context)


def test_an_unknown_operator_is_an_error() -> None:
    with pytest.raises(UnknownOperatorError, match="StringResembles"):
        holds({"StringResembles": {"a": "1"}}, {"a": "1"})


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc"), min_size=1))
def test_a_negated_operator_is_the_opposite_of_the_positive_one(
    actual: list[str], wanted: list[str]
) -> None:
    context = {"k": actual[0]} if actual else {}
    positive = holds({"StringEquals": {"k": wanted}}, context)
    assert holds({"StringNotEquals": {"k": wanted}}, context) is not positive


# Decisions


def test_what_nobody_allows_is_refused() -> None:
    decision = ask(Policies(identity=(policy(allow("s3:PutObject")),)))
    assert not decision.allowed
    assert decision.reason == "because no identity-based policy allows the s3:GetObject action"


def test_actions_ignore_case_and_resources_do_not() -> None:
    assert ask(Policies(identity=(policy(allow("S3:getobject")),))).allowed
    upper = "arn:aws:s3:::DATA/*"
    assert not ask(Policies(identity=(policy(allow(resource=upper)),))).allowed


def test_not_action_and_not_resource() -> None:
    all_but_iam = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    assert ask(Policies(identity=(policy(all_but_iam),))).allowed
    assert not ask(Policies(identity=(policy(all_but_iam),)), action="iam:GetRole").allowed
    elsewhere = {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::data/*"}
    assert not ask(Policies(identity=(policy(elsewhere),))).allowed


def test_a_boundary_and_a_session_policy_only_narrow() -> None:
    everything = (policy(allow("*")),)
    narrow = policy(allow("s3:PutObject"))
    bounded = ask(Policies(identity=everything, boundary=narrow))
    assert bounded.reason == "because no permissions boundary allows the s3:GetObject action"
    session = ask(Policies(identity=everything, session=(narrow,)))
    assert session.reason == "because no session policy allows the s3:GetObject action"
    assert not ask(Policies(boundary=policy(allow("*")))).allowed


@pytest.mark.parametrize(
    ("principal", "same_account", "cross_account"),
    [
        ({"AWS": ROLE}, True, False),
        ({"AWS": SESSION}, True, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, False, False),
        ({"AWS": ACCOUNT}, False, False),
        ("*", True, False),
        ({"AWS": "arn:aws:iam::222222222222:root"}, False, False),
        ({"Service": "s3.amazonaws.com"}, False, False),
    ],
)
def test_a_resource_policy_alone(principal: Any, same_account: bool, cross_account: bool) -> None:
    resource = policy(allow(Principal=principal))
    assert ask(Policies(resource=resource)).allowed is same_account
    assert ask(Policies(resource=resource, cross_account=True)).allowed is cross_account


@pytest.mark.parametrize("principal", [{"AWS": ROLE}, {"AWS": ACCOUNT}, "*"])
def test_cross_account_needs_both_sides(principal: Any) -> None:
    identity = (policy(allow()),)
    resource = policy(allow(Principal=principal))
    assert ask(Policies(identity=identity, resource=resource, cross_account=True)).allowed
    alone = ask(Policies(identity=identity, cross_account=True))
    assert alone.reason == "because no resource-based policy allows the s3:GetObject action"


def test_a_key_policy_decides_even_for_administrators() -> None:
    key_policy = policy(allow("kms:*", Principal={"AWS": "222222222222"}))
    locked = Policies(resource=key_policy, resource_decides=True, administrator=True)
    assert not ask(locked, action="kms:Decrypt").allowed


_statements = st.builds(
    lambda effect, action, resource: {"Effect": effect, "Action": action, "Resource": resource},
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["*", "s3:*", "s3:GetObject", "s3:Put*", "kms:Decrypt"]),
    st.sampled_from(["*", "arn:aws:s3:::data/*", "arn:aws:s3:::other/*", BUCKET]),
)
_policies = st.lists(_statements, max_size=4).map(lambda s: policy(*s))


@given(st.lists(_policies, max_size=3), _policies, _policies)
def test_an_explicit_deny_anywhere_wins(identity: list[Any], boundary: Any, session: Any) -> None:
    refusing = policy(deny("s3:*", "arn:aws:s3:::data/*"))
    for policies in (
        Policies(identity=(*identity, refusing), boundary=boundary, session=(session,)),
        Policies(identity=tuple(identity), boundary=(*boundary, *refusing)),
        Policies(identity=tuple(identity), session=(session, refusing)),
        Policies(
            identity=tuple(identity),
            resource=policy(deny("s3:*", "arn:aws:s3:::data/*", Principal="*")),
            administrator=True,
        ),
    ):
        decision = ask(policies)
        assert not decision.allowed
        assert "explicit deny" in decision.reason


@given(st.lists(_policies, max_size=3), _policies)
def test_adding_a_boundary_never_allows_more(identity: list[Any], boundary: Any) -> None:
    free = ask(Policies(identity=tuple(identity))).allowed
    bounded = ask(Policies(identity=tuple(identity), boundary=boundary)).allowed
    assert free or not bounded


@given(st.lists(_policies, max_size=3))
def test_the_order_of_policies_does_not_matter(identity: list[Any]) -> None:
    forwards = ask(Policies(identity=tuple(identity)))
    backwards = ask(Policies(identity=tuple(reversed(identity))))
    assert forwards.allowed == backwards.allowed


def test_a_document_that_is_no_policy_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("Not a policy document")):
        parse_policy("{}")
