"""The CodeBuild API."""

from __future__ import annotations

import functools
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from catalog.localaws.codebuild.builds import Build, PipelineArtifacts
from catalog.localaws.codebuild.projects import (
    invalid,
    new_project,
    overridden,
    updated_project,
)
from catalog.localaws.codebuild.runner import BuildRunner
from catalog.localaws.codebuild.settings import BuildSettings
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import Call, Principal, Service, ServiceError, paginate

_PAGE = 100


@dataclass(kw_only=True)
class BuildState:
    """What one account has in one region."""

    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)


def _project_arn(name: str, account: str, region: str) -> str:
    if name.startswith("arn:"):
        return name
    return f"arn:aws:codebuild:{region}:{account}:project/{name}"


def _named(key: str) -> Callable[[dict[str, Any], str, str], list[str]]:
    def arns(params: dict[str, Any], account: str, region: str) -> list[str]:
        return [_project_arn(params[key], account, region)]

    return arns


def _of_builds(params: dict[str, Any], account: str, region: str) -> list[str]:
    """CodeBuild authorises an operation on a build against the build's project."""
    ids = params.get("ids") or [params.get("id", "")]
    return sorted(
        {_project_arn(_build_id(item).partition(":")[0], account, region) for item in ids}
    )


def _build_id(given: str) -> str:
    return given.rpartition(":build/")[2]


def _projects(params: dict[str, Any], account: str, region: str) -> list[str]:
    return sorted({_project_arn(name, account, region) for name in params["names"]})


def _passed_role(params: dict[str, Any]) -> list[tuple[str, str]]:
    role = params.get("serviceRole") or params.get("serviceRoleOverride")
    return [(role, "codebuild.amazonaws.com")] if role else []


class CodeBuild(Service):
    """Build projects and builds of all accounts.

    Attributes:
        settings: how builds behave; tests may change it at any time.
    """

    name = "codebuild"
    validation_code = "InvalidInputException"
    resources: ClassVar[Mapping[str, Callable[[dict[str, Any], str, str], list[str]]]] = {
        "CreateProject": _named("name"),
        "UpdateProject": _named("name"),
        "DeleteProject": _named("name"),
        "BatchGetProjects": _projects,
        "StartBuild": _named("projectName"),
        "ListBuildsForProject": _named("projectName"),
        "StopBuild": _of_builds,
        "RetryBuild": _of_builds,
        "BatchGetBuilds": _of_builds,
    }
    passed_roles: ClassVar[Mapping[str, Callable[[dict[str, Any]], list[tuple[str, str]]]]] = {
        "CreateProject": _passed_role,
        "UpdateProject": _passed_role,
        "StartBuild": _passed_role,
    }

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self.settings = BuildSettings()
        self._runners: dict[str, BuildRunner] = {}
        self._runners_lock = threading.Lock()
        self._watching = False
        self._handed_over: dict[str, PipelineArtifacts] = {}

    def new_state(self, account: str, region: str) -> BuildState:  # noqa: ARG002 - base signature
        """Return an account without projects."""
        return BuildState()

    def tags_of(self, arn: str) -> Mapping[str, str] | None:
        """Return the tags of a project, for conditions on `aws:ResourceTag`."""
        if arn.count(":") < 5:
            return None
        _, _, _, region, account, resource = arn.split(":", 5)
        state: BuildState = self.state_of(account, region)
        project = state.projects.get(resource.removeprefix("project/"))
        if project is None:
            return None
        return {tag["key"]: tag["value"] for tag in project["tags"]}

    # Projects

    def create_project(self, call: Call) -> dict[str, Any]:
        """Create a project."""
        state: BuildState = self.state(call)
        project = new_project(call.params, account=call.account, region=call.region)
        self._check_role(project, account=call.account)
        with state.lock:
            if project["name"] in state.projects:
                raise ServiceError(
                    "ResourceAlreadyExistsException", f"Project already exists: {project['arn']}"
                )
            state.projects[project["name"]] = project
        return {"project": project}

    def update_project(self, call: Call) -> dict[str, Any]:
        """Replace the settings that are given."""
        state: BuildState = self.state(call)
        with state.lock:
            project = updated_project(self._project(call, call.params["name"]), call.params)
            self._check_role(project, account=call.account)
            state.projects[project["name"]] = project
        return {"project": project}

    def delete_project(self, call: Call) -> dict[str, Any]:
        """Delete a project and its builds; CodeBuild does not mind when there is none."""
        state: BuildState = self.state(call)
        name = call.params["name"].rpartition(":project/")[2]
        with state.lock:
            state.projects.pop(name, None)
            for build_id in [one for one in state.builds if one.partition(":")[0] == name]:
                self._stop(state.builds[build_id])
                del state.builds[build_id]
        return {}

    def batch_get_projects(self, call: Call) -> dict[str, Any]:
        """Return projects by name or ARN."""
        state: BuildState = self.state(call)
        found, missing = [], []
        with state.lock:
            for given in call.params["names"]:
                project = state.projects.get(given.rpartition(":project/")[2])
                if project is None:
                    missing.append(given)
                else:
                    found.append(project)
        return {"projects": found, "projectsNotFound": missing}

    def list_projects(self, call: Call) -> dict[str, Any]:
        """Return names of projects, a page at a time."""
        state: BuildState = self.state(call)
        by = call.params.get("sortBy", "NAME")
        moments = {"CREATED_TIME": "created", "LAST_MODIFIED_TIME": "lastModified"}
        with state.lock:
            names = sorted(
                state.projects,
                key=lambda name: state.projects[name][moments[by]] if by in moments else name,
                reverse=call.params.get("sortOrder") == "DESCENDING",
            )
        return self._page(names, call, key="projects")

    # Builds

    def start_build(self, call: Call) -> dict[str, Any]:
        """Start a build; a repeated idempotency token returns the first one."""
        state: BuildState = self.state(call)
        params = call.params
        token = params.get("idempotencyToken")
        with state.lock:
            project = self._project(call, params["projectName"])
            if token and token in state.tokens:
                first, build_id = state.tokens[token]
                if first != params:
                    raise invalid("The idempotency token was used with other parameters")
                return {"build": state.builds[build_id].describe()}
            if self.settings.refuse_start:
                raise ServiceError("AccountLimitExceededException", self.settings.refuse_start)
            build = self._new_build(state, call, project=project, params=params)
            if token:
                state.tokens[token] = (params, build.id)
        self._launch(build)
        return {"build": build.describe()}

    def retry_build(self, call: Call) -> dict[str, Any]:
        """Start a build with the parameters of an earlier one."""
        state: BuildState = self.state(call)
        with state.lock:
            earlier = self._build(call, call.params.get("id", ""))
            if earlier.end is None:
                raise invalid(f"Build {earlier.id} is still in progress")
            params = {k: v for k, v in earlier.start_parameters.items() if k != "idempotencyToken"}
            project = self._project(call, earlier.name)
            build = self._new_build(state, call, project=project, params=params)
            build.pipeline = earlier.pipeline
        self._launch(build)
        return {"build": build.describe()}

    def stop_build(self, call: Call) -> dict[str, Any]:
        """Ask a build to stop; it ends as STOPPED shortly after."""
        build = self._build(call, call.params["id"])
        self._stop(build)
        return {"build": build.describe()}

    def batch_get_builds(self, call: Call) -> dict[str, Any]:
        """Return builds by id or ARN."""
        state: BuildState = self.state(call)
        found, missing = [], []
        with state.lock:
            for given in call.params["ids"]:
                build = state.builds.get(_build_id(given))
                if build is None:
                    missing.append(given)
                else:
                    found.append(build.describe())
        return {"builds": found, "buildsNotFound": missing}

    def list_builds(self, call: Call) -> dict[str, Any]:
        """Return ids of all builds."""
        return self._page(self._ids(call, project=None), call, key="ids")

    def list_builds_for_project(self, call: Call) -> dict[str, Any]:
        """Return ids of a project's builds."""
        project = self._project(call, call.params["projectName"])
        return self._page(self._ids(call, project=project["name"]), call, key="ids")

    # Inside the local AWS

    def hand_over(self, token: str, artifacts: PipelineArtifacts) -> None:
        """Let CodePipeline say what the build started with this idempotency token works on."""
        self._handed_over[token] = artifacts

    def build(self, *, account: str, region: str, build_id: str) -> Build:
        """Return a build's own record: its folder, its log, an event that is set at its end."""
        state: BuildState = self.state_of(account, region)
        return state.builds[_build_id(build_id)]

    def stop(self) -> None:
        """End all builds."""
        with self._runners_lock:
            runners = list(self._runners.values())
        for runner in runners:
            runner.stop()

    def _new_build(
        self, state: BuildState, call: Call, *, project: dict[str, Any], params: dict[str, Any]
    ) -> Build:
        settings = overridden(project, params)
        name = project["name"]
        pipeline = self._handed_over.pop(params.get("idempotencyToken", ""), None)
        if settings["source"]["type"] == "CODEPIPELINE" and pipeline is None:
            raise invalid(
                "Build projects with source type CODEPIPELINE are started by CodePipeline only"
            )
        state.counters[name] = state.counters.get(name, 0) + 1
        unique = str(uuid.uuid4())
        folder = self.aws.work_dir / "codebuild" / call.account / call.region / name / unique
        build = Build(
            id=f"{name}:{unique}",
            account=call.account,
            region=call.region,
            number=state.counters[name],
            project=settings,
            initiator=pipeline.initiator if pipeline else _initiator(call.principal),
            folder=folder,
            start_parameters=params,
            pipeline=pipeline,
            source_version=(
                pipeline.inputs[pipeline.primary].arn
                if pipeline
                else params.get("sourceVersion", settings.get("sourceVersion", ""))
            ),
        )
        state.builds[build.id] = build
        return build

    def _launch(self, build: Build) -> None:
        runner = BuildRunner(aws=self.aws, build=build, settings=self.settings)
        with self._runners_lock:
            self._runners[build.id] = runner
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="local-aws builds", daemon=True).start()
        self.aws.spawn(f"build {build.id}", functools.partial(self._run, runner, build))

    def _watch(self) -> None:
        # LocalAws.stop waits for background work before it stops services: builds end at once.
        self.aws.stopping.wait()
        self.stop()

    def _run(self, runner: BuildRunner, build: Build) -> None:
        try:
            runner.run()
        finally:
            with self._runners_lock:
                self._runners.pop(build.id, None)

    def _stop(self, build: Build) -> None:
        with self._runners_lock:
            runner = self._runners.get(build.id)
        if runner:
            runner.stop()

    def _project(self, call: Call, name: str) -> dict[str, Any]:
        state: BuildState = self.state(call)
        project: dict[str, Any] | None = state.projects.get(name.rpartition(":project/")[2])
        if project is None:
            arn = _project_arn(name, call.account, call.region)
            raise ServiceError("ResourceNotFoundException", f"Project cannot be found: {arn}")
        return project

    def _build(self, call: Call, given: str) -> Build:
        state: BuildState = self.state(call)
        build = state.builds.get(_build_id(given))
        if build is None:
            raise ServiceError("ResourceNotFoundException", f"Build cannot be found: {given}")
        return build

    def _ids(self, call: Call, *, project: str | None) -> list[str]:
        state: BuildState = self.state(call)
        with state.lock:
            builds = [
                build for build in state.builds.values() if project is None or build.name == project
            ]
        newest_first = call.params.get("sortOrder", "DESCENDING") == "DESCENDING"
        return [one.id for one in (reversed(builds) if newest_first else builds)]

    def _page(self, items: list[str], call: Call, *, key: str) -> dict[str, Any]:
        page, token = paginate(
            items,
            token=call.params.get("nextToken"),
            size=None,
            default=_PAGE,
            error=lambda: invalid("Invalid next token"),
        )
        return {key: page, "nextToken": token} if token else {key: page}

    def _check_role(self, project: dict[str, Any], *, account: str) -> None:
        role = project["serviceRole"]
        if f":iam::{account}:role/" not in role:
            raise invalid(
                "Invalid service role: Service role account ID does not match caller's account"
            )
        try:
            self.aws.assume_as_service(
                role,
                service_principal="codebuild.amazonaws.com",
                session_name="validation",
                source_arn=project["arn"],
            )
        except ServiceError as error:
            raise invalid(
                f"CodeBuild is not authorized to perform: sts:AssumeRole on {role}"
            ) from error


def _initiator(principal: Principal) -> str:
    # "root", a user's name, or "role/session".
    resource = principal.arn.split(":", 5)[-1]
    return resource.partition("/")[2] or resource
