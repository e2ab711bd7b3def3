"""AWS::Glue::Database and AWS::Glue::Table."""

from __future__ import annotations

from typing import Any

from catalog.localaws.cloudformation.resources.api import to_request
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
)


class Database(ResourceHandler):
    """A database of the data catalog."""

    type = "AWS::Glue::Database"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the database."""
        client = ctx.client("glue")
        given = dict(properties["DatabaseInput"])
        name = given.setdefault("Name", ctx.name(255, lower=True))
        client.create_database(**self._request(client, "CreateDatabase", ctx, properties, given))
        ctx.report(name)
        return Created(physical_id=name)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change the database."""
        del old
        client = ctx.client("glue")
        given = {**new["DatabaseInput"], "Name": ctx.physical_id}
        request = self._request(client, "UpdateDatabase", ctx, new, given)
        client.update_database(Name=ctx.physical_id, **request)
        return Created(physical_id=ctx.physical_id)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the database."""
        del properties
        ctx.client("glue").delete_database(Name=ctx.physical_id)

    def _request(
        self, client: Any, operation: str, ctx: Context, properties: Properties, given: Properties
    ) -> dict[str, Any]:
        _check_catalog(ctx, properties)
        return to_request(client, operation, {"DatabaseInput": given})


class Table(ResourceHandler):
    """A table of the data catalog."""

    type = "AWS::Glue::Table"
    handled = frozenset({"CatalogId", "DatabaseName", "TableInput"})

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the table."""
        _check_catalog(ctx, properties)
        client = ctx.client("glue")
        given = dict(properties["TableInput"])
        name = given.setdefault("Name", ctx.name(255, lower=True))
        request = to_request(client, "CreateTable", {"TableInput": given})
        client.create_table(DatabaseName=properties["DatabaseName"], **request)
        ctx.report(name)
        return Created(physical_id=name)

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change the table."""
        del old
        client = ctx.client("glue")
        given = {**new["TableInput"], "Name": ctx.physical_id}
        request = to_request(client, "UpdateTable", {"TableInput": given})
        client.update_table(DatabaseName=new["DatabaseName"], **request)
        return Created(physical_id=ctx.physical_id)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the table."""
        ctx.client("glue").delete_table(
            DatabaseName=properties["DatabaseName"], Name=ctx.physical_id
        )


def _check_catalog(ctx: Context, properties: Properties) -> None:
    if properties["CatalogId"] != ctx.account:
        raise HandlerError("Only the account's own Glue data catalog is emulated.")


HANDLERS = (Database(), Table())
