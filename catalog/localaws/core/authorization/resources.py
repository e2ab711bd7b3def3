"""Which ARNs a request is about, for the services that moto answers.

Each entry takes the request's parameters, the caller's account and the region. An operation that
has none is authorised against `*`, so that a statement limited to ARNs does not allow it: a
missing entry is noticed. Sources: the "Actions, resources, and condition keys" pages of
https://docs.aws.amazon.com/service-authorization/latest/reference/.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Params = dict[str, Any]
Arns = Callable[[Params, str, str], list[str]]


def by_name(
    service: str, prefix: str, member: str, *, suffix: str = "", lower: bool = False
) -> Arns:
    """Return a function that makes `arn:aws:SERVICE:REGION:ACCOUNT:PREFIX NAME SUFFIX`.

    A member that already holds an ARN is taken as it is; a missing one stands for every name.
    """

    def arns(params: Params, account: str, region: str) -> list[str]:
        name = str(params.get(member, "*"))
        if name.startswith("arn:"):
            return [name]
        name = name.lower() if lower else name
        return [f"arn:aws:{service}:{region}:{account}:{prefix}{name}{suffix}"]

    return arns


def by_arn(*members: str) -> Arns:
    """Return a function that takes the ARN from the first member present."""

    def arns(params: Params, account: str, region: str) -> list[str]:  # noqa: ARG001
        return [str(next((params[m] for m in members if m in params), "*"))]

    return arns


def _global(service: str, prefix: str, member: str) -> Arns:
    def arns(params: Params, account: str, region: str) -> list[str]:  # noqa: ARG001
        name = str(params.get(member, "*"))
        return [name if name.startswith("arn:") else f"arn:aws:{service}::{account}:{prefix}{name}"]

    return arns


def _each(operations: str, arns: Arns) -> dict[str, Arns]:
    return dict.fromkeys(operations.split(), arns)


# IAM

_ROLE = (
    "CreateRole GetRole DeleteRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy "
    "PutRolePolicy GetRolePolicy DeleteRolePolicy ListRolePolicies AttachRolePolicy "
    "DetachRolePolicy ListAttachedRolePolicies PutRolePermissionsBoundary "
    "DeleteRolePermissionsBoundary TagRole UntagRole ListRoleTags ListInstanceProfilesForRole"
)
_POLICY = (
    "GetPolicy DeletePolicy CreatePolicyVersion GetPolicyVersion DeletePolicyVersion "
    "ListPolicyVersions SetDefaultPolicyVersion ListEntitiesForPolicy TagPolicy UntagPolicy "
    "ListPolicyTags"
)
_USER = (
    "CreateUser GetUser DeleteUser UpdateUser PutUserPolicy GetUserPolicy DeleteUserPolicy "
    "ListUserPolicies AttachUserPolicy DetachUserPolicy ListAttachedUserPolicies CreateAccessKey "
    "DeleteAccessKey ListAccessKeys TagUser UntagUser ListUserTags"
)


def _iam_role(params: Params, account: str, region: str) -> list[str]:  # noqa: ARG001
    # The path is part of the ARN; only creation says it, so the authoriser adds it otherwise.
    path = params.get("Path", "/")
    return [f"arn:aws:iam::{account}:role{path}{params.get('RoleName', '*')}"]


_IAM: dict[str, Arns] = {
    **_each(_ROLE, _iam_role),
    **_each(_POLICY, by_arn("PolicyArn")),
    **_each(_USER, _global("iam", "user/", "UserName")),
    "CreatePolicy": lambda p, account, _: [
        f"arn:aws:iam::{account}:policy{p.get('Path', '/')}{p.get('PolicyName', '*')}"
    ],
    "ListRoles": lambda _p, account, _r: [f"arn:aws:iam::{account}:role/"],
    "CreateServiceLinkedRole": lambda p, account, _: [
        f"arn:aws:iam::{account}:role/aws-service-role/{p.get('AWSServiceName', '*')}/*"
    ],
    "SimulatePrincipalPolicy": by_arn("PolicySourceArn"),
}

# S3: operations on keys concern the object, all others the bucket.

_S3_OBJECT = (
    "GetObject HeadObject PutObject DeleteObject CopyObject GetObjectTagging PutObjectTagging "
    "DeleteObjectTagging GetObjectAcl PutObjectAcl GetObjectAttributes CreateMultipartUpload "
    "UploadPart UploadPartCopy CompleteMultipartUpload AbortMultipartUpload ListParts "
    "SelectObjectContent RestoreObject GetObjectLegalHold PutObjectLegalHold GetObjectRetention "
    "PutObjectRetention"
)


def bucket_arn(params: Params, account: str, region: str) -> list[str]:  # noqa: ARG001
    """Return the ARN of the request's bucket."""
    return [f"arn:aws:s3:::{params['Bucket']}"] if "Bucket" in params else ["*"]


def object_arn(params: Params, account: str, region: str) -> list[str]:  # noqa: ARG001
    """Return the ARN of the request's object."""
    return [f"arn:aws:s3:::{params.get('Bucket', '*')}/{params.get('Key', '*')}"]


def _deleted_objects(params: Params, account: str, region: str) -> list[str]:  # noqa: ARG001
    objects = params.get("Delete", {}).get("Objects", [])
    return [f"arn:aws:s3:::{params.get('Bucket', '*')}/{o['Key']}" for o in objects] or ["*"]


_S3: dict[str, Arns] = {**_each(_S3_OBJECT, object_arn), "DeleteObjects": _deleted_objects}

# SageMaker. Names of these resources are lower-cased in ARNs.

_SAGEMAKER_NAMED = {
    "pipeline": ("PipelineName", True),
    "model-package-group": ("ModelPackageGroupName", False),
    "endpoint": ("EndpointName", True),
    "endpoint-config": ("EndpointConfigName", True),
    "model": ("ModelName", True),
    "training-job": ("TrainingJobName", True),
    "processing-job": ("ProcessingJobName", True),
    "transform-job": ("TransformJobName", True),
    "experiment": ("ExperimentName", True),
    "domain": ("DomainId", False),
    "feature-group": ("FeatureGroupName", True),
}
_SAGEMAKER_VERBS = ("Create", "Describe", "Update", "Delete", "Stop", "Start")
_SAGEMAKER_KINDS = {
    "pipeline": "Pipeline",
    "model-package-group": "ModelPackageGroup",
    "endpoint": "Endpoint",
    "endpoint-config": "EndpointConfig",
    "model": "Model",
    "training-job": "TrainingJob",
    "processing-job": "ProcessingJob",
    "transform-job": "TransformJob",
    "experiment": "Experiment",
    "domain": "Domain",
    "feature-group": "FeatureGroup",
}


def _sagemaker() -> dict[str, Arns]:
    table: dict[str, Arns] = {}
    for kind, noun in _SAGEMAKER_KINDS.items():
        member, lower = _SAGEMAKER_NAMED[kind]
        arns = by_name("sagemaker", f"{kind}/", member, lower=lower)
        table |= {f"{verb}{noun}": arns for verb in _SAGEMAKER_VERBS}
    pipeline = by_name("sagemaker", "pipeline/", "PipelineName", lower=True)
    group = by_name("sagemaker", "model-package-group/", "ModelPackageGroupName")
    table |= {
        "StartPipelineExecution": pipeline,
        "ListPipelineExecutions": pipeline,
        **_each(
            "DescribePipelineExecution StopPipelineExecution ListPipelineExecutionSteps "
            "DescribePipelineDefinitionForExecution RetryPipelineExecution "
            "UpdatePipelineExecution ListPipelineParametersForExecution",
            by_arn("PipelineExecutionArn"),
        ),
        "GetModelPackageGroupPolicy": group,
        "PutModelPackageGroupPolicy": group,
        "DeleteModelPackageGroupPolicy": group,
        "CreateModelPackage": _model_package,
        "ListModelPackages": group,
        "DescribeModelPackage": by_name("sagemaker", "model-package/", "ModelPackageName"),
        "DeleteModelPackage": by_name("sagemaker", "model-package/", "ModelPackageName"),
        "UpdateModelPackage": by_arn("ModelPackageArn"),
        **_each("AddTags DeleteTags ListTags", by_arn("ResourceArn")),
        "InvokeEndpoint": by_name("sagemaker", "endpoint/", "EndpointName", lower=True),
    }
    return table


def _model_package(params: Params, account: str, region: str) -> list[str]:
    name = params.get("ModelPackageName") or params.get("ModelPackageGroupName", "*")
    name = str(name).rsplit("/", 1)[-1]
    return [f"arn:aws:sagemaker:{region}:{account}:model-package/{name}/*"]


# Developer tools, compute, messaging


def _codebuild_project(params: Params, account: str, region: str) -> list[str]:
    name = params.get("name") or params.get("projectName", "*")
    return [f"arn:aws:codebuild:{region}:{account}:project/{name}"]


def _projects_of_builds(params: Params, account: str, region: str) -> list[str]:
    builds = map(str, params.get("ids") or [params.get("id", "*")])
    names = [build.rsplit("/", 1)[-1].split(":")[0] for build in builds]
    return [f"arn:aws:codebuild:{region}:{account}:project/{name}" for name in names]


_CODEBUILD = {
    **_each(
        "CreateProject UpdateProject DeleteProject StartBuild InvalidateProjectCache "
        "ListBuildsForProject UpdateProjectVisibility",
        _codebuild_project,
    ),
    "BatchGetProjects": lambda p, account, region: [
        f"arn:aws:codebuild:{region}:{account}:project/{name}" for name in p.get("names", ["*"])
    ],
    # A build is authorised as its project; its id is PROJECT:UUID.
    **_each(
        "BatchGetBuilds StopBuild RetryBuild BatchDeleteBuilds",
        _projects_of_builds,
    ),
}
_CODECOMMIT_ANY = (
    "CreateRepository DeleteRepository GetRepository UpdateRepositoryName "
    "UpdateRepositoryDescription CreateBranch DeleteBranch GetBranch ListBranches "
    "UpdateDefaultBranch GetCommit CreateCommit GetFile PutFile DeleteFile GetFolder "
    "GetDifferences GetBlob GetRepositoryTriggers PutRepositoryTriggers BatchGetCommits GitPull "
    "GitPush MergeBranchesByFastForward ListPullRequests"
)
_CODEPIPELINE = {
    "CreatePipeline": lambda p, account, region: [
        f"arn:aws:codepipeline:{region}:{account}:{p.get('pipeline', {}).get('name', '*')}"
    ],
    **_each(
        "GetPipeline DeletePipeline GetPipelineState StartPipelineExecution ListActionExecutions",
        lambda p, account, region: [
            f"arn:aws:codepipeline:{region}:{account}:{p.get('name') or p.get('pipelineName', '*')}"
        ],
    ),
    **_each(
        "GetPipelineExecution ListPipelineExecutions StopPipelineExecution "
        "RetryStageExecution PutApprovalResult EnableStageTransition "
        "DisableStageTransition",
        by_name("codepipeline", "", "pipelineName"),
    ),
    **_each("TagResource UntagResource ListTagsForResource", by_arn("resourceArn")),
}
_CODEPIPELINE["UpdatePipeline"] = _CODEPIPELINE["CreatePipeline"]
_LAMBDA_ANY = (
    "CreateFunction GetFunction GetFunctionConfiguration DeleteFunction UpdateFunctionCode "
    "UpdateFunctionConfiguration Invoke AddPermission RemovePermission GetPolicy PublishVersion "
    "CreateAlias GetAlias DeleteAlias UpdateAlias ListVersionsByFunction PutFunctionConcurrency "
    "PutFunctionEventInvokeConfig GetFunctionCodeSigningConfig GetFunctionEventInvokeConfig "
    "DeleteFunctionEventInvokeConfig GetRuntimeManagementConfig GetFunctionConcurrency"
)


def _rule(params: Params, account: str, region: str) -> list[str]:
    name = params.get("Rule") or params.get("Name", "*")
    bus = str(params.get("EventBusName", "default")).rsplit("/", 1)[-1]
    scope = "" if bus == "default" else f"{bus}/"
    return [f"arn:aws:events:{region}:{account}:rule/{scope}{name}"]


def _event_buses(params: Params, account: str, region: str) -> list[str]:
    names = {str(e.get("EventBusName", "default")) for e in params.get("Entries", [{}])}
    return [
        n if n.startswith("arn:") else f"arn:aws:events:{region}:{account}:event-bus/{n}"
        for n in sorted(names)
    ]


_EVENTS = {
    **_each(
        "PutRule DeleteRule DescribeRule EnableRule DisableRule PutTargets RemoveTargets "
        "ListTargetsByRule",
        _rule,
    ),
    "PutEvents": _event_buses,
    **_each("TagResource UntagResource ListTagsForResource", by_arn("ResourceARN")),
}


def _log_group(params: Params, account: str, region: str) -> list[str]:
    given = params.get("logGroupIdentifier") or params.get("resourceArn")
    if given and str(given).startswith("arn:"):
        return [str(given)]
    name = params.get("logGroupName") or params.get("logGroupNamePrefix") or "*"
    return [f"arn:aws:logs:{region}:{account}:log-group:{name}:*"]


def _log_stream(params: Params, account: str, region: str) -> list[str]:
    name = params.get("logGroupName", "*")
    stream = params.get("logStreamName", "*")
    return [f"arn:aws:logs:{region}:{account}:log-group:{name}:log-stream:{stream}"]


_LOGS = {
    **_each(
        "CreateLogGroup DeleteLogGroup DescribeLogGroups DescribeLogStreams CreateLogStream "
        "DeleteLogStream PutRetentionPolicy DeleteRetentionPolicy FilterLogEvents TagLogGroup "
        "ListTagsLogGroup TagResource UntagResource ListTagsForResource AssociateKmsKey "
        "StartQuery PutMetricFilter DescribeMetricFilters DeleteMetricFilter "
        "PutSubscriptionFilter",
        _log_group,
    ),
    **_each("PutLogEvents GetLogEvents", _log_stream),
}


def _parameters(params: Params, account: str, region: str) -> list[str]:
    names = params.get("Names") or [params.get("Name") or params.get("Path") or "*"]
    prefix = f"arn:aws:ssm:{region}:{account}:parameter"
    return [
        n if n.startswith("arn:") else f"{prefix}{'' if n.startswith('/') else '/'}{n}"
        for n in map(str, names)
    ]


_SSM = _each(
    "GetParameter GetParameters GetParametersByPath PutParameter DeleteParameter DeleteParameters "
    "GetParameterHistory LabelParameterVersion",
    _parameters,
)


def _alarms(params: Params, account: str, region: str) -> list[str]:
    names = params.get("AlarmNames") or [params.get("AlarmName", "*")]
    return [f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}" for name in names]


def _schedule(params: Params, account: str, region: str) -> list[str]:
    group = params.get("GroupName", "default")
    return [f"arn:aws:scheduler:{region}:{account}:schedule/{group}/{params.get('Name', '*')}"]


def _glue(params: Params, account: str, region: str) -> list[str]:
    prefix = f"arn:aws:glue:{region}:{account}"
    database = params.get("DatabaseName") or params.get("Name")
    database = database or params.get("DatabaseInput", {}).get("Name")
    arns = [f"{prefix}:catalog"]
    if database:
        arns.append(f"{prefix}:database/{database}")
    table = params.get("TableInput", {}).get("Name") or params.get("TableName")
    table = table or (params.get("Name") if "DatabaseName" in params else None)
    if table:
        arns.append(f"{prefix}:table/{database}/{table}")
    return arns


def _queue(params: Params, account: str, region: str) -> list[str]:
    name = params.get("QueueName") or str(params.get("QueueUrl", "*")).rsplit("/", 1)[-1]
    return [f"arn:aws:sqs:{region}:{account}:{name}"]


def _table(params: Params, account: str, region: str) -> list[str]:
    return by_name("dynamodb", "table/", "TableName")(params, account, region)


MOTO_SERVED: Mapping[str, Mapping[str, Arns]] = {
    "iam": _IAM,
    "s3": _S3,
    "sagemaker": _sagemaker(),
    "sagemaker-runtime": {
        "InvokeEndpoint": by_name("sagemaker", "endpoint/", "EndpointName", lower=True)
    },
    "codebuild": _CODEBUILD,
    "codecommit": {
        **_each(_CODECOMMIT_ANY, by_name("codecommit", "", "repositoryName")),
        "BatchGetRepositories": lambda p, account, region: [
            f"arn:aws:codecommit:{region}:{account}:{name}"
            for name in p.get("repositoryNames", ["*"])
        ],
        **_each("TagResource UntagResource ListTagsForResource", by_arn("resourceArn")),
    },
    "codepipeline": _CODEPIPELINE,
    "codeconnections": _each(
        "GetConnection DeleteConnection UseConnection PassConnection",
        by_arn("ConnectionArn"),
    ),
    "lambda": {
        **_each(_LAMBDA_ANY, by_name("lambda", "function:", "FunctionName")),
        **_each("TagResource UntagResource ListTags", by_arn("Resource")),
    },
    "events": _EVENTS,
    "logs": _LOGS,
    "ssm": _SSM,
    "sns": {
        **_each(
            "Publish PublishBatch Subscribe DeleteTopic GetTopicAttributes SetTopicAttributes "
            "ListSubscriptionsByTopic AddPermission RemovePermission",
            by_arn("TopicArn", "TargetArn"),
        ),
        "CreateTopic": by_name("sns", "", "Name"),
        **_each("TagResource UntagResource ListTagsForResource", by_arn("ResourceArn")),
    },
    "sqs": _each(
        "CreateQueue DeleteQueue SendMessage ReceiveMessage DeleteMessage GetQueueAttributes "
        "SetQueueAttributes GetQueueUrl PurgeQueue SendMessageBatch",
        _queue,
    ),
    "dynamodb": _each(
        "CreateTable DeleteTable DescribeTable UpdateTable GetItem PutItem UpdateItem DeleteItem "
        "Query Scan DescribeTimeToLive UpdateTimeToLive DescribeContinuousBackups",
        _table,
    ),
    "cloudwatch": _each(
        "PutMetricAlarm DescribeAlarms DeleteAlarms SetAlarmState EnableAlarmActions "
        "DisableAlarmActions DescribeAlarmHistory",
        _alarms,
    ),
    "scheduler": _each("CreateSchedule GetSchedule UpdateSchedule DeleteSchedule", _schedule),
    "glue": _each(
        "CreateDatabase GetDatabase UpdateDatabase DeleteDatabase GetTables CreateTable GetTable "
        "UpdateTable DeleteTable GetPartitions BatchCreatePartition",
        _glue,
    ),
    "athena": _each(
        "StartQueryExecution GetWorkGroup CreateWorkGroup DeleteWorkGroup UpdateWorkGroup "
        "GetQueryExecution GetQueryResults StopQueryExecution",
        by_name("athena", "workgroup/", "WorkGroup"),
    ),
    "secretsmanager": _each(
        "GetSecretValue DescribeSecret DeleteSecret PutSecretValue UpdateSecret TagResource",
        by_name("secretsmanager", "secret:", "SecretId", suffix="-??????"),
    ),
    "ecr": _each(
        "CreateRepository DeleteRepository GetRepositoryPolicy SetRepositoryPolicy "
        "BatchGetImage BatchCheckLayerAvailability GetDownloadUrlForLayer PutImage "
        "InitiateLayerUpload UploadLayerPart CompleteLayerUpload",
        by_name("ecr", "repository/", "repositoryName"),
    ),
    "stepfunctions": {
        "CreateStateMachine": by_name("states", "stateMachine:", "name"),
        **_each(
            "DescribeStateMachine DeleteStateMachine UpdateStateMachine StartExecution",
            by_arn("stateMachineArn"),
        ),
    },
    "sts": _each("AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity", by_arn("RoleArn")),
    "organizations": {},
}
