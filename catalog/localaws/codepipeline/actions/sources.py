"""Source actions: CodeCommit, connections, S3."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from catalog.localaws.codepipeline.actions.base import ActionContext, ActionFailureError, Outcome
from catalog.localaws.core.service import Principal, ServiceError
from catalog.localaws.git.access import require
from catalog.localaws.git.repository import Commit, Repository

if TYPE_CHECKING:
    from catalog.localaws.codecommit.service import CodeCommit
    from catalog.localaws.codeconnections.service import CodeConnections


def codecommit(context: ActionContext) -> Outcome:
    """Take the tip of a CodeCommit branch.

    Needs what AWS's pipeline role policy lists: GetBranch, GetCommit, UploadArchive,
    GetUploadArchiveStatus, CancelUploadArchive.
    """
    name, branch = context.need("RepositoryName"), context.need("BranchName")
    client = context.client("codecommit")
    override = context.execution.source_overrides.get(context.record.name, {})
    commit_id = override.get("revisionValue")
    if commit_id is None:
        answer = context.ask(client.get_branch, repositoryName=name, branchName=branch)
        commit_id = answer["branch"]["commitId"]
    context.ask(client.get_commit, repositoryName=name, commitId=commit_id)
    arn = f"arn:aws:codecommit:{context.region}:{context.account}:{name}"
    for action in ("UploadArchive", "GetUploadArchiveStatus"):
        _permitted(context, action=f"codecommit:{action}", resource=arn)
    service = cast("CodeCommit", context.aws.service("codecommit"))
    stored = service.find(account=context.account, region=context.region, name=name)
    commit = stored.git.commit(commit_id)
    return _archived(
        context,
        stored.git,
        commit,
        variables={"RepositoryName": name, "BranchName": branch},
    )


def connection(context: ActionContext) -> Outcome:
    """Take the tip of a branch at a provider, through a connection."""
    arn, name = context.need("ConnectionArn"), context.need("FullRepositoryId")
    branch = context.need("BranchName")
    service = cast("CodeConnections", context.aws.service("codeconnections"))
    try:
        repository = service.use(
            service.find(arn), principal=_principal(context), repository=name, action="GetBranch"
        ).git
    except ServiceError as error:
        raise _refused(error) from error
    override = context.execution.source_overrides.get(context.record.name, {})
    commit_id = override.get("revisionValue") or repository.branches().get(branch)
    if commit_id is None:
        raise ActionFailureError("ConfigurationError", f"No branch [{branch}] found in {name}")
    return _archived(
        context,
        repository,
        repository.commit(commit_id),
        variables={"ConnectionArn": arn, "FullRepositoryName": name, "BranchName": branch},
    )


def s3(context: ActionContext) -> Outcome:
    """Take an object of a versioned bucket."""
    bucket, key = context.need("S3Bucket"), context.need("S3ObjectKey")
    client = context.client("s3")
    status = context.ask(client.get_bucket_versioning, Bucket=bucket).get("Status")
    if status != "Enabled":
        raise ActionFailureError(
            "ConfigurationError", f"The bucket {bucket} must have versioning enabled"
        )
    found = context.ask(client.get_object, Bucket=bucket, Key=key)
    place = context.put(context.output_names()[0], found["Body"].read())
    version = found["VersionId"]
    return Outcome(
        outputs={context.output_names()[0]: place},
        variables={
            "BucketName": bucket,
            "ObjectKey": key,
            "VersionId": version,
            "ETag": found["ETag"].strip('"'),
        },
        external_id=version,
        revision=version,
        summary=f"Amazon S3 version id: {version}",
    )


def _archived(
    context: ActionContext, repository: Repository, commit: Commit, *, variables: dict[str, str]
) -> Outcome:
    if context.configuration.get("OutputArtifactFormat", "CODE_ZIP") != "CODE_ZIP":
        raise ActionFailureError(
            "ConfigurationError",
            "OutputArtifactFormat CODEBUILD_CLONE_REF is not emulated by the local AWS",
        )
    name = context.output_names()[0]
    place = context.put(name, repository.archive(commit.id))
    return Outcome(
        outputs={name: place},
        variables={
            **variables,
            "CommitId": commit.id,
            "CommitMessage": commit.message,
            "AuthorDate": commit.author.moment(),
            "CommitterDate": commit.committer.moment(),
        },
        external_id=commit.id,
        revision=commit.id,
        summary=commit.message,
    )


def _permitted(context: ActionContext, *, action: str, resource: str) -> None:
    try:
        require(context.aws, principal=_principal(context), action=action, resource=resource)
    except ServiceError as error:
        raise _refused(error) from error


def _principal(context: ActionContext) -> Principal:
    credentials = context.credentials
    return context.aws.identities.authenticate(
        access_key=credentials["AWS_ACCESS_KEY_ID"],
        token=credentials.get("AWS_SESSION_TOKEN", ""),
    ).principal


def _refused(error: ServiceError) -> ActionFailureError:
    denied = "AccessDenied" in error.code
    return ActionFailureError("PermissionError" if denied else "JobFailed", error.message)
