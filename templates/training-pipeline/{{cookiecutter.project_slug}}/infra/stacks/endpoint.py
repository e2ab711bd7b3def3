"""One environment's endpoint, made from an approved model package."""

import aws_cdk as cdk
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.environments import Environment, RealTime, Serverless

# Guardrails ask for the same variant name before and after.
VARIANT = "AllTraffic"
# Replaced by a digest of what the model and the configuration are; see infra/synth.py. A name that
# says so changes whenever they do: CloudFormation makes the new one before it removes the old one,
# which it cannot do under the same name.
SHAPE = "__SHAPE__"
NAME = "${EndpointName}-v${ModelPackageVersion}-" + SHAPE
PARAMETERS = {
    "EndpointName": ("Name of the endpoint", r"^(?=.{1,45}$)[A-Za-z0-9](-*[A-Za-z0-9])*$"),
    "ModelPackageArn": (
        "The approved model package",
        r"^arn:[a-z-]+:sagemaker:[a-z0-9-]+:\d{12}:model-package/[A-Za-z0-9-]+/\d+$",
    ),
    "ModelPackageVersion": ("Its version in the model package group", r"^\d{1,6}$"),
    "ExecutionRoleArn": ("Role that the model runs as", r"^arn:[a-z-]+:iam::\d{12}:role/.+$"),
    "KmsKeyArn": (
        "Key for storage volumes and captured data",
        r"^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/.+$",
    ),
    "ArtifactsBucket": ("Bucket for captured data", r"^[a-z0-9.-]{3,63}$"),
}


class Endpoint(cdk.Stack):
    """A model, an endpoint configuration, an endpoint, and what watches and scales it."""

    def __init__(self, scope: Construct, id_: str, *, environment: Environment) -> None:
        super().__init__(
            scope,
            id_,
            description=f"Endpoint of the {environment.name} environment",
            synthesizer=cdk.LegacyStackSynthesizer(),
            analytics_reporting=False,
        )
        compute = environment.compute
        # The pipeline gives all of them to every environment, whatever it runs on.
        self.template_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W2001"]}}}
        cdk.Validations.of(self).acknowledge(
            cdk.Acknowledgment(
                id="CloudFormation-Validate::W2001",
                reason="The deployment pipeline gives every environment the same parameters.",
            )
        )
        self._given = {
            name: cdk.CfnParameter(
                self, name, type="String", description=description, allowed_pattern=pattern
            ).value_as_string
            for name, (description, pattern) in PARAMETERS.items()
        }
        model = sagemaker.CfnModel(
            self,
            "Model",
            model_name=cdk.Fn.sub(NAME),
            execution_role_arn=self._given["ExecutionRoleArn"],
            # The serving code is in the model package: the container needs no network.
            enable_network_isolation=True,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                model_package_name=self._given["ModelPackageArn"]
            ),
        )
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            endpoint_config_name=cdk.Fn.sub(NAME),
            production_variants=[self._variant(model, compute)],
            kms_key_id=self._given["KmsKeyArn"] if isinstance(compute, RealTime) else None,
            data_capture_config=self._capture(environment.capture_percent),
        )
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self._given["EndpointName"],
            endpoint_config_name=config.attr_endpoint_config_name,
        )
        if isinstance(compute, RealTime):
            alarms = self._alarms(compute)
            endpoint.deployment_config = _canary(compute, alarms)
            # Without it an update would fall back to the configuration's number of instances.
            endpoint.retain_all_variant_properties = True
            endpoint.exclude_retained_variant_properties = []
            self._scaling(endpoint, compute)
        cdk.CfnOutput(self, "Name", value=self._given["EndpointName"])
        cdk.CfnOutput(self, "ModelPackage", value=self._given["ModelPackageArn"])

    def _variant(
        self, model: sagemaker.CfnModel, compute: Serverless | RealTime
    ) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        if isinstance(compute, Serverless):
            return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                variant_name=VARIANT,
                model_name=model.attr_model_name,
                initial_variant_weight=1,
                serverless_config=sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
                    memory_size_in_mb=compute.memory_mb, max_concurrency=compute.concurrency
                ),
            )
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name=VARIANT,
            model_name=model.attr_model_name,
            initial_variant_weight=1,
            instance_type=compute.instance_type,
            initial_instance_count=compute.instances,
        )

    def _capture(
        self, percent: int
    ) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty | None:
        if not percent:
            return None
        return sagemaker.CfnEndpointConfig.DataCaptureConfigProperty(
            enable_capture=True,
            initial_sampling_percentage=percent,
            destination_s3_uri=cdk.Fn.sub("s3://${ArtifactsBucket}/capture"),
            kms_key_id=self._given["KmsKeyArn"],
            capture_options=[
                sagemaker.CfnEndpointConfig.CaptureOptionProperty(capture_mode=mode)
                for mode in ("Input", "Output")
            ],
            capture_content_type_header=(
                sagemaker.CfnEndpointConfig.CaptureContentTypeHeaderProperty(
                    json_content_types=["application/json"], csv_content_types=["text/csv"]
                )
            ),
        )

    def _alarms(self, compute: RealTime) -> list[cloudwatch.CfnAlarm]:
        dimensions = [
            cloudwatch.CfnAlarm.DimensionProperty(
                name="EndpointName", value=self._given["EndpointName"]
            ),
            cloudwatch.CfnAlarm.DimensionProperty(name="VariantName", value=VARIANT),
        ]
        # The metric is 1 for a call with a 5xx answer and 0 for any other.
        errors = cloudwatch.CfnAlarm(
            self,
            "Errors",
            alarm_name=cdk.Fn.sub("${EndpointName}-errors"),
            alarm_description="Share of calls that the model answers with an error",
            namespace="AWS/SageMaker",
            metric_name="Invocation5XXErrors",
            dimensions=dimensions,
            statistic="Average",
            threshold=compute.most_errors,
            comparison_operator="GreaterThanThreshold",
            period=60,
            evaluation_periods=2,
            datapoints_to_alarm=1,
            treat_missing_data="notBreaching",
        )
        latency = cloudwatch.CfnAlarm(
            self,
            "Latency",
            alarm_name=cdk.Fn.sub("${EndpointName}-latency"),
            alarm_description="99th percentile of the model's latency, in microseconds",
            namespace="AWS/SageMaker",
            metric_name="ModelLatency",
            dimensions=dimensions,
            extended_statistic="p99",
            threshold=compute.most_latency_ms * 1000,
            comparison_operator="GreaterThanThreshold",
            period=60,
            evaluation_periods=3,
            datapoints_to_alarm=2,
            treat_missing_data="notBreaching",
        )
        return [errors, latency]

    def _scaling(self, endpoint: sagemaker.CfnEndpoint, compute: RealTime) -> None:
        dimension = "sagemaker:variant:DesiredInstanceCount"
        target = autoscaling.CfnScalableTarget(
            self,
            "Instances",
            service_namespace="sagemaker",
            scalable_dimension=dimension,
            resource_id=cdk.Fn.sub("endpoint/${EndpointName}/variant/" + VARIANT),
            min_capacity=compute.instances,
            max_capacity=compute.most_instances,
        )
        target.add_resource_dependency(endpoint)
        autoscaling.CfnScalingPolicy(
            self,
            "FollowCalls",
            policy_name=cdk.Fn.sub("${EndpointName}-calls"),
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=(
                autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                    target_value=compute.calls_per_instance,
                    scale_in_cooldown=300,
                    scale_out_cooldown=60,
                    predefined_metric_specification=(
                        autoscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                            predefined_metric_type="SageMakerVariantInvocationsPerInstance"
                        )
                    ),
                )
            ),
        )


def _canary(
    compute: RealTime, alarms: list[cloudwatch.CfnAlarm]
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    return sagemaker.CfnEndpoint.DeploymentConfigProperty(
        auto_rollback_configuration=sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
            alarms=[sagemaker.CfnEndpoint.AlarmProperty(alarm_name=alarm.ref) for alarm in alarms]
        ),
        blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
            maximum_execution_timeout_in_seconds=3600,
            termination_wait_in_seconds=compute.bake_minutes * 60,
            traffic_routing_configuration=sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
                type="CANARY",
                wait_interval_in_seconds=compute.canary_minutes * 60,
                canary_size=sagemaker.CfnEndpoint.CapacitySizeProperty(
                    type="CAPACITY_PERCENT", value=compute.canary_percent
                ),
            ),
        ),
    )
