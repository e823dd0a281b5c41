"""influxish asked as a server is asked: a text in, the document of an HTTP answer out."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from influxish import influxql
from influxish.database import Database
from influxish.emit.json import write_json
from influxish.errors import ParseError


def ask(
    db: Database,
    text: str,
    database: str = "",
    epoch: str = "",
    disable: Collection[str] = (),
    params: Mapping[str, object] | None = None,
) -> Any:
    """The answer as plain data, errors where the server puts them; what is no JSON comes as {"text": …}."""
    try:
        influxql.parse(text, params)
    except ParseError as error:
        return {"error": f"error parsing query: {error.message}"}
    answer = b"".join(write_json(db.run(text, database=database, disable=disable, params=params), epoch=epoch))
    with suppress(ValueError):
        return json.loads(answer)
    return {"text": answer.decode()}
