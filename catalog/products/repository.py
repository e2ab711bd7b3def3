"""The project's Git repository: a CodeCommit one of its own, or an existing one elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_codecommit as codecommit
from constructs import Construct

from catalog.bundles.model import Parameter
from catalog.products import names
from catalog.products.context import ParameterForm
from catalog.products.retention import keep
from catalog.products.roles import Statement

GROUP = "Repository"
BRANCH = "main"
USES_CODECOMMIT = "UsesCodeCommit"
USES_CONNECTION = "UsesConnection"

_CONNECTION = (
    r"^$|^arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}"
    r":connection/[0-9a-f-]{36}$"
)
_REPOSITORY_ID = r"^$|^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$"


@dataclass(frozen=True, kw_only=True)
class RepositoryValues:
    """What other constructs need to know about the repository.

    Attributes:
        provider: `CodeCommit`, `GitHub` or `GitLab`.
        name: CodeCommit repository name, or `owner/name` behind the connection.
        repository_id: `owner/name` behind the connection, empty for CodeCommit.
        connection_arn: the CodeConnections connection, empty for CodeCommit.
    """

    provider: str
    name: str
    repository_id: str
    connection_arn: str


class Repository(Construct):
    """A CodeCommit repository, or an existing repository through a CodeConnections connection."""

    def __init__(self, scope: Construct, id_: str, *, form: ParameterForm) -> None:
        super().__init__(scope, id_)
        provider = form.add(
            self,
            Parameter(
                name="RepositoryProvider",
                question=None,
                default="CodeCommit",
                allowed_values=("CodeCommit", "GitHub", "GitLab"),
                description="CodeCommit makes a new repository. GitHub and GitLab take an"
                " existing empty repository and need the two fields below.",
                group=GROUP,
            ),
        )
        connection = form.add(
            self,
            Parameter(
                name="ConnectionArn",
                question=None,
                default="",
                allowed_pattern=_CONNECTION,
                description="ARN of the CodeConnections connection to GitHub or GitLab; leave"
                " empty for CodeCommit.",
                group=GROUP,
            ),
        )
        repository_id = form.add(
            self,
            Parameter(
                name="RepositoryId",
                question=None,
                default="",
                allowed_pattern=_REPOSITORY_ID,
                description="Existing empty repository as owner/name, for GitHub or GitLab; leave"
                " empty for CodeCommit.",
                group=GROUP,
            ),
            max_length=256,
        )
        self._rules(provider=provider, connection=connection, repository_id=repository_id)
        uses_codecommit = cdk.CfnCondition(
            self,
            "CodeCommit",
            expression=cdk.Fn.condition_equals(cdk.Fn.ref(provider), "CodeCommit"),
        )
        uses_codecommit.override_logical_id(USES_CODECOMMIT)
        uses_connection = cdk.CfnCondition(
            self,
            "Connection",
            expression=cdk.Fn.condition_not(uses_codecommit),
        )
        uses_connection.override_logical_id(USES_CONNECTION)

        self.codecommit = codecommit.CfnRepository(
            self,
            "Repository",
            repository_name=cdk.Fn.sub(names.REPOSITORY),
            repository_description=cdk.Fn.sub(
                "SageMaker project ${SageMakerProjectName} (${SageMakerProjectId})"
            ),
        )
        self.codecommit.override_logical_id("Repository")
        self.codecommit.cfn_options.condition = uses_codecommit
        keep(self.codecommit)

        self.values = RepositoryValues(
            provider=cdk.Fn.ref(provider),
            name=self.either(self.codecommit.attr_name, cdk.Fn.ref(repository_id)),
            repository_id=cdk.Fn.ref(repository_id),
            connection_arn=cdk.Fn.ref(connection),
        )
        self.arn = self.codecommit.attr_arn

    @staticmethod
    def either(codecommit: str, connection: str) -> str:
        """Return the value that fits the provider chosen at launch."""
        return str(cdk.Fn.condition_if(USES_CODECOMMIT, codecommit, connection).to_string())

    def allow(self, *, codecommit_actions: list[str]) -> list[Statement]:
        """Return statements that let a role use the repository.

        Args:
            codecommit_actions: actions on the CodeCommit repository.
        """
        return [
            Statement(
                sid="UseRepository",
                actions=codecommit_actions,
                resources=[self.arn],
                only_if=USES_CODECOMMIT,
            ),
            Statement(
                sid="UseConnection",
                # Connections made before 2024 keep their codestar-connections ARNs and actions.
                actions=["codeconnections:UseConnection", "codestar-connections:UseConnection"],
                resources=[self.values.connection_arn],
                condition={
                    # Each service sends its own key only; a key that is not sent does not match
                    # any value, which ForAllValues accepts.
                    "ForAllValues:StringEquals": {
                        "codeconnections:FullRepositoryId": self.values.repository_id,
                        "codestar-connections:FullRepositoryId": self.values.repository_id,
                    }
                },
                only_if=USES_CONNECTION,
            ),
        ]

    def _rules(self, *, provider: str, connection: str, repository_id: str) -> None:
        elsewhere = cdk.Fn.condition_not(
            cdk.Fn.condition_equals(cdk.Fn.ref(provider), "CodeCommit")
        )
        rule = cdk.CfnRule(
            self,
            "ConnectionNeeded",
            rule_condition=elsewhere,
            assertions=[
                cdk.CfnRuleAssertion(
                    assert_=cdk.Fn.condition_not(
                        cdk.Fn.condition_equals(cdk.Fn.ref(connection), "")
                    ),
                    assert_description="GitHub and GitLab need ConnectionArn, the CodeConnections"
                    " connection that your platform team has set up.",
                ),
                cdk.CfnRuleAssertion(
                    assert_=cdk.Fn.condition_not(
                        cdk.Fn.condition_equals(cdk.Fn.ref(repository_id), "")
                    ),
                    assert_description="GitHub and GitLab need RepositoryId, an existing empty"
                    " repository as owner/name.",
                ),
            ],
        )
        rule.override_logical_id("ConnectionNeeded")
