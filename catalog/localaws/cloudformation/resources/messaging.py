"""AWS::SNS::Topic, Subscription and TopicPolicy; AWS::SQS::Queue and QueuePolicy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from catalog.localaws.cloudformation.resources.api import policy_text
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
    changed,
    tag_changes,
)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _attributes(
    properties: Properties, *, apart: frozenset[str], rename: Mapping[str, str] | None = None
) -> dict[str, str]:
    names = rename or {}
    return {
        names.get(key, key): _text(value) for key, value in properties.items() if key not in apart
    }


class Topic(ResourceHandler):
    """An SNS topic."""

    type = "AWS::SNS::Topic"
    handled = frozenset(
        {
            "ContentBasedDeduplication",
            "DisplayName",
            "FifoTopic",
            "KmsMasterKeyId",
            "SignatureVersion",
            "Subscription",
            "Tags",
            "TopicName",
            "TracingConfig",
        }
    )
    _apart = frozenset({"TopicName", "Tags", "Subscription"})

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the topic with its inline subscriptions."""
        sns = ctx.client("sns")
        name = properties.get("TopicName")
        if not name:
            name = ctx.name(250)
            name += ".fifo" if properties.get("FifoTopic") else ""
        arn = sns.create_topic(
            Name=name,
            Attributes=_attributes(properties, apart=self._apart),
            Tags=properties.get("Tags", []),
        )["TopicArn"]
        ctx.report(arn)
        for item in properties.get("Subscription", []):
            sns.subscribe(TopicArn=arn, Protocol=item["Protocol"], Endpoint=item["Endpoint"])
        return Created(physical_id=arn, attributes={"TopicArn": arn, "TopicName": name})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change attributes, inline subscriptions and tags."""
        sns, arn = ctx.client("sns"), ctx.physical_id
        before, after = (_attributes(p, apart=self._apart) for p in (old, new))
        for key in before.keys() | after.keys():
            if before.get(key) != after.get(key):
                sns.set_topic_attributes(
                    TopicArn=arn, AttributeName=key, AttributeValue=after.get(key, "")
                )
        _sync_subscriptions(sns, arn, old.get("Subscription", []), new.get("Subscription", []))
        upsert, removed = tag_changes(old, new)
        if upsert:
            sns.tag_resource(ResourceArn=arn, Tags=upsert)
        if removed:
            sns.untag_resource(ResourceArn=arn, TagKeys=removed)
        return Created(physical_id=arn, attributes=ctx.attributes)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the topic and what subscribes to it."""
        sns, arn = ctx.client("sns"), ctx.physical_id
        sns.get_topic_attributes(TopicArn=arn)
        _sync_subscriptions(sns, arn, properties.get("Subscription", []), [])
        sns.delete_topic(TopicArn=arn)


def _sync_subscriptions(sns: Any, arn: str, old: list[Any], new: list[Any]) -> None:
    for item in new:
        if item not in old:
            sns.subscribe(TopicArn=arn, Protocol=item["Protocol"], Endpoint=item["Endpoint"])
    gone = [(item["Protocol"], item["Endpoint"]) for item in old if item not in new]
    if gone:
        for found in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
            if (found["Protocol"], found["Endpoint"]) in gone:
                sns.unsubscribe(SubscriptionArn=found["SubscriptionArn"])


class Subscription(ResourceHandler):
    """A subscription of its own."""

    type = "AWS::SNS::Subscription"
    _apart = frozenset({"TopicArn", "Protocol", "Endpoint", "Region"})

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Subscribe the endpoint."""
        request: dict[str, Any] = {
            "TopicArn": properties["TopicArn"],
            "Protocol": properties["Protocol"],
            "Attributes": _attributes(properties, apart=self._apart),
            "ReturnSubscriptionArn": True,
        }
        if properties.get("Endpoint"):
            request["Endpoint"] = properties["Endpoint"]
        arn = ctx.client("sns").subscribe(**request)["SubscriptionArn"]
        ctx.report(arn)
        return Created(physical_id=arn, attributes={"Arn": arn})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change the subscription's attributes."""
        before, after = (_attributes(p, apart=self._apart) for p in (old, new))
        for key in sorted(before.keys() | after.keys()):
            if before.get(key) != after.get(key):
                ctx.client("sns").set_subscription_attributes(
                    SubscriptionArn=ctx.physical_id,
                    AttributeName=key,
                    AttributeValue=after.get(key, "{}"),
                )
        return Created(physical_id=ctx.physical_id, attributes=ctx.attributes)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Unsubscribe."""
        del properties
        ctx.client("sns").unsubscribe(SubscriptionArn=ctx.physical_id)


class TopicPolicy(ResourceHandler):
    """The access policy of topics."""

    type = "AWS::SNS::TopicPolicy"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Set the policy on every topic."""
        name = ctx.name(255)
        ctx.report(name)
        self._put(ctx, properties["Topics"], properties)
        return Created(physical_id=name, attributes={"Id": name})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Set the new policy; topics that left get the default one."""
        self._put(ctx, new["Topics"], new)
        self._reset(ctx, [arn for arn in old["Topics"] if arn not in new["Topics"]])
        return Created(physical_id=ctx.physical_id, attributes=ctx.attributes)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Give the topics back the policy SNS gives new ones."""
        self._reset(ctx, properties["Topics"])

    def _put(self, ctx: Context, topics: list[str], properties: Properties) -> None:
        for arn in topics:
            ctx.client("sns").set_topic_attributes(
                TopicArn=arn,
                AttributeName="Policy",
                AttributeValue=policy_text(properties["PolicyDocument"]),
            )

    def _reset(self, ctx: Context, topics: list[str]) -> None:
        sns = ctx.client("sns")
        for arn in topics:
            statement = {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes"],
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": ctx.account}},
            }
            document = {"Version": "2008-10-17", "Id": "__default", "Statement": [statement]}
            sns.set_topic_attributes(
                TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(document)
            )


class Queue(ResourceHandler):
    """An SQS queue."""

    type = "AWS::SQS::Queue"
    _apart = frozenset({"QueueName", "Tags"})

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the queue."""
        sqs = ctx.client("sqs")
        name = properties.get("QueueName")
        if not name:
            fifo = properties.get("FifoQueue")
            name = f"{ctx.name(75)}.fifo" if fifo else ctx.name(80)
        tags = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
        url = sqs.create_queue(
            QueueName=name, Attributes=_attributes(properties, apart=self._apart), tags=tags
        )["QueueUrl"]
        ctx.report(url)
        return Created(
            physical_id=url,
            attributes={"Arn": ctx.arn("sqs", name), "QueueName": name, "QueueUrl": url},
        )

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change attributes and tags."""
        sqs, url = ctx.client("sqs"), ctx.physical_id
        before, after = (_attributes(p, apart=self._apart) for p in (old, new))
        if changes := {key: text for key, text in after.items() if before.get(key) != text}:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=changes)
        lost = sorted(before.keys() - after.keys())
        if lost:
            raise HandlerError(f"Removing {lost} from a queue is not emulated: set the default.")
        upsert, removed = tag_changes(old, new)
        if upsert:
            sqs.tag_queue(QueueUrl=url, Tags={tag["Key"]: tag["Value"] for tag in upsert})
        if removed:
            sqs.untag_queue(QueueUrl=url, TagKeys=removed)
        return Created(physical_id=url, attributes=ctx.attributes)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the queue."""
        del properties
        ctx.client("sqs").delete_queue(QueueUrl=ctx.physical_id)


class QueuePolicy(ResourceHandler):
    """The access policy of queues."""

    type = "AWS::SQS::QueuePolicy"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Set the policy on every queue."""
        name = ctx.name(255)
        ctx.report(name)
        self._put(ctx, properties["Queues"], policy_text(properties["PolicyDocument"]))
        return Created(physical_id=name, attributes={"Id": name})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Set the new policy; queues that left lose theirs."""
        if changed(old, new, "Queues"):
            self._put(ctx, [url for url in old["Queues"] if url not in new["Queues"]], "")
        self._put(ctx, new["Queues"], policy_text(new["PolicyDocument"]))
        return Created(physical_id=ctx.physical_id, attributes=ctx.attributes)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the policy."""
        self._put(ctx, properties["Queues"], "")

    def _put(self, ctx: Context, queues: list[str], policy: str) -> None:
        for url in queues:
            ctx.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


HANDLERS = (Topic(), Subscription(), TopicPolicy(), Queue(), QueuePolicy())
