"""Manual approval."""

from __future__ import annotations

from catalog.localaws.codepipeline.actions.base import ActionContext, ActionFailureError, Outcome

# An approval waits for seven days unless the action's timeoutInMinutes says otherwise.
_MINUTES = 7 * 24 * 60


def manual(context: ActionContext) -> Outcome:
    """Wait for PutApprovalResult."""
    topic = context.configuration.get("NotificationArn")
    if topic:
        context.ask(
            context.client("sns").publish,
            TopicArn=topic,
            Subject=f"APPROVAL NEEDED: {context.execution.pipeline}",
            Message=context.configuration.get("CustomData", "Approval needed"),
        )
    token, approval = context.approvals.ask()
    context.record.token = token
    minutes = context.record.declaration.get("timeoutInMinutes", _MINUTES)
    try:
        decided = context.wait(approval.decided, minutes=minutes)
    finally:
        context.record.token = ""
        context.approvals.forget(token)
    if not decided:
        raise ActionFailureError("JobFailed", "The approval has timed out")
    context.record.updated_by = approval.by
    if approval.status == "Rejected":
        raise ActionFailureError("JobFailed", f"Rejected by {approval.by}: {approval.summary}")
    return Outcome(summary=approval.summary)
