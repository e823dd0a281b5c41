"""What FROM and ON of the statements about the schema mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from influxish.influxql import ast
from influxish.regex import compile_regex
from influxish.statements.registry import StatementContext


@dataclass(frozen=True, slots=True)
class Place:
    """A retention policy, and which measurements of it are meant: all if `source` is None."""

    database: str
    policy: str
    source: ast.Measurement | None

    def chosen(self, names: Iterable[str]) -> list[str]:
        """Those of the names that are meant."""
        return [name for name in names if self.source is None or is_meant(self.source, name)]


def with_matches(context: StatementContext, places: Sequence[Place]) -> list[Place]:
    """Without those whose pattern matches no measurement."""

    def has_match(place: Place) -> bool:
        is_pattern = place.source is not None and place.source.regex is not None
        return not is_pattern or bool(place.chosen(context.engine.measurements(place.database)))

    return [place for place in places if has_match(place)]


def chosen_by_any(places: Sequence[Place], names: Iterable[str]) -> list[str]:
    """Those of the names that one of the places means, be it for itself or for another one.

    Where the server makes a SELECT of a statement, it asks every policy that FROM names for all that FROM names.
    """
    return [name for name in names if any(each.source is None or is_meant(each.source, name) for each in places)]


def places(context: StatementContext, database: str, sources: Sequence[ast.Source]) -> list[Place]:
    """Where the sources lie: in databases and policies of their own, or else in `database` and its default policy.

    Args:
        database: what ON names; "" without it.

    Raises:
        NotFound: no database is named, or there is no such database or policy.
    """
    found = [Place(context.meant(database), "", None)] if not sources else []
    for source in sources:
        assert isinstance(source, ast.Measurement)
        found.append(Place(context.meant(source.database or database), source.retention_policy, source))
    for place in found:
        context.engine.policy(place.database, place.policy)  # raises what is raised where there is none
    return found


def measurements(context: StatementContext, database: str, sources: Sequence[ast.Source]) -> Iterator[str]:
    """The measurements of one database that have the name of a source, whatever database or policy that names."""
    for name in context.engine.measurements(database):
        if not sources or any(is_meant(source, name) for source in sources):
            context.look()
            yield name


def is_meant(source: ast.Source, name: str) -> bool:
    """Whether a source is, or matches, the measurement called `name`."""
    assert isinstance(source, ast.Measurement)
    return compile_regex(source.regex.pattern).search(name) is not None if source.regex else source.name == name
