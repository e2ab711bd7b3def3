"""Deploying a CloudFormation stack."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.codepipeline.actions.base import ActionContext, ActionFailureError, Outcome

_GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE", "IMPORT_COMPLETE"}
_DEAD = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
_NOTHING = ("No updates are to be performed", "didn't contain changes", "No updates")


def cloudformation(context: ActionContext) -> Outcome:
    """Create, update, replace or delete a stack, or make and execute a change set."""
    mode = context.need("ActionMode")
    deploy = _Deployment(context)
    modes = {
        "CREATE_UPDATE": deploy.create_or_update,
        "REPLACE_ON_FAILURE": deploy.replace_on_failure,
        "DELETE_ONLY": deploy.delete,
        "CHANGE_SET_REPLACE": deploy.replace_change_set,
        "CHANGE_SET_EXECUTE": deploy.execute_change_set,
    }
    if mode not in modes:
        raise ActionFailureError("ConfigurationError", f"ActionMode {mode} is not known")
    return modes[mode]()


class _Deployment:
    def __init__(self, context: ActionContext) -> None:
        self._context = context
        self._client = context.client("cloudformation")
        self._stack = context.need("StackName")

    def create_or_update(self) -> Outcome:
        if self._status() in {None, "REVIEW_IN_PROGRESS"}:
            return self._create()
        try:
            self._client.update_stack(**self._request())
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if not any(text in message for text in _NOTHING):
                return self._refused(error)
        else:
            self._finish()
        return self._done()

    def replace_on_failure(self) -> Outcome:
        if self._status() in _DEAD:
            self.delete()
        return self.create_or_update()

    def delete(self) -> Outcome:
        if self._status() is None:
            return Outcome()
        arguments = {"StackName": self._stack}
        if self._context.configuration.get("RoleArn"):
            arguments["RoleARN"] = self._context.configuration["RoleArn"]
        self._context.ask(self._client.delete_stack, **arguments)
        self._context.poll(lambda: not (self._status() or "").endswith("_IN_PROGRESS"))
        status = self._status()
        if status not in {None, "DELETE_COMPLETE"}:
            raise ActionFailureError("JobFailed", f"Stack {self._stack} is {status}")
        return Outcome()

    def replace_change_set(self) -> Outcome:
        name = self._context.need("ChangeSetName")
        exists = self._status() not in {None, "REVIEW_IN_PROGRESS"}
        target = {"StackName": self._stack, "ChangeSetName": name}
        if self._status() is not None:
            self._context.ask(self._client.delete_change_set, **target)
        self._context.ask(
            self._client.create_change_set,
            ChangeSetName=name,
            ChangeSetType="UPDATE" if exists else "CREATE",
            **self._request(),
        )
        shown: dict[str, Any] = {}

        def ready() -> bool:
            shown.update(self._context.ask(self._client.describe_change_set, **target))
            return shown["Status"] in {"CREATE_COMPLETE", "FAILED"}

        self._context.poll(ready)
        reason = shown.get("StatusReason", "")
        if shown["Status"] == "FAILED" and not any(text in reason for text in _NOTHING):
            raise ActionFailureError("JobFailed", f"Change set {name} failed: {reason}")
        return Outcome(external_id=shown["ChangeSetId"], summary=f"Change set {name} was created.")

    def execute_change_set(self) -> Outcome:
        name = self._context.need("ChangeSetName")
        target = {"StackName": self._stack, "ChangeSetName": name}
        shown = self._context.ask(self._client.describe_change_set, **target)
        if shown["Status"] == "FAILED":
            return self._done()
        self._context.ask(self._client.execute_change_set, **target)
        self._finish()
        return self._done()

    def _create(self) -> Outcome:
        try:
            self._client.create_stack(**self._request())
        except ClientError as error:
            return self._refused(error)
        self._finish()
        return self._done()

    def _refused(self, error: ClientError) -> Outcome:
        told = error.response["Error"]
        code = "PermissionError" if "AccessDenied" in told["Code"] else "JobFailed"
        raise ActionFailureError(code, told["Message"]) from error

    def _status(self) -> str | None:
        """Return the stack's status; None when there is no stack."""
        try:
            stacks = self._client.describe_stacks(StackName=self._stack)["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            self._refused(error)
            raise
        return str(stacks[0]["StackStatus"])

    def _finish(self) -> None:
        def ended() -> bool:
            return not (self._status() or "").endswith("_IN_PROGRESS")

        self._context.poll(ended)
        status = self._status()
        if status not in _GOOD:
            raise ActionFailureError(
                "JobFailed", f"Stack {self._stack} ended as {status}: {self._reason()}"
            )

    def _reason(self) -> str:
        events = self._client.describe_stack_events(StackName=self._stack)["StackEvents"]
        failed = [e for e in events if e.get("ResourceStatus", "").endswith("_FAILED")]
        if not failed:
            return ""
        first = failed[-1]
        return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', '')}"

    def _done(self) -> Outcome:
        stack = self._context.ask(self._client.describe_stacks, StackName=self._stack)["Stacks"][0]
        outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}
        file = self._context.configuration.get("OutputFileName")
        places = {}
        if file and self._context.output_names():
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr(file, json.dumps(outputs, indent=2))
            name = self._context.output_names()[0]
            places[name] = self._context.put(name, buffer.getvalue())
        return Outcome(outputs=places, variables=outputs, external_id=stack["StackId"])

    def _request(self) -> dict[str, Any]:
        configuration = self._context.configuration
        settings = self._settings()
        parameters = settings.get("Parameters", {}) | self._overrides()
        request: dict[str, Any] = {
            "StackName": self._stack,
            "TemplateBody": self._file(self._context.need("TemplatePath")).decode(),
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            "Capabilities": [c for c in configuration.get("Capabilities", "").split(",") if c],
            "Tags": [{"Key": k, "Value": v} for k, v in settings.get("Tags", {}).items()],
        }
        if configuration.get("RoleArn"):
            request["RoleARN"] = configuration["RoleArn"]
        return request

    def _settings(self) -> dict[str, Any]:
        path = self._context.configuration.get("TemplateConfiguration")
        if not path:
            return {}
        found: dict[str, Any] = json.loads(self._file(path))
        return found

    def _overrides(self) -> dict[str, str]:
        text = self._context.configuration.get("ParameterOverrides", "{}")
        given = json.loads(text)
        return {key: self._value(value) for key, value in given.items()}

    def _value(self, value: Any) -> str:
        if not isinstance(value, dict):
            return str(value)
        if "Fn::GetArtifactAtt" in value:
            artifact, attribute = value["Fn::GetArtifactAtt"]
            place = self._context.record.inputs[artifact]
            known = {
                "BucketName": place.bucket,
                "ObjectKey": place.key,
                "URL": f"https://{place.bucket}.s3.amazonaws.com/{place.key}",
            }
            return known[attribute]
        if "Fn::GetParam" in value:
            artifact, file, key = value["Fn::GetParam"]
            return str(json.loads(self._file(f"{artifact}::{file}"))[key])
        raise ActionFailureError("ConfigurationError", f"ParameterOverrides: {value} is not known")

    def _file(self, path: str) -> bytes:
        artifact, _, name = path.partition("::")
        if artifact not in self._context.record.inputs:
            raise ActionFailureError(
                "ConfigurationError", f"{artifact} is not an input artifact of this action"
            )
        with zipfile.ZipFile(io.BytesIO(self._context.get(artifact))) as archive:
            try:
                return archive.read(name)
            except KeyError:
                raise ActionFailureError(
                    "JobFailed", f"File [{name}] does not exist in artifact [{artifact}]"
                ) from None
