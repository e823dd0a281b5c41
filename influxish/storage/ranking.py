"""Numbering of values and texts by their order, for a million series as for ten, with a look every few milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from influxish.batch import Positions
from influxish.functions.sorting import gather, pieces, sort_order, sorted_texts
from influxish.types import Array


def dense_ranks(values: Array) -> tuple[Positions, Positions]:
    """Where each distinct value of `values` (n,) comes first, in ascending order, and (n,) the rank of each value."""
    order = sort_order([values])
    ordered = gather(values, order)
    begins = np.ones(len(values), np.bool_)
    begins[1:] = ordered[1:] != ordered[:-1]
    ranks = np.empty(len(values), np.int64)
    numbers = np.cumsum(begins) - 1
    for piece in pieces(len(values)):
        ranks[order[piece]] = numbers[piece]
    return order[begins], ranks


def text_ranks(codes: Array, values: Sequence[str]) -> tuple[Positions, list[str]]:
    """The place of each row's text among the distinct texts in use, and these.

    Args:
        codes: (s,) integers, places in `values`.
        values: distinct texts, which need not all be in use.
    Returns:
        (s,) int64 ranks, and the texts sorted.
    """
    used = np.zeros(len(values), np.bool_)
    used[codes] = True
    places = np.flatnonzero(used)
    texts = [values[place] for place in places.tolist()]
    ordered, rank_of = sorted_texts(texts), dict[str, int]()
    for piece in pieces(len(ordered)):
        rank_of.update(zip(ordered[piece], range(piece.start, piece.stop), strict=True))
    ranks = np.zeros(len(values), np.int64)
    for piece in pieces(len(texts)):
        ranks[places[piece]] = list(map(rank_of.__getitem__, texts[piece]))
    return gather(ranks, codes.astype(np.int64)), ordered
