"""One case per resource type: a template, what its service must show, and that it goes away."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

Resources = dict[str, Any]
Session = Any


@dataclass(frozen=True, kw_only=True)
class Case:
    """A resource type under test, as the logical id `It`.

    Attributes:
        others: resources it needs.
        read: what the service's own API shows of it, by physical id; raises or returns None
            once it is gone.
        shows: what `read` must contain.
        changed: properties of an update, if the type can be updated.
        shows_changed: what `read` must contain after it.
    """

    type: str
    properties: dict[str, Any]
    read: Callable[[Session, str], Any]
    shows: dict[str, Any]
    others: Resources = field(default_factory=dict)
    changed: dict[str, Any] | None = None
    shows_changed: dict[str, Any] = field(default_factory=dict)
    survives_as: dict[str, Any] | None = None

    @property
    def resources(self) -> Resources:
        return {**self.others, "It": {"Type": self.type, "Properties": self.properties}}

    @property
    def changed_resources(self) -> Resources:
        return {**self.others, "It": {"Type": self.type, "Properties": self.changed}}


def trust(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def role(service: str) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": trust(service)},
    }


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def att(name: str, attribute: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def document(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


TAGS = [{"Key": "team", "Value": "ml"}]
BUCKET: Resources = {"Bucket": {"Type": "AWS::S3::Bucket"}}
KEY: Resources = {"Key": {"Type": "AWS::KMS::Key", "Properties": {"Description": "d"}}}


def _tags(items: list[dict[str, str]]) -> dict[str, str]:
    """Tags of the template, in whichever spelling the service lists them."""
    found = {}
    for item in items:
        lower = {key.lower().removeprefix("tag"): value for key, value in item.items()}
        found[lower["key"]] = lower["value"]
    return found


def _bucket(session: Session, name: str) -> dict[str, Any]:
    s3 = session.client("s3")
    s3.head_bucket(Bucket=name)
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]

    def maybe(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except ClientError:
            return None

    lifecycle = maybe(lambda: s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"])
    return {
        "encryption": rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"],
        "key": "KMSMasterKeyID" in rules[0]["ApplyServerSideEncryptionByDefault"],
        "versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
        "public": s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
        "lifecycle": lifecycle,
        "ownership": s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"],
        "logging": s3.get_bucket_logging(Bucket=name).get("LoggingEnabled"),
        "cors": maybe(lambda: s3.get_bucket_cors(Bucket=name)["CORSRules"]),
        "tags": _tags(maybe(lambda: s3.get_bucket_tagging(Bucket=name)["TagSet"]) or []),
    }


def _key(session: Session, key: str) -> dict[str, Any]:
    kms = session.client("kms")
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    rotation = kms.get_key_rotation_status(KeyId=key)
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    return {
        "state": metadata["KeyState"],
        "description": metadata["Description"],
        "rotation": rotation["KeyRotationEnabled"],
        "policy": json.loads(policy)["Id"],
        "tags": _tags(kms.list_resource_tags(KeyId=key)["Tags"]),
    }


def _alias(session: Session, name: str) -> dict[str, Any]:
    return {"key": session.client("kms").describe_key(KeyId=name)["KeyMetadata"]["Description"]}


def _role(session: Session, name: str) -> dict[str, Any]:
    iam = session.client("iam")
    found = iam.get_role(RoleName=name)["Role"]
    return {
        "path": found["Path"],
        "trust": found["AssumeRolePolicyDocument"],
        "boundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "inline": iam.list_role_policies(RoleName=name)["PolicyNames"],
        "managed": [
            p["PolicyArn"]
            for p in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        ],
        "session": found["MaxSessionDuration"],
        "tags": _tags(found.get("Tags", [])),
    }


def _inline(session: Session, _: str) -> dict[str, Any]:
    found = session.client("iam").get_role_policy(RoleName="holder", PolicyName="inline")
    return {"action": found["PolicyDocument"]["Statement"][0]["Action"]}


def _managed(session: Session, arn: str) -> dict[str, Any]:
    iam = session.client("iam")
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    entities = iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"]
    return {
        "path": policy["Path"],
        "action": version["PolicyVersion"]["Document"]["Statement"][0]["Action"],
        "roles": [entity["RoleName"] for entity in entities],
    }


def _repository(session: Session, _: str) -> dict[str, Any]:
    client = session.client("codecommit")
    found = client.get_repository(repositoryName="repo")["repositoryMetadata"]
    tags = client.list_tags_for_resource(resourceArn=found["Arn"])["tags"]
    return {"description": found.get("repositoryDescription"), "tags": tags}


def _build_project(session: Session, name: str) -> dict[str, Any] | None:
    found = session.client("codebuild").batch_get_projects(names=[name])["projects"]
    if not found:
        return None
    project = found[0]
    return {
        "source": project["source"],
        "image": project["environment"]["image"],
        "variables": project["environment"]["environmentVariables"],
        "timeout": project["timeoutInMinutes"],
        "logs": project["logsConfig"]["cloudWatchLogs"]["status"],
        "cache": project["cache"]["type"],
        "tags": _tags(project["tags"]),
    }


def _pipeline(session: Session, name: str) -> dict[str, Any]:
    client = session.client("codepipeline")
    found = client.get_pipeline(name=name)
    pipeline = found["pipeline"]
    arn = found["metadata"]["pipelineArn"]
    return {
        "type": pipeline["pipelineType"],
        "mode": pipeline.get("executionMode"),
        "stages": [stage["name"] for stage in pipeline["stages"]],
        "configuration": pipeline["stages"][1]["actions"][0]["configuration"]["ProjectName"],
        "variables": pipeline.get("variables"),
        "key": pipeline["artifactStore"]["encryptionKey"]["type"],
        "tags": _tags(client.list_tags_for_resource(resourceArn=arn)["tags"]),
    }


def _rule(session: Session, name: str) -> dict[str, Any]:
    events = session.client("events")
    rule = events.describe_rule(Name=name)
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    return {
        "pattern": json.loads(rule["EventPattern"]),
        "state": rule["State"],
        "targets": [target["Id"] for target in targets],
        "transformers": [target.get("InputTransformer") for target in targets],
        "tags": _tags(events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]),
    }


def _function(session: Session, name: str) -> dict[str, Any]:
    found = session.client("lambda").get_function(FunctionName=name)
    settings = found["Configuration"]
    return {
        "runtime": settings["Runtime"],
        "timeout": settings["Timeout"],
        "memory": settings["MemorySize"],
        "variables": settings["Environment"]["Variables"],
        "concurrency": found.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        "tags": found.get("Tags"),
    }


def _permission(session: Session, _: str) -> dict[str, Any] | None:
    policy = session.client("lambda").get_policy(FunctionName="callee")["Policy"]
    statements = json.loads(policy)["Statement"]
    return {"principal": statements[0]["Principal"]} if statements else None


def _log_group(session: Session, name: str) -> dict[str, Any] | None:
    logs = session.client("logs")
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    if not found:
        return None
    tags = logs.list_tags_for_resource(resourceArn=found[0]["arn"].removesuffix(":*"))["tags"]
    return {"retention": found[0].get("retentionInDays"), "tags": tags}


def _parameter(session: Session, name: str) -> dict[str, Any]:
    ssm = session.client("ssm")
    found = ssm.get_parameter(Name=name)["Parameter"]
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    return {"value": found["Value"], "type": found["Type"], "tags": _tags(tags)}


def _topic(session: Session, arn: str) -> dict[str, Any]:
    sns = session.client("sns")
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    return {
        "display": attributes.get("DisplayName"),
        "key": attributes.get("KmsMasterKeyId"),
        "subscriptions": [s["Endpoint"] for s in subscriptions],
        "tags": _tags(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]),
    }


def _subscription(session: Session, arn: str) -> dict[str, Any]:
    found = session.client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return {"protocol": found["Protocol"], "raw": found.get("RawMessageDelivery")}


def _topic_policy(session: Session, _: str) -> dict[str, Any] | None:
    sns = session.client("sns")
    topics = sns.list_topics()["Topics"]
    if not topics:
        return None
    attributes = sns.get_topic_attributes(TopicArn=topics[0]["TopicArn"])["Attributes"]
    return {"action": json.loads(attributes["Policy"])["Statement"][0]["Action"]}


def _queue(session: Session, url: str) -> dict[str, Any]:
    sqs = session.client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return {
        "visibility": found["VisibilityTimeout"],
        "key": found.get("KmsMasterKeyId"),
        "tags": sqs.list_queue_tags(QueueUrl=url).get("Tags", {}),
    }


def _queue_policy(session: Session, _: str) -> dict[str, Any] | None:
    sqs = session.client("sqs")
    urls = sqs.list_queues().get("QueueUrls", [])
    if not urls:
        return None
    found = sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["Policy"])
    return {"action": json.loads(found["Attributes"]["Policy"])["Statement"][0]["Action"]}


def _alarm(session: Session, name: str) -> dict[str, Any] | None:
    cloudwatch = session.client("cloudwatch")
    found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    if not found:
        return None
    tags = cloudwatch.list_tags_for_resource(ResourceARN=found[0]["AlarmArn"])["Tags"]
    return {
        "metric": found[0]["MetricName"],
        "threshold": found[0]["Threshold"],
        "missing": found[0].get("TreatMissingData"),
        "dimensions": found[0]["Dimensions"],
        "tags": _tags(tags),
    }


def _schedule(session: Session, name: str) -> dict[str, Any]:
    found = session.client("scheduler").get_schedule(Name=name)
    return {
        "expression": found["ScheduleExpression"],
        "state": found["State"],
        "window": found["FlexibleTimeWindow"]["Mode"],
        "input": found["Target"]["Input"],
    }


def _group(session: Session, _: str) -> dict[str, Any]:
    client = session.client("sagemaker")
    found = client.describe_model_package_group(ModelPackageGroupName="models")
    arn = found["ModelPackageGroupArn"]
    policy = client.get_model_package_group_policy(ModelPackageGroupName="models")
    return {
        "description": found["ModelPackageGroupDescription"],
        "policy": json.loads(policy["ResourcePolicy"])["Statement"][0]["Action"],
        "tags": _tags(client.list_tags(ResourceArn=arn)["Tags"]),
    }


def _ml_pipeline(session: Session, name: str) -> dict[str, Any]:
    client = session.client("sagemaker")
    found = client.describe_pipeline(PipelineName=name)
    return {
        "definition": json.loads(found["PipelineDefinition"]),
        "display": found["PipelineDisplayName"],
        "tags": _tags(client.list_tags(ResourceArn=found["PipelineArn"])["Tags"]),
    }


def _model(session: Session, _: str) -> dict[str, Any]:
    found = session.client("sagemaker").describe_model(ModelName="model")
    return {"image": found["PrimaryContainer"]["Image"]}


def _endpoint_config(session: Session, _: str) -> dict[str, Any]:
    client = session.client("sagemaker")
    found = client.describe_endpoint_config(EndpointConfigName="config")
    return {"variants": [v["InstanceType"] for v in found["ProductionVariants"]]}


def _endpoint(session: Session, _: str) -> dict[str, Any]:
    found = session.client("sagemaker").describe_endpoint(EndpointName="endpoint")
    return {"config": found["EndpointConfigName"], "status": found["EndpointStatus"]}


def _features(session: Session, name: str) -> dict[str, Any]:
    found = session.client("sagemaker").describe_feature_group(FeatureGroupName=name)
    return {
        "features": [f["FeatureName"] for f in found["FeatureDefinitions"]],
        "store": found["OfflineStoreConfig"]["S3StorageConfig"]["S3Uri"],
    }


def _target(session: Session, _: str) -> dict[str, Any] | None:
    client = session.client("application-autoscaling")
    found = client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    return {"max": found[0]["MaxCapacity"]} if found else None


def _scaling(session: Session, _: str) -> dict[str, Any] | None:
    client = session.client("application-autoscaling")
    found = client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    if not found:
        return None
    return {"target": found[0]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]}


def _database(session: Session, name: str) -> dict[str, Any]:
    found = session.client("glue").get_database(Name=name)["Database"]
    return {"description": found.get("Description")}


def _table(session: Session, name: str) -> dict[str, Any]:
    found = session.client("glue").get_table(DatabaseName="lake", Name=name)["Table"]
    return {"columns": [c["Name"] for c in found["StorageDescriptor"]["Columns"]]}


def _work_group(session: Session, name: str) -> dict[str, Any] | None:
    found = session.client("athena").get_work_group(WorkGroup=name).get("WorkGroup")
    if found is None:
        return None
    results = found["Configuration"]["ResultConfiguration"]
    return {"description": found["Description"], "location": results["OutputLocation"]}


def _share(session: Session, arn: str) -> dict[str, Any] | None:
    found = session.client("ram").get_resource_shares(resourceOwner="SELF")["resourceShares"]
    living = [s for s in found if s["resourceShareArn"] == arn and s["status"] == "ACTIVE"]
    return {"name": living[0]["name"]} if living else None


def _portfolio(session: Session, portfolio_id: str) -> dict[str, Any]:
    found = session.client("servicecatalog").describe_portfolio(Id=portfolio_id)
    return {
        "name": found["PortfolioDetail"]["DisplayName"],
        "provider": found["PortfolioDetail"]["ProviderName"],
        "tags": _tags(found["Tags"]),
    }


ENVIRONMENT = {
    "Type": "LINUX_CONTAINER",
    "ComputeType": "BUILD_GENERAL1_SMALL",
    "Image": "aws/codebuild/standard:7.0",
    "EnvironmentVariables": [{"Name": "A", "Value": "1", "Type": "PLAINTEXT"}],
}
BUILD = {
    "ServiceRole": att("Role", "Arn"),
    "Artifacts": {"Type": "NO_ARTIFACTS"},
    "Environment": ENVIRONMENT,
    "Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2\nphases: {}"},
    "TimeoutInMinutes": 15,
    "Cache": {"Type": "NO_CACHE"},
    "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED"}},
    "Tags": TAGS,
}


def _stage(name: str, category: str, provider: str, **action: Any) -> dict[str, Any]:
    kind = {"Category": category, "Owner": "AWS", "Provider": provider, "Version": "1"}
    return {"Name": name, "Actions": [{"Name": name, "ActionTypeId": kind, **action}]}


PIPELINE = {
    "PipelineType": "V2",
    "ExecutionMode": "QUEUED",
    "RoleArn": att("Role", "Arn"),
    "ArtifactStore": {
        "Type": "S3",
        "Location": ref("Bucket"),
        "EncryptionKey": {"Id": att("Key", "Arn"), "Type": "KMS"},
    },
    "Variables": [{"Name": "stage", "DefaultValue": "test"}],
    "Stages": [
        _stage(
            "Source",
            "Source",
            "CodeCommit",
            Configuration={"RepositoryName": "repo", "BranchName": "main"},
            OutputArtifacts=[{"Name": "src"}],
        ),
        _stage(
            "Build",
            "Build",
            "CodeBuild",
            Configuration={"ProjectName": "builder"},
            InputArtifacts=[{"Name": "src"}],
        ),
    ],
    "Tags": TAGS,
}
FUNCTION = {
    "FunctionName": "callee",
    "Runtime": "python3.12",
    "Handler": "index.handler",
    "Role": att("Role", "Arn"),
    "Code": {"ZipFile": "def handler(event, context): return 1"},
    "Timeout": 20,
    "MemorySize": 256,
    "Environment": {"Variables": {"MODE": "x"}},
    "ReservedConcurrentExecutions": 2,
    "Tags": TAGS,
}
HOSTING: Resources = {
    "Role": role("sagemaker.amazonaws.com"),
    "Model": {
        "Type": "AWS::SageMaker::Model",
        "Properties": {
            "ModelName": "model",
            "ExecutionRoleArn": att("Role", "Arn"),
            "PrimaryContainer": {"Image": "image:1"},
        },
    },
    "Config": {
        "Type": "AWS::SageMaker::EndpointConfig",
        "Properties": {
            "EndpointConfigName": "config",
            "ProductionVariants": [
                {
                    "VariantName": "all",
                    "ModelName": att("Model", "ModelName"),
                    "InitialInstanceCount": 1,
                    "InstanceType": "ml.m5.large",
                    "InitialVariantWeight": 1.0,
                }
            ],
        },
    },
}
SCALABLE = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/endpoint/variant/all",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "MinCapacity": 1,
    "MaxCapacity": 2,
}
ENDPOINT: Resources = {
    **HOSTING,
    "Endpoint": {
        "Type": "AWS::SageMaker::Endpoint",
        "Properties": {
            "EndpointName": "endpoint",
            "EndpointConfigName": att("Config", "EndpointConfigName"),
        },
    },
}
PORTFOLIO: Resources = {
    "Portfolio": {
        "Type": "AWS::ServiceCatalog::Portfolio",
        "Properties": {"DisplayName": "ml", "ProviderName": "platform"},
    }
}

CASES = (
    Case(
        type="AWS::S3::Bucket",
        others=KEY,
        properties={
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "BucketKeyEnabled": True,
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": att("Key", "Arn"),
                        },
                    }
                ]
            },
            "VersioningConfiguration": {"Status": "Enabled"},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": "true",
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "Id": "old",
                        "Status": "Enabled",
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                    }
                ]
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "CorsConfiguration": {
                "CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://x.aws"]}]
            },
            "Tags": TAGS,
        },
        read=_bucket,
        shows={
            "encryption": "aws:kms",
            "key": True,
            "versioning": "Enabled",
            "public": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "lifecycle": [
                {
                    "ID": "old",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                }
            ],
            "ownership": [{"ObjectOwnership": "BucketOwnerEnforced"}],
            "cors": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://x.aws"]}],
            "tags": {"team": "ml"},
        },
        changed={
            "VersioningConfiguration": {"Status": "Suspended"},
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
                ]
            },
        },
        shows_changed={
            "encryption": "AES256",
            "versioning": "Suspended",
            "lifecycle": None,
            "ownership": [{"ObjectOwnership": "ObjectWriter"}],
            "cors": None,
            "tags": {},
        },
    ),
    Case(
        type="AWS::S3::BucketPolicy",
        others=BUCKET,
        properties={
            "Bucket": ref("Bucket"),
            "PolicyDocument": document(
                "s3:GetObject", resource={"Fn::Sub": "${Bucket.Arn}/*"}, Principal="*"
            ),
        },
        read=lambda session, bucket: {
            "action": json.loads(session.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])[
                "Statement"
            ][0]["Action"]
        },
        shows={"action": ["s3:GetObject"]},
        changed={
            "Bucket": ref("Bucket"),
            "PolicyDocument": document(
                "s3:PutObject", resource={"Fn::Sub": "${Bucket.Arn}/*"}, Principal="*"
            ),
        },
        shows_changed={"action": ["s3:PutObject"]},
    ),
    Case(
        type="AWS::KMS::Key",
        properties={
            "Description": "first",
            "EnableKeyRotation": "true",
            "PendingWindowInDays": 7,
            "KeyPolicy": {
                **document(
                    "kms:*",
                    Principal={"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
                ),
                "Id": "mine",
            },
            "Tags": TAGS,
        },
        read=_key,
        shows={
            "state": "Enabled",
            "description": "first",
            "rotation": True,
            "policy": "mine",
            "tags": {"team": "ml"},
        },
        changed={
            "Description": "second",
            "EnableKeyRotation": False,
            "KeyPolicy": {
                **document(
                    "kms:*",
                    Principal={"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
                ),
                "Id": "other",
            },
        },
        shows_changed={"description": "second", "rotation": False, "policy": "other", "tags": {}},
        survives_as={"state": "PendingDeletion"},
    ),
    Case(
        type="AWS::KMS::Alias",
        others=KEY,
        properties={"AliasName": "alias/mine", "TargetKeyId": ref("Key")},
        read=_alias,
        shows={"key": "d"},
    ),
    Case(
        type="AWS::IAM::Role",
        properties={
            "Path": "/ml/",
            "AssumeRolePolicyDocument": trust("codebuild.amazonaws.com"),
            "MaxSessionDuration": 7200,
            "PermissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess",
            "ManagedPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "Policies": [{"PolicyName": "a", "PolicyDocument": document("s3:GetObject")}],
            "Tags": TAGS,
        },
        read=_role,
        shows={
            "path": "/ml/",
            "trust": trust("codebuild.amazonaws.com"),
            "boundary": "arn:aws:iam::aws:policy/PowerUserAccess",
            "inline": ["a"],
            "managed": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "session": 7200,
            "tags": {"team": "ml"},
        },
        changed={
            "Path": "/ml/",
            "AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
            "Policies": [{"PolicyName": "b", "PolicyDocument": document("s3:PutObject")}],
        },
        shows_changed={
            "trust": trust("lambda.amazonaws.com"),
            "boundary": None,
            "inline": ["b"],
            "managed": [],
            "session": 3600,
            "tags": {},
        },
    ),
    Case(
        type="AWS::IAM::Policy",
        others={
            "Holder": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": "holder",
                    "AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
                },
            }
        },
        properties={
            "PolicyName": "inline",
            "PolicyDocument": document("s3:GetObject"),
            "Roles": [ref("Holder")],
        },
        read=_inline,
        shows={"action": ["s3:GetObject"]},
        changed={
            "PolicyName": "inline",
            "PolicyDocument": document("s3:PutObject"),
            "Roles": [ref("Holder")],
        },
        shows_changed={"action": ["s3:PutObject"]},
    ),
    Case(
        type="AWS::IAM::ManagedPolicy",
        others={"Role": role("lambda.amazonaws.com")},
        properties={
            "Path": "/ml/",
            "PolicyDocument": document("s3:GetObject"),
            "Roles": [ref("Role")],
        },
        read=_managed,
        shows={"path": "/ml/", "action": ["s3:GetObject"]},
        changed={"Path": "/ml/", "PolicyDocument": document("s3:PutObject")},
        shows_changed={"action": ["s3:PutObject"], "roles": []},
    ),
    Case(
        type="AWS::CodeCommit::Repository",
        properties={"RepositoryName": "repo", "RepositoryDescription": "a", "Tags": TAGS},
        read=_repository,
        shows={"description": "a", "tags": {"team": "ml"}},
        changed={"RepositoryName": "repo", "RepositoryDescription": "b"},
        shows_changed={"description": "b", "tags": {}},
    ),
    Case(
        type="AWS::CodeBuild::Project",
        others={"Role": role("codebuild.amazonaws.com")},
        properties=BUILD,
        read=_build_project,
        shows={
            "source": {
                "type": "NO_SOURCE",
                "buildspec": "version: 0.2\nphases: {}",
                "insecureSsl": False,
            },
            "image": "aws/codebuild/standard:7.0",
            "variables": [{"name": "A", "value": "1", "type": "PLAINTEXT"}],
            "timeout": 15,
            "logs": "ENABLED",
            "cache": "NO_CACHE",
            "tags": {"team": "ml"},
        },
        changed={**BUILD, "TimeoutInMinutes": 30},
        shows_changed={"timeout": 30},
    ),
    Case(
        type="AWS::CodePipeline::Pipeline",
        others={**BUCKET, **KEY, "Role": role("codepipeline.amazonaws.com")},
        properties=PIPELINE,
        read=_pipeline,
        shows={
            "type": "V2",
            "mode": "QUEUED",
            "stages": ["Source", "Build"],
            "configuration": "builder",
            "variables": [{"name": "stage", "defaultValue": "test"}],
            "key": "KMS",
            "tags": {"team": "ml"},
        },
        changed={**PIPELINE, "ExecutionMode": "SUPERSEDED"},
        shows_changed={"mode": "SUPERSEDED"},
    ),
    Case(
        type="AWS::Events::Rule",
        others={"Queue": {"Type": "AWS::SQS::Queue"}},
        properties={
            "EventPattern": {"source": ["aws.codebuild"]},
            "State": "ENABLED",
            "Targets": [
                {
                    "Id": "a",
                    "Arn": att("Queue", "Arn"),
                    "InputTransformer": {
                        "InputPathsMap": {"x": "$.detail.x"},
                        "InputTemplate": '{"x": <x>}',
                    },
                }
            ],
            "Tags": TAGS,
        },
        read=_rule,
        shows={
            "pattern": {"source": ["aws.codebuild"]},
            "state": "ENABLED",
            "targets": ["a"],
            "transformers": [{"InputPathsMap": {"x": "$.detail.x"}, "InputTemplate": '{"x": <x>}'}],
            "tags": {"team": "ml"},
        },
        changed={
            "EventPattern": {"source": ["aws.s3"]},
            "State": "DISABLED",
            "Targets": [{"Id": "b", "Arn": att("Queue", "Arn")}],
        },
        shows_changed={
            "pattern": {"source": ["aws.s3"]},
            "state": "DISABLED",
            "targets": ["b"],
            "tags": {},
        },
    ),
    Case(
        type="AWS::Lambda::Function",
        others={"Role": role("lambda.amazonaws.com")},
        properties=FUNCTION,
        read=_function,
        shows={
            "runtime": "python3.12",
            "timeout": 20,
            "memory": 256,
            "variables": {"MODE": "x"},
            "concurrency": 2,
            "tags": {"team": "ml"},
        },
        changed={
            **{k: v for k, v in FUNCTION.items() if k != "ReservedConcurrentExecutions"},
            "Timeout": 25,
        },
        shows_changed={"timeout": 25, "concurrency": None},
    ),
    Case(
        type="AWS::Lambda::Permission",
        others={
            "Role": role("lambda.amazonaws.com"),
            "Function": {"Type": "AWS::Lambda::Function", "Properties": FUNCTION},
        },
        properties={
            "FunctionName": att("Function", "Arn"),
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
        },
        read=_permission,
        shows={"principal": {"Service": "events.amazonaws.com"}},
    ),
    Case(
        type="AWS::Logs::LogGroup",
        properties={"RetentionInDays": 14, "Tags": TAGS},
        read=_log_group,
        shows={"retention": 14, "tags": {"team": "ml"}},
        changed={"RetentionInDays": 30},
        shows_changed={"retention": 30, "tags": {}},
    ),
    Case(
        type="AWS::SSM::Parameter",
        properties={"Type": "String", "Value": "1", "Tags": {"team": "ml"}},
        read=_parameter,
        shows={"value": "1", "type": "String", "tags": {"team": "ml"}},
        changed={"Type": "String", "Value": "2"},
        shows_changed={"value": "2", "tags": {}},
    ),
    Case(
        type="AWS::SNS::Topic",
        properties={
            "DisplayName": "a",
            "KmsMasterKeyId": "alias/aws/sns",
            "Subscription": [{"Protocol": "email", "Endpoint": "a@example.com"}],
            "Tags": TAGS,
        },
        read=_topic,
        shows={
            "display": "a",
            "key": "alias/aws/sns",
            "subscriptions": ["a@example.com"],
            "tags": {"team": "ml"},
        },
        changed={"DisplayName": "b"},
        shows_changed={"display": "b", "subscriptions": [], "tags": {}},
    ),
    Case(
        type="AWS::SNS::Subscription",
        others={"Topic": {"Type": "AWS::SNS::Topic"}, "Queue": {"Type": "AWS::SQS::Queue"}},
        properties={
            "TopicArn": ref("Topic"),
            "Protocol": "sqs",
            "Endpoint": att("Queue", "Arn"),
            "RawMessageDelivery": True,
        },
        read=_subscription,
        shows={"protocol": "sqs", "raw": "true"},
    ),
    Case(
        type="AWS::SNS::TopicPolicy",
        others={"Topic": {"Type": "AWS::SNS::Topic"}},
        properties={
            "Topics": [ref("Topic")],
            "PolicyDocument": document("sns:Publish", resource=ref("Topic"), Principal="*"),
        },
        read=_topic_policy,
        shows={"action": ["sns:Publish"]},
    ),
    Case(
        type="AWS::SQS::Queue",
        properties={"VisibilityTimeout": 60, "KmsMasterKeyId": "alias/aws/sqs", "Tags": TAGS},
        read=_queue,
        shows={"visibility": "60", "key": "alias/aws/sqs", "tags": {"team": "ml"}},
        changed={"VisibilityTimeout": 90, "KmsMasterKeyId": "alias/aws/sqs"},
        shows_changed={"visibility": "90", "tags": {}},
    ),
    Case(
        type="AWS::SQS::QueuePolicy",
        others={"Queue": {"Type": "AWS::SQS::Queue"}},
        properties={
            "Queues": [ref("Queue")],
            "PolicyDocument": document(
                "sqs:SendMessage", resource=att("Queue", "Arn"), Principal="*"
            ),
        },
        read=_queue_policy,
        shows={"action": ["sqs:SendMessage"]},
    ),
    Case(
        type="AWS::CloudWatch::Alarm",
        properties={
            "Namespace": "ML",
            "MetricName": "drift",
            "Statistic": "Maximum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": 0.5,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "breaching",
            "Dimensions": [{"Name": "model", "Value": "m"}],
            "Tags": TAGS,
        },
        read=_alarm,
        shows={
            "metric": "drift",
            "threshold": 0.5,
            "missing": "breaching",
            "dimensions": [{"Name": "model", "Value": "m"}],
            "tags": {"team": "ml"},
        },
        changed={
            "Namespace": "ML",
            "MetricName": "drift",
            "Statistic": "Maximum",
            "Period": 300,
            "EvaluationPeriods": 1,
            "Threshold": 0.7,
            "ComparisonOperator": "GreaterThanThreshold",
        },
        shows_changed={"threshold": 0.7, "tags": {}},
    ),
    Case(
        type="AWS::Scheduler::Schedule",
        others={"Role": role("scheduler.amazonaws.com"), "Queue": {"Type": "AWS::SQS::Queue"}},
        properties={
            "ScheduleExpression": "rate(1 day)",
            "State": "ENABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": att("Queue", "Arn"),
                "RoleArn": att("Role", "Arn"),
                "Input": "{}",
            },
        },
        read=_schedule,
        shows={"expression": "rate(1 day)", "state": "ENABLED", "window": "OFF", "input": "{}"},
        changed={
            "ScheduleExpression": "rate(2 days)",
            "State": "DISABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": att("Queue", "Arn"),
                "RoleArn": att("Role", "Arn"),
                "Input": "{}",
            },
        },
        shows_changed={"expression": "rate(2 days)", "state": "DISABLED"},
    ),
    Case(
        type="AWS::SageMaker::ModelPackageGroup",
        properties={
            "ModelPackageGroupName": "models",
            "ModelPackageGroupDescription": "d",
            "ModelPackageGroupPolicy": document("sagemaker:DescribeModelPackage", Principal="*"),
            "Tags": TAGS,
        },
        read=_group,
        shows={
            "description": "d",
            "policy": ["sagemaker:DescribeModelPackage"],
            "tags": {"team": "ml"},
        },
        changed={
            "ModelPackageGroupName": "models",
            "ModelPackageGroupDescription": "d",
            "ModelPackageGroupPolicy": document("sagemaker:ListModelPackages", Principal="*"),
        },
        shows_changed={"policy": ["sagemaker:ListModelPackages"], "tags": {}},
    ),
    Case(
        type="AWS::SageMaker::Pipeline",
        others={"Role": role("sagemaker.amazonaws.com")},
        properties={
            "PipelineName": "train",
            "PipelineDisplayName": "Train",
            "PipelineDefinition": {"PipelineDefinitionBody": '{"Version": "2020-12-01"}'},
            "RoleArn": att("Role", "Arn"),
            "Tags": TAGS,
        },
        read=_ml_pipeline,
        shows={
            "definition": {"Version": "2020-12-01"},
            "display": "Train",
            "tags": {"team": "ml"},
        },
        changed={
            "PipelineName": "train",
            "PipelineDisplayName": "Retrain",
            "PipelineDefinition": {"PipelineDefinitionBody": '{"Version": "2020-12-02"}'},
            "RoleArn": att("Role", "Arn"),
        },
        shows_changed={
            "definition": {"Version": "2020-12-02"},
            "display": "Retrain",
            "tags": {},
        },
    ),
    Case(
        type="AWS::SageMaker::Model",
        others={"Role": role("sagemaker.amazonaws.com")},
        properties=HOSTING["Model"]["Properties"],
        read=_model,
        shows={"image": "image:1"},
    ),
    Case(
        type="AWS::SageMaker::EndpointConfig",
        others={"Role": HOSTING["Role"], "Model": HOSTING["Model"]},
        properties=HOSTING["Config"]["Properties"],
        read=_endpoint_config,
        shows={"variants": ["ml.m5.large"]},
    ),
    Case(
        type="AWS::SageMaker::Endpoint",
        others=HOSTING,
        properties=ENDPOINT["Endpoint"]["Properties"],
        read=_endpoint,
        shows={"config": "config", "status": "InService"},
    ),
    Case(
        type="AWS::SageMaker::FeatureGroup",
        others={"Role": role("sagemaker.amazonaws.com")},
        properties={
            "FeatureGroupName": "flights",
            "RecordIdentifierFeatureName": "id",
            "EventTimeFeatureName": "at",
            "FeatureDefinitions": [
                {"FeatureName": "id", "FeatureType": "String"},
                {"FeatureName": "at", "FeatureType": "Fractional"},
            ],
            "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://store/x"}},
            "RoleArn": att("Role", "Arn"),
        },
        read=_features,
        shows={"features": ["id", "at"], "store": "s3://store/x"},
        changed={
            "FeatureGroupName": "flights",
            "RecordIdentifierFeatureName": "id",
            "EventTimeFeatureName": "at",
            "FeatureDefinitions": [
                {"FeatureName": "id", "FeatureType": "String"},
                {"FeatureName": "at", "FeatureType": "Fractional"},
                {"FeatureName": "delay", "FeatureType": "Integral"},
            ],
            "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": "s3://store/x"}},
            "RoleArn": att("Role", "Arn"),
        },
        shows_changed={"features": ["id", "at", "delay"]},
    ),
    Case(
        type="AWS::ApplicationAutoScaling::ScalableTarget",
        others=ENDPOINT,
        properties=SCALABLE,
        read=_target,
        shows={"max": 2},
        changed={**SCALABLE, "MaxCapacity": 4},
        shows_changed={"max": 4},
    ),
    Case(
        type="AWS::ApplicationAutoScaling::ScalingPolicy",
        others={
            **ENDPOINT,
            "Target": {
                "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
                "DependsOn": "Endpoint",
                "Properties": SCALABLE,
            },
        },
        properties={
            "PolicyName": "p",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": ref("Target"),
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 70,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
        },
        read=_scaling,
        shows={"target": 70.0},
    ),
    Case(
        type="AWS::Glue::Database",
        properties={
            "CatalogId": ref("AWS::AccountId"),
            "DatabaseInput": {"Name": "lake", "Description": "a"},
        },
        read=_database,
        shows={"description": "a"},
        changed={
            "CatalogId": ref("AWS::AccountId"),
            "DatabaseInput": {"Name": "lake", "Description": "b"},
        },
        shows_changed={"description": "b"},
    ),
    Case(
        type="AWS::Glue::Table",
        others={
            "Lake": {
                "Type": "AWS::Glue::Database",
                "Properties": {
                    "CatalogId": ref("AWS::AccountId"),
                    "DatabaseInput": {"Name": "lake"},
                },
            }
        },
        properties={
            "CatalogId": ref("AWS::AccountId"),
            "DatabaseName": ref("Lake"),
            "TableInput": {
                "Name": "flights",
                "StorageDescriptor": {
                    "Columns": [{"Name": "delay", "Type": "int"}],
                    "Location": "s3://x/y",
                },
            },
        },
        read=_table,
        shows={"columns": ["delay"]},
    ),
    Case(
        type="AWS::Athena::WorkGroup",
        properties={
            "Name": "ml",
            "Description": "a",
            "WorkGroupConfiguration": {
                "ResultConfiguration": {"OutputLocation": "s3://x/results/"}
            },
        },
        read=_work_group,
        shows={"description": "a", "location": "s3://x/results/"},
    ),
    Case(
        type="AWS::RAM::ResourceShare",
        properties={"Name": "models", "Tags": TAGS},
        read=_share,
        shows={"name": "models"},
    ),
    Case(
        type="AWS::ServiceCatalog::Portfolio",
        properties={"DisplayName": "ml", "ProviderName": "platform", "Tags": TAGS},
        read=_portfolio,
        shows={"name": "ml", "provider": "platform", "tags": {"team": "ml"}},
        changed={"DisplayName": "ml2", "ProviderName": "platform"},
        shows_changed={"name": "ml2", "tags": {}},
    ),
    Case(
        type="AWS::ServiceCatalog::PortfolioPrincipalAssociation",
        others=PORTFOLIO,
        properties={
            "PortfolioId": ref("Portfolio"),
            "PrincipalARN": "arn:aws:iam:::role/scientist",
            "PrincipalType": "IAM_PATTERN",
        },
        read=lambda session, _: _principals(session),
        shows={"principals": ["arn:aws:iam:::role/scientist"]},
    ),
    Case(
        type="AWS::ServiceCatalog::PortfolioShare",
        others=PORTFOLIO,
        properties={"PortfolioId": ref("Portfolio"), "AccountId": "222233334444"},
        read=lambda session, _: _shared_with(session),
        shows={"accounts": ["222233334444"]},
    ),
)


def _one_portfolio(session: Session) -> tuple[Any, str | None]:
    client = session.client("servicecatalog")
    found = client.list_portfolios()["PortfolioDetails"]
    return client, found[0]["Id"] if found else None


def _principals(session: Session) -> dict[str, Any] | None:
    client, portfolio = _one_portfolio(session)
    if portfolio is None:
        return None
    found = client.list_principals_for_portfolio(PortfolioId=portfolio)["Principals"]
    return {"principals": [p["PrincipalARN"] for p in found]}


def _shared_with(session: Session) -> dict[str, Any] | None:
    client, portfolio = _one_portfolio(session)
    if portfolio is None:
        return None
    return {"accounts": client.list_portfolio_access(PortfolioId=portfolio)["AccountIds"]}
