"""What a schema would load as it is, known at a glance: nearly every request that is meant well.

marshmallow takes 15 µs for a file of a batch, most of it on the way to each field and back. A
glance is made of the same fields, by what each says of itself. It judges nothing: where it is not
sure at once the schema loads the data, and tells what is wrong with it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, runtime_checkable

import marshmallow as ma

# What is told instead of a loaded value where a glance is not enough.
UNSURE: Final = object()
Glance = Callable[[Any], Any]


@runtime_checkable
class Plain(Protocol):
    """A field that can say at a glance which values it would load unchanged."""

    def is_plain(self, value: Any) -> bool:
        """Tell whether a value would be loaded unchanged; False where that takes more."""


def glance_of(schema: ma.Schema) -> Glance | None:
    """Give what loads data as the schema does, or UNSURE; None where a field is none of Plain."""
    plan = []
    for name, field in schema.load_fields.items():
        if (field.data_key or name) != name or (field.attribute or name) != name:
            return None
        glance = _of_field(field)
        if glance is None:
            return None
        default = field.load_default
        if callable(default):
            return None
        plan.append((name, glance, field.required, default))

    def load(data: Any) -> Any:
        if type(data) is not dict:
            return UNSURE
        loaded, known = {}, 0
        for name, glance, required, default in plan:
            value = data.get(name, UNSURE)
            if value is not UNSURE:
                value = glance(value)
                if value is UNSURE:
                    return UNSURE
                loaded[name] = value
                known += 1
            elif required:
                return UNSURE
            elif default is not ma.missing:
                loaded[name] = default
        return loaded if known == len(data) else UNSURE

    return load


def _of_field(field: ma.fields.Field[Any]) -> Glance | None:
    if isinstance(field, Plain):
        is_plain = field.is_plain
        return lambda value: value if is_plain(value) else UNSURE
    if isinstance(field, ma.fields.List) and isinstance(field.inner, ma.fields.Nested):
        return _of_list(field, field.inner.schema)
    return None


def _of_list(field: ma.fields.List[Any], schema: ma.Schema) -> Glance | None:
    glance = glance_of(schema)
    lengths = [one for one in field.validators if isinstance(one, ma.validate.Length)]
    if glance is None or len(lengths) != 1 or len(field.validators) != 1:
        return None
    low, high = lengths[0].min or 0, lengths[0].max

    def load(value: Any) -> Any:
        if type(value) is not list or high is None or not low <= len(value) <= high:
            return UNSURE
        loaded = []
        for one in value:
            found = glance(one)
            if found is UNSURE:
                return UNSURE
            loaded.append(found)
        return loaded

    return load


class GlancingSchema(ma.Schema):
    """Loads at a glance what can be; a subclass has no hooks and no validators of its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._glance = glance_of(self)

    def load(
        self,
        data: Mapping[str, Any] | Any,
        *,
        many: bool | None = None,
        partial: Any = None,
        unknown: Any = None,
    ) -> Any:
        """See marshmallow."""
        if self._glance is not None and not many and not partial and unknown in (None, ma.RAISE):
            loaded = self._glance(data)
            if loaded is not UNSURE:
                return loaded
        return super().load(data, many=many, partial=partial, unknown=unknown)
