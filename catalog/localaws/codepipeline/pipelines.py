"""Operations on pipelines and their tags."""

from __future__ import annotations

from typing import Any

from catalog.localaws.codepipeline.declaration import checked
from catalog.localaws.codepipeline.executions import now
from catalog.localaws.codepipeline.state import (
    Pipeline,
    PipelineBase,
    PipelineState,
    page,
    pipeline_arn,
)
from catalog.localaws.core.service import Call, ServiceError
from catalog.localaws.git.access import require


class PipelineOperations(PipelineBase):
    """CreatePipeline and its kin."""

    def create_pipeline(self, call: Call) -> dict[str, Any]:
        """Create a pipeline and, as AWS does, start its first execution."""
        state: PipelineState = self.state(call)
        declaration = checked(call.params["pipeline"], version=1)
        self._check_passing(call, declaration)
        tags = {tag["key"]: tag["value"] for tag in call.params.get("tags", [])}
        name = declaration["name"]
        with state.lock:
            if name in state.pipelines:
                raise ServiceError(
                    "PipelineNameInUseException", f"A pipeline with the name {name} exists already"
                )
            pipeline = Pipeline(
                arn=pipeline_arn(name, call.account, call.region),
                declaration=declaration,
                tags=tags,
            )
            state.pipelines[name] = pipeline
        self.start(
            pipeline,
            account=call.account,
            region=call.region,
            trigger=("CreatePipeline", call.principal.arn),
        )
        return {"pipeline": declaration, "tags": _shown_tags(tags)}

    def update_pipeline(self, call: Call) -> dict[str, Any]:
        """Replace a pipeline; its version goes up by one."""
        pipeline = self.pipeline_named(call, call.params["pipeline"]["name"])
        declaration = checked(call.params["pipeline"], version=pipeline.declaration["version"] + 1)
        self._check_passing(call, declaration)
        pipeline.declaration, pipeline.updated = declaration, now()
        return {"pipeline": declaration}

    def get_pipeline(self, call: Call) -> dict[str, Any]:
        """Return a pipeline."""
        pipeline = self.pipeline_named(call, call.params["name"])
        wanted = call.params.get("version", pipeline.declaration["version"])
        if wanted != pipeline.declaration["version"]:
            raise ServiceError(
                "PipelineVersionNotFoundException",
                f"Version {wanted} is not kept by the local AWS: only the latest is",
            )
        return {
            "pipeline": pipeline.declaration,
            "metadata": {
                "pipelineArn": pipeline.arn,
                "created": pipeline.created,
                "updated": pipeline.updated,
            },
        }

    def delete_pipeline(self, call: Call) -> dict[str, Any]:
        """Delete a pipeline and stop what runs; one that is gone already is no error."""
        state: PipelineState = self.state(call)
        with state.lock:
            pipeline = state.pipelines.pop(call.params["name"], None)
        for execution in pipeline.executions if pipeline else []:
            execution.halt.set()
            execution.abandon.set()
        return {}

    def list_pipelines(self, call: Call) -> dict[str, Any]:
        """Return pipelines, a page at a time."""
        state: PipelineState = self.state(call)
        with state.lock:
            found = sorted(state.pipelines.values(), key=lambda one: one.arn)
        items = [
            {
                "name": one.declaration["name"],
                "version": one.declaration["version"],
                "pipelineType": one.declaration["pipelineType"],
                "executionMode": one.declaration["executionMode"],
                "created": one.created,
                "updated": one.updated,
            }
            for one in found
        ]
        return page(items, call, key="pipelines")

    def tag_resource(self, call: Call) -> dict[str, Any]:
        """Add or replace tags."""
        tags = self._bypipeline_arn(call).tags
        tags.update({tag["key"]: tag["value"] for tag in call.params["tags"]})
        return {}

    def untag_resource(self, call: Call) -> dict[str, Any]:
        """Remove tags."""
        tags = self._bypipeline_arn(call).tags
        for key in call.params["tagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> dict[str, Any]:
        """Return the tags."""
        return {"tags": _shown_tags(self._bypipeline_arn(call).tags)}

    def _bypipeline_arn(self, call: Call) -> Pipeline:
        arn = call.params["resourceArn"]
        for pipeline in self.pipelines_of(call.account, call.region):
            if pipeline.arn == arn:
                return pipeline
        raise ServiceError("ResourceNotFoundException", f"No pipeline {arn}")

    def _check_passing(self, call: Call, declaration: dict[str, Any]) -> None:
        """Check that the role can be assumed and that the caller may pass the connections."""
        for action in declaration["stages"][0]["actions"]:
            connection = action["configuration"].get("ConnectionArn")
            if connection:
                service = connection.split(":")[2]
                require(
                    self.aws,
                    principal=call.principal,
                    action=f"{service}:PassConnection",
                    resource=connection,
                    context={f"{service}:PassedToService": "codepipeline.amazonaws.com"},
                )
        role = declaration["roleArn"]
        try:
            self.aws.assume_as_service(
                role,
                service_principal="codepipeline.amazonaws.com",
                session_name="validation",
                source_arn=pipeline_arn(declaration["name"], call.account, call.region),
            )
        except ServiceError as error:
            raise ServiceError(
                "InvalidStructureException",
                f"CodePipeline is not authorized to perform AssumeRole on role {role}",
            ) from error


def _shown_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]
