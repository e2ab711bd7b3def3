"""The emulated EventBridge: PutEvents, matching of rules, delivery, dead letters."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.core.service import Call, Service, ServiceError
from catalog.localaws.events.patterns import matches, parse_pattern
from catalog.localaws.events.targets import Delivery, DeliveryError, find_queue

_PRINCIPAL = "events.amazonaws.com"
_REQUIRED = ("Source", "DetailType", "Detail")
_TOTAL_SIZE = 256 * 1024  # bytes of all entries of one PutEvents


class Events(Service):
    """Amazon EventBridge; buses, rules and targets are moto's.

    Rules with a schedule are kept and described, and never fire by themselves.
    """

    name = "events"

    def put_events(self, call: Call) -> dict[str, Any]:
        """PutEvents, on the account's own buses."""
        entries = call.params["Entries"]
        size = sum(len(entry.get(name, "").encode()) for entry in entries for name in _REQUIRED)
        if size > _TOTAL_SIZE:
            raise ServiceError(
                "ValidationException", "Total size of the entries in the request is over the limit."
            )
        results = [self._put(call, entry) for entry in entries]
        return {
            "FailedEntryCount": sum("ErrorCode" in result for result in results),
            "Entries": results,
        }

    def _put(self, call: Call, entry: Mapping[str, Any]) -> dict[str, str]:
        problem = _problem(entry)
        if problem is not None:
            return {"ErrorCode": problem[0], "ErrorMessage": problem[1]}
        bus = str(entry.get("EventBusName", "default"))
        if bus.startswith("arn:"):
            if bus.split(":")[3:5] != [call.region, call.account]:
                return {
                    "ErrorCode": "NotEmulated",
                    "ErrorMessage": "The local EventBridge puts events on the account's own buses.",
                }
            bus = bus.rsplit("/", 1)[-1]
        if not self._has_bus(call, bus):
            return {"ErrorCode": "ResourceNotFoundException", "ErrorMessage": f"No bus {bus}."}
        moment = entry.get("Time") or datetime.now(tz=UTC)
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": call.account,
            "time": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": call.region,
            "resources": list(entry.get("Resources", [])),
            "detail": json.loads(entry["Detail"]),
        }
        if bus == "default":
            self.aws.publish(event)
        else:
            self.aws.spawn(f"event on {bus}", lambda: self.match(event, bus=bus))
        return {"EventId": event["id"]}

    def _has_bus(self, call: Call, bus: str) -> bool:
        try:
            self._client(call.account, call.region).describe_event_bus(Name=bus)
        except ClientError:
            return bus == "default"
        return True

    def test_event_pattern(self, call: Call) -> dict[str, Any]:
        """TestEventPattern."""
        try:
            event = json.loads(call.params["Event"])
        except ValueError:
            event = None
        required = ("id", "account", "source", "time", "region", "resources", "detail-type")
        if not isinstance(event, dict) or any(name not in event for name in required):
            raise ServiceError(
                "ValidationException",
                "Parameter Event is not valid. Reason: it must be JSON with the fields "
                f"{', '.join(required)}.",
            )
        return {"Result": matches(parse_pattern(call.params["EventPattern"]), event)}

    def on_event(self, event: dict[str, Any]) -> None:
        """Match an event of the default bus with the account's rules."""
        self.match(event, bus="default")

    def match(self, event: dict[str, Any], *, bus: str) -> None:
        """Deliver an event to the targets of every enabled rule that it matches."""
        account, region = event["account"], event["region"]
        client = self._client(account, region)
        pages = client.get_paginator("list_rules").paginate(EventBusName=bus)
        for rule in (rule for page in pages for rule in page["Rules"]):
            text = rule.get("EventPattern")
            if rule.get("State") == "DISABLED" or not text:
                continue
            try:
                pattern = parse_pattern(text)
            except ServiceError as error:
                self.aws.log.warning("rule %s: %s", rule["Arn"], error.message)
                continue
            if not matches(pattern, event):
                continue
            targets = client.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
            for target in targets:
                self._deliver(
                    Delivery(
                        aws=self.aws,
                        account=account,
                        region=region,
                        rule_arn=rule["Arn"],
                        target=target,
                        event=event,
                    )
                )

    def _deliver(self, delivery: Delivery) -> None:
        try:
            delivery.send()
        except DeliveryError as error:
            self.aws.log.warning(
                "rule %s, target %s: %s: %s",
                delivery.rule_arn,
                delivery.arn,
                error.code,
                error.message,
            )
            self._dead_letter(delivery, error)

    def _dead_letter(self, delivery: Delivery, error: DeliveryError) -> None:
        """Send what did not arrive to the target's dead-letter queue, if it has one."""
        queue_arn = delivery.target.get("DeadLetterConfig", {}).get("Arn")
        if not queue_arn:
            return
        letter = replace(delivery, target={"Arn": queue_arn})
        attributes = {
            "RULE_ARN": delivery.rule_arn,
            "TARGET_ARN": delivery.arn,
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": error.message,
        }
        try:
            client, url, policy = find_queue(letter)
            letter.need_permission(policy, action="sqs:SendMessage")
            client.send_message(
                QueueUrl=url,
                MessageBody=json.dumps(delivery.event),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": text}
                    for name, text in attributes.items()
                },
            )
        except (DeliveryError, ClientError) as lost:
            self.aws.log.warning("dead letter for %s is lost: %s", queue_arn, lost)

    def _client(self, account: str, region: str) -> Any:
        credentials = self.aws.credentials(account=account)
        return self.aws.client_as(credentials, "events", region=region, via=_PRINCIPAL)


def _problem(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return code and message of what is wrong with an entry of PutEvents."""
    for name in _REQUIRED:
        if not entry.get(name):
            text = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return "InvalidArgument", text
    if entry["Source"].startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        detail = None
    return None if isinstance(detail, dict) else ("MalformedDetail", "Detail is malformed.")
