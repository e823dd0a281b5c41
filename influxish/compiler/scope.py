"""The columns that a query's source offers, by name: fields with their types, and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from influxish.compiler.names import column_label
from influxish.functions.expression import Reference
from influxish.regex import compile_regex
from influxish.types import TYPE_PREFERENCE, DataType, FieldRequest


@dataclass(slots=True)
class Scope:
    """What names mean under one FROM, and which columns have been asked for beyond the plain ones.

    Attributes:
        fields: name → type; where sources disagree, the first in `TYPE_PREFERENCE`.
        tags: tag keys, and tags that subqueries select.
        columns: the names that a wildcard lists as columns, tags that subqueries select among them.
        keys: the tag keys that sources can be grouped by, which a wildcard lists besides.
        casts: label → field to be read as another type than its own, collected while names are resolved.
        grouped: what the rows are grouped by; a condition may name it like a tag, though the source offers no such tag.
        conditions: the names that conditions took from there.
        untyped: columns that are there, and of which nothing else is known.
        faulty: names that cannot be asked for, because a subquery has a type error under them.
        whole_rows: all sources are subqueries: their rows are rows whatever is read of them, and a tag they select can
            be missing; one they group by is empty instead. A cast to what a value cannot be leaves it as it is.
        selected: tags that subqueries select.
        texts: tags that subqueries select or group by, which are texts to the calls around them.
        missing: names looked up like tags that are none; such a column holds no value anywhere.
    """

    fields: dict[str, DataType] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    casts: dict[str, FieldRequest] = field(default_factory=dict)
    grouped: frozenset[str] = frozenset()
    conditions: set[str] = field(default_factory=set)
    untyped: set[str] = field(default_factory=set)
    faulty: set[str] = field(default_factory=set)
    whole_rows: bool = False
    selected: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)

    def add_table(self, fields: Mapping[str, Iterable[DataType]], tags: Iterable[str]) -> None:
        """Take in the fields and tags of one more measurement."""
        self._add_fields(fields)
        self.columns.update(fields)
        self.keys.update(tags)
        self.tags.update(tags)

    def add_subquery(
        self, types: Mapping[str, DataType], dimensions: Iterable[str], faulty: Iterable[str], listed: Iterable[str]
    ) -> None:
        """Take in the columns of one more subquery.

        Args:
            types: of each column, as `result_types.py` says. A column of which nothing is known is a tag if the
                subquery is grouped by one of that name, though it holds no value.
            dimensions: the tag keys that the subquery itself is grouped by.
            faulty: columns with a type error.
            listed: the columns that a wildcard lists.
        """
        grouped = {name for name in dimensions if types.get(name, DataType.UNKNOWN) is DataType.UNKNOWN}
        known = {name: type for name, type in types.items() if type is not DataType.UNKNOWN}
        selected = {name for name, type in known.items() if type is DataType.TAG}
        self._add_fields({name: [type] for name, type in known.items() if type is not DataType.TAG})
        self.untyped.update(name for name in types if name not in known and name not in grouped)
        self.selected.update(selected)
        self.texts.update(selected, grouped)
        self.tags.update(selected, grouped)
        self.faulty.update(faulty)
        self.columns.update(listed)
        self.keys.update(dimensions)

    def _add_fields(self, fields: Mapping[str, Iterable[DataType]]) -> None:
        for name, types in fields.items():
            known = [self.fields[name]] if name in self.fields else []
            self.fields[name] = min([*types, *known], key=TYPE_PREFERENCE.index)

    def resolve(self, reference: Reference) -> tuple[str, DataType] | None:
        """Label and type of the column that a name means, None if there is none."""
        name, cast = reference.name, reference.cast
        if name in self.faulty and cast in (None, DataType.ANY_FIELD):
            return None
        own = self.fields.get(name)
        if self.whole_rows and not self.fits(reference):
            cast = None
        if cast is DataType.TAG or (cast is None and own is None):
            return (name, DataType.TAG) if name in self.tags else None
        if own is None:
            return None
        if cast in (None, DataType.ANY_FIELD, own):
            return self.field_label(name), own
        assert cast is not None
        return self.read_as(name, cast), cast

    def read_as(self, name: str, cast: DataType) -> str:
        """The label of a column read as another type than its own; sources where it cannot be that give nothing."""
        label = column_label(name, cast)
        self.casts[label] = FieldRequest(label, name, cast)
        return label

    def fits(self, reference: Reference) -> bool:
        """Whether the values that a name means can be of the type that it is cast to."""
        own, cast = self.fields.get(reference.name), reference.cast
        if cast is None or (cast is own):
            return True
        if own is None:
            return cast is DataType.TAG
        return cast is DataType.ANY_FIELD or (own.is_numeric and cast.is_numeric)

    def type_of(self, name: str) -> DataType:
        """The type of the column that a name means without a cast; UNKNOWN if there is none."""
        if name in self.faulty:
            return DataType.UNKNOWN
        return self.fields.get(name) or (DataType.TAG if name in self.tags else DataType.UNKNOWN)

    def resolve_in_condition(self, reference: Reference) -> tuple[str, DataType] | None:
        """The same for a name in WHERE, which may also be one that rows are grouped by."""
        found = self.resolve(reference)
        if found is not None and found[1] is DataType.TAG and self.whole_rows and found[0] in self.selected:
            return found[0], DataType.STRING  # nothing can be compared with a text that is missing
        if found is None and self.whole_rows and reference.name in self.untyped:
            return reference.name, DataType.UNKNOWN  # a column without values
        if found is not None or reference.name not in self.grouped or reference.cast not in (None, DataType.TAG):
            return found
        if reference.name in self.fields:
            return None
        self.conditions.add(reference.name)
        return reference.name, DataType.TAG

    def tag_label(self, reference: Reference) -> str:
        """Label of a column that holds no value because nothing has the name."""
        if reference.name in self.fields or reference.name in self.tags:
            label = column_label(reference.name, reference.cast or DataType.UNKNOWN)
        else:
            label = reference.name
        self.missing.add(label)
        return label

    def field_label(self, name: str) -> str:
        """The label of a field read as its own type: its name, unless a tag has the same."""
        return column_label(name, self.fields[name] if name in self.tags else None)

    def requests(self) -> tuple[FieldRequest, ...]:
        """Every field, sorted by name, and the casts that were asked for."""
        plain = [FieldRequest(self.field_label(name), name, type) for name, type in sorted(self.fields.items())]
        labels = {request.label for request in plain}
        return (*plain, *(self.casts[label] for label in sorted(self.casts) if label not in labels))

    def tag_requests(self) -> tuple[str, ...]:
        """Every tag key, and the names that stand for nothing, sorted."""
        return tuple(sorted(self.tags | self.missing | self.conditions))

    def dimensions(self, written: Iterable[str]) -> tuple[str, ...]:
        """The tag keys that GROUP BY means, sorted: `*` is all tags, `/…/` those that match."""
        names: set[str] = set()
        for item in written:
            if item == "*":
                names |= self.tags
            elif is_pattern(item):
                search = compile_regex(item[1:-1]).search
                names |= {name for name in self.tags if search(name)}
            else:
                names.add(item)
        return tuple(sorted(names))


def is_pattern(written: str) -> bool:
    """Whether a dimension as written stands for the tags there are: `*`, or `/…/`."""
    return written == "*" or (len(written) > 1 and written[0] == written[-1] == "/")
