"""What the roles of a deployment may do, in the project's account and in a target account."""

from __future__ import annotations

from catalog.products import names
from catalog.products.roles import Statement, use_key

_AUTOSCALING = "sagemaker.application-autoscaling.amazonaws.com"
_LINKED_ROLE = (
    f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/aws-service-role/{_AUTOSCALING}"
    "/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)


def run_stacks(
    *, bucket_objects: str, stacks_role: str, environments: tuple[str, ...]
) -> list[Statement]:
    """Return what creating and updating the endpoint stacks takes, beside reading artifacts.

    Args:
        bucket_objects: ARN text of CodePipeline's artifacts.
        stacks_role: ARN of the role that CloudFormation acts as.
        environments: whose stacks.
    """
    return [
        Statement(
            sid="ReadArtifacts",
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resources=[bucket_objects],
            wildcards="CodePipeline cuts its name to 20 characters and makes up the rest.",
        ),
        Statement(
            sid="RunStacks",
            actions=[
                "cloudformation:CreateStack",
                "cloudformation:DeleteStack",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStacks",
                "cloudformation:UpdateStack",
            ],
            resources=[
                names.regional_arn("cloudformation", f"stack/{names.endpoint(environment)}/*")
                for environment in environments
            ],
            wildcards="CloudFormation ends a stack's ARN with an id that it makes up.",
        ),
        Statement(
            sid="PassStacksRole",
            actions=["iam:PassRole"],
            resources=[stacks_role],
            condition={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
        ),
    ]


def make_endpoints(*, key_arn: str, endpoint_role: str, model_packages: str) -> list[Statement]:
    """Return what CloudFormation needs to make, update and remove an endpoint stack.

    Args:
        key_arn: the project's key.
        endpoint_role: ARN of the role that models run as.
        model_packages: ARN text of the model packages that may be deployed.
    """
    mine = [
        names.regional_arn("sagemaker", f"{kind}/{names.ENDPOINTS}")
        for kind in ("model", "endpoint-config", "endpoint")
    ]
    return [
        Statement(
            sid="KeepEndpoints",
            actions=[
                f"sagemaker:{verb}{kind}"
                for kind in ("Model", "EndpointConfig", "Endpoint")
                for verb in ("Create", "Delete", "Describe")
            ]
            + [
                "sagemaker:AddTags",
                "sagemaker:DeleteTags",
                "sagemaker:ListTags",
                "sagemaker:UpdateEndpoint",
                # Asked of whoever registers the endpoint with autoscaling.
                "sagemaker:UpdateEndpointWeightsAndCapacities",
            ],
            resources=mine,
            wildcards="Names end with the environment, the version and a digest; all start with"
            " this project's id.",
        ),
        Statement(
            sid="ReadModelPackages",
            actions=["sagemaker:CreateModel", "sagemaker:DescribeModelPackage"],
            resources=[model_packages],
            wildcards="Versions of this one model package group are numbered by SageMaker.",
        ),
        Statement(
            sid="PassEndpointRole",
            actions=["iam:PassRole"],
            resources=[endpoint_role],
            condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
        Statement(
            sid="KeepAlarms",
            actions=[
                "cloudwatch:DeleteAlarms",
                "cloudwatch:DescribeAlarms",
                "cloudwatch:ListTagsForResource",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
            resources=[
                names.regional_arn("cloudwatch", f"alarm:{names.ENDPOINTS}"),
                names.regional_arn(
                    "cloudwatch", f"alarm:TargetTracking-endpoint/{names.ENDPOINTS}"
                ),
            ],
            wildcards="The alarms of this project's endpoints; autoscaling names its own after"
            " the endpoint.",
        ),
        Statement(
            sid="ScaleEndpoints",
            actions=[
                "application-autoscaling:DeleteScalingPolicy",
                "application-autoscaling:DeregisterScalableTarget",
                "application-autoscaling:PutScalingPolicy",
                "application-autoscaling:RegisterScalableTarget",
            ],
            resources=["*"],
            condition={
                "StringEquals": {"application-autoscaling:service-namespace": "sagemaker"},
            },
            wildcards="A scalable target's ARN is made up by the service; the condition limits it"
            " to SageMaker, whose endpoints the caller needs rights on as well.",
        ),
        Statement(
            sid="ReadScaling",
            actions=[
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
                "application-autoscaling:ListTagsForResource",
            ],
            resources=["*"],
            wildcards="Describing takes no resource.",
        ),
        Statement(
            sid="FirstScalingInAccount",
            actions=["iam:CreateServiceLinkedRole"],
            resources=[_LINKED_ROLE],
            condition={"StringEquals": {"iam:AWSServiceName": _AUTOSCALING}},
        ),
        Statement(
            sid="EncryptVolumes",
            actions=["kms:CreateGrant"],
            resources=[key_arn],
            condition={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        Statement(
            sid="SeeKey",
            actions=["kms:Decrypt", "kms:DescribeKey"],
            resources=[key_arn],
        ),
    ]


def serve_models(*, key_arn: str, models: str, captured: str) -> list[Statement]:
    """Return what a model's container needs: its archive, its image, logs, captured data.

    Args:
        key_arn: the project's key.
        models: ARN text of model archives.
        captured: ARN text of captured data.
    """
    return [
        Statement(
            sid="ReadModels",
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resources=[models],
            wildcards="Model archives, named by the pipeline's executions.",
        ),
        Statement(
            sid="CaptureData",
            actions=["s3:PutObject"],
            resources=[captured],
            wildcards="SageMaker names captured data by endpoint and hour.",
        ),
        use_key(key_arn),
        Statement(
            sid="WriteEndpointLogs",
            actions=[
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:DescribeLogStreams",
                "logs:PutLogEvents",
            ],
            resources=[
                names.regional_arn("logs", f"log-group:/aws/sagemaker/Endpoints/{names.ENDPOINTS}")
            ],
            wildcards="One group per endpoint of this project, one stream per instance.",
        ),
        Statement(
            sid="WriteMetrics",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            condition={"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}},
            wildcards="PutMetricData takes no resource; the condition limits the namespace.",
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
    ]


def call_endpoint(environment: str) -> Statement:
    """Return the right to call one environment's endpoint."""
    return Statement(
        sid="CallEndpoint",
        actions=["sagemaker:InvokeEndpoint"],
        resources=[names.regional_arn("sagemaker", f"endpoint/{names.endpoint(environment)}")],
    )
