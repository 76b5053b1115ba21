"""Scalar fields of introspection bypass graphql-core's completion, because there are thousands."""

from collections.abc import Callable
from typing import Any

from graphql import Undefined

LEAF_RESOLVERS = "kucun-leaf-resolvers"
"""The extension of a GraphQL type that holds its compiled scalar fields by name."""
FALLBACK = object()
"""Use graphql-core for this field: the resolver failed, or a non-null field was null."""
Leaf = Callable[[Any, Any], Any]


def compile_leaf(resolve: Leaf, type_: Any) -> Leaf:
    """A function that returns a scalar field's serialised value, or FALLBACK."""
    # Of the wrapping types a leaf can have only non-null, because a list is not a leaf.
    leaf: Any = getattr(type_, "of_type", type_)
    required, coerce = leaf is not type_, leaf.coerce_output_value

    def read(source: Any, info: Any) -> Any:
        try:
            value = resolve(source, info)
            if value is None:
                return FALLBACK if required else None
            output = coerce(value)
        except Exception:
            return FALLBACK
        return FALLBACK if output is None or output is Undefined else output

    return read
