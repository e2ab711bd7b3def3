"""Questions to CloudFormation parameters: Studio asks what Copier asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog.bundles.model import Parameter
from catalog.bundles.questions import Question, parameter_name
from catalog.errors import InvalidInput, Location, Problem

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MAX_PARAMETERS = 200
MAX_DESCRIPTION = 4000
MAX_VALUE = 4096

PROJECT_NAME = "SageMakerProjectName"
PROJECT_ID = "SageMakerProjectId"
ANSWERED_BY_PROJECT_NAME = ("project_name", "project_slug")
"""Questions that SageMaker's own project name answers, so that Studio does not ask them."""

RESERVED = (
    PROJECT_NAME,
    PROJECT_ID,
    "RepositoryProvider",
    "ConnectionArn",
    "RepositoryId",
    "PermissionsBoundaryArn",
    "StagingAccountId",
    "ProdAccountId",
)
"""Parameters that SageMaker and the product constructs add."""

GROUP_SAGEMAKER = "SageMaker project"


def sagemaker_parameters() -> tuple[Parameter, Parameter]:
    """Return the two parameters that SageMaker passes to every project template.

    The name's pattern is SageMaker's own (`CreateProject` ProjectName: 1 to 32 characters). Ids
    are what SageMaker makes, `p-` and twelve lower-case letters or digits; up to 20 are accepted,
    lower-case, because bucket names are made from them.
    """
    return (
        Parameter(
            name=PROJECT_NAME,
            question=None,
            default=None,
            allowed_pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}$",
            description="Name of the project, given by SageMaker.",
            group=GROUP_SAGEMAKER,
        ),
        Parameter(
            name=PROJECT_ID,
            question=None,
            default=None,
            allowed_pattern=r"^[a-z0-9](-*[a-z0-9]){0,19}$",
            description="Id of the project, given by SageMaker.",
            group=GROUP_SAGEMAKER,
        ),
    )


MAX_LENGTHS = {PROJECT_NAME: 32, PROJECT_ID: 20}
"""Longest values in characters; the patterns alone would let hyphens run on."""


def question_parameters(*, questions: Sequence[Question], file: str) -> tuple[Parameter, ...]:
    """Return one parameter per question that Studio has to ask, in order.

    Args:
        questions: the template's questions.
        file: path of `questions.yml`, for messages.

    Raises:
        InvalidInput: with everything that CloudFormation would refuse.
    """
    asked = [q for q in questions if not q.computed and q.name not in ANSWERED_BY_PROJECT_NAME]
    problems = list(_problems(asked, file))
    if problems:
        raise InvalidInput(problems)
    return tuple(_parameter(question) for question in asked)


def _parameter(question: Question) -> Parameter:
    default: str = str(question.default)
    allowed: tuple[str, ...] = question.choices
    pattern = question.pattern
    if question.type == "bool":
        default, allowed = default.lower(), ("true", "false")
    elif question.default_is_computed:
        # Empty means "work it out": the seeding build leaves the answer out, so Copier does.
        default = ""
        allowed = ("", *allowed) if allowed else ()
        pattern = f"^$|{pattern}" if pattern else None
    return Parameter(
        name=parameter_name(question.name),
        question=question.name,
        default=default,
        allowed_values=allowed,
        allowed_pattern=pattern,
        description=question.help,
        group=question.group,
    )


def _problems(questions: Sequence[Question], file: str) -> Iterator[Problem]:
    def at(question: Question, message: str) -> Problem:
        where = Location(file=file, line=question.line or None, key=question.name)
        return Problem(message=message, where=where)

    room = MAX_PARAMETERS - len(RESERVED)
    if len(questions) > room:
        yield Problem(
            message=f"{len(questions)} questions; CloudFormation takes {room} beside the"
            f" {len(RESERVED)} parameters that every product has",
            where=Location(file=file),
        )
    for question in questions:
        if parameter_name(question.name) in RESERVED:
            yield at(question, f"{parameter_name(question.name)} is a parameter of every product")
        if len(question.help) > MAX_DESCRIPTION:
            yield at(question, f"help is longer than {MAX_DESCRIPTION} characters")
        for value in (str(question.default), *question.choices):
            if len(value.encode()) > MAX_VALUE:
                yield at(question, f"a default or choice is longer than {MAX_VALUE} bytes")
        if len(parameter_name(question.name)) > 255:
            yield at(question, "the name is longer than 255 characters")
