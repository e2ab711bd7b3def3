"""The role that the project's SageMaker pipeline and its jobs run as."""

from __future__ import annotations

from constructs import Construct

from catalog.products import names
from catalog.products.artifacts import Artifacts
from catalog.products.roles import PermissionsBoundary, ProjectRole, Statement, own_account, use_key

JOBS = "pipelines-*"
"""SageMaker Pipelines names the jobs of its steps `pipelines-<execution id>-<step>-<suffix>`."""


def execution_role(
    scope: Construct, *, artifacts: Artifacts, boundary: PermissionsBoundary
) -> ProjectRole:
    """Declare the execution role: jobs of pipelines, the project's bucket, key and model group."""
    passes_itself = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role{names.ROLE_PATH}"
    group = names.MODEL_PACKAGE_GROUP
    return ProjectRole(
        scope,
        "ExecutionRole",
        name=names.EXECUTION_ROLE,
        description="Runs the SageMaker pipeline of the project and its jobs",
        service="sagemaker.amazonaws.com",
        trust_condition=own_account(),
        boundary=boundary,
        statements=[
            Statement(
                sid="RunJobs",
                actions=[
                    "sagemaker:AddTags",
                    "sagemaker:CreateModel",
                    "sagemaker:CreateProcessingJob",
                    "sagemaker:CreateTrainingJob",
                    "sagemaker:DescribeModel",
                    "sagemaker:DescribeProcessingJob",
                    "sagemaker:DescribeTrainingJob",
                    "sagemaker:ListTags",
                    "sagemaker:StopProcessingJob",
                    "sagemaker:StopTrainingJob",
                ],
                resources=[
                    names.regional_arn("sagemaker", f"{kind}/{JOBS}")
                    for kind in ("model", "processing-job", "training-job")
                ],
                wildcards="SageMaker Pipelines makes up the names of the jobs of its runs, all"
                " with this prefix.",
            ),
            Statement(
                sid="RegisterModels",
                actions=[
                    "sagemaker:AddTags",
                    "sagemaker:CreateModelPackage",
                    "sagemaker:DescribeModelPackage",
                    "sagemaker:DescribeModelPackageGroup",
                    "sagemaker:ListModelPackages",
                    "sagemaker:ListTags",
                ],
                resources=[
                    names.regional_arn("sagemaker", f"model-package-group/{group}"),
                    names.regional_arn("sagemaker", f"model-package/{group}/*"),
                ],
                wildcards="Versions of this one model package group are numbered by SageMaker.",
            ),
            Statement(
                sid="PassItself",
                actions=["iam:PassRole"],
                resources=[f"{passes_itself}{names.EXECUTION_ROLE}"],
                condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            ),
            Statement(
                sid="ReadCodeAndData",
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[names.bucket_arn(f"{prefix}/*") for prefix in ("code", "data")],
                wildcards="What the build uploads for the jobs, named by its content.",
            ),
            Statement(
                sid="KeepRunsAndModels",
                actions=["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
                resources=[names.bucket_arn(f"{prefix}/*") for prefix in ("runs", "models")],
                wildcards="What the jobs write, named by execution; code, data, build artifacts"
                " and seeding requests are not among it.",
            ),
            Statement(
                sid="ListArtifacts",
                actions=["s3:GetBucketLocation", "s3:ListBucket"],
                resources=[names.bucket_arn()],
            ),
            use_key(artifacts.key.attr_arn),
            Statement(
                sid="WriteJobLogs",
                actions=[
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:DescribeLogStreams",
                    "logs:PutLogEvents",
                ],
                resources=[
                    names.regional_arn("logs", f"log-group:/aws/sagemaker/{kind}:*")
                    for kind in ("ProcessingJobs", "TrainingJobs")
                ],
                wildcards="SageMaker names one stream per job instance in its two fixed groups.",
            ),
            Statement(
                sid="WriteMetrics",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                condition={
                    "StringEquals": {
                        "cloudwatch:namespace": [
                            "/aws/sagemaker/ProcessingJobs",
                            "/aws/sagemaker/TrainingJobs",
                        ]
                    }
                },
                wildcards="PutMetricData takes no resource; the condition limits the namespaces.",
            ),
            Statement(
                sid="SignInToRegistry",
                actions=["ecr:GetAuthorizationToken"],
                resources=["*"],
                wildcards="GetAuthorizationToken takes no resource.",
            ),
            Statement(
                sid="PullSageMakerImages",
                actions=[
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                ],
                resources=["arn:${AWS::Partition}:ecr:${AWS::Region}:*:repository/sagemaker-*"],
                wildcards="AWS publishes SageMaker images from one account per region; reading"
                " images is the right given.",
            ),
        ],
    )
