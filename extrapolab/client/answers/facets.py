"""The fields that filters can name, and counts of what they match."""

from collections.abc import Iterable
from urllib.parse import quote

from extrapolab.client.connection.transport import Parameters, Transport
from extrapolab.client.requests.payloads import join_names
from extrapolab.models.experiments import QueryField
from extrapolab.models.facets import Completion, Facet, ValueCount, Varying
from extrapolab.suggestions import Suggesting


class LabFacets(Suggesting):
    """The part of :class:`extrapolab.Lab` that counts instead of listing."""

    _transport: Transport

    def fields(self) -> list[QueryField]:
        """The fields of the filter language."""
        return [QueryField.read(item) for item in self._transport.items("/v1/fields")]

    def count(self, q: str | None = None) -> int:
        """The number of experiments that match a filter; of all without one.

        Raises:
            Refused: The filter is not valid.

        Example:
            >>> lab.count("tag:figure-1 and state = completed")
            1
        """
        parameters: Parameters = {"q": q, "include": "count", "limit": 1, "fields": "id"}
        return int(self._transport.get("/v1/experiments", parameters)["count"])

    def facets(
        self,
        q: str | None = None,
        *,
        by: Iterable[str] = ("state", "owner", "tag"),
        limit: int = 20,
    ) -> list[Facet]:
        """Counts the values of fields among the experiments that match a filter.

        Args:
            q: The filter; all by default.
            by: The fields.
            limit: Most values of each field.

        Raises:
            Refused: The filter is not valid, or a field's values can't be counted.

        Example:
            >>> facet, = lab.facets("tag:figure-1", by=["training.length"])
            >>> [(counted.value, counted.count) for counted in facet.values]
            [(6, 1)]
        """
        answer = self._transport.get("/v1/facets", {"q": q, "by": join_names(by), "limit": limit})
        return [Facet.read(item) for item in answer["items"]]

    def field_values(
        self, name: str, q: str | None = None, *, prefix: str = "", limit: int = 50
    ) -> list[ValueCount]:
        """The values of a field among the experiments that match a filter, most frequent first.

        Args:
            name: The field.
            q: The filter; all by default.
            prefix: Only text that starts with this, ignoring case.
            limit: Most values to return.

        Raises:
            NotFound: There is no such field.
            Refused: The filter is not valid, or the field's values can't be counted.

        Example:
            >>> [counted.value for counted in lab.field_values("tag", prefix="figure-1")]
            ['figure-1']
        """
        path = f"/v1/fields/{quote(name, safe='')}/values"
        answer = self._transport.get(path, {"q": q, "prefix": prefix, "limit": limit})
        return [ValueCount.read(item) for item in answer["items"]]

    def varying(self, q: str | None = None) -> Varying:
        """The parts of the spec that differ among the experiments that match a filter.

        Of many matches it compares a sample, evenly from the newest to the oldest.

        Raises:
            Refused: The filter is not valid.

        Example:
            >>> differing = lab.varying("tag:figure-1")
            >>> differing.of, differing.items
            (1, ())
        """
        return Varying.read(self._transport.get("/v1/varying", {"q": q}))

    def complete(self, q: str, cursor: int | None = None, *, limit: int = 50) -> Completion:
        """Completes a half-typed filter at a place, and finds its first mistake.

        Args:
            q: The filter, as far as it is typed.
            cursor: The offset of the place; the end by default.
            limit: Most suggestions to return.

        Example:
            >>> completion = lab.complete("tag:figure-1")
            >>> [(item.text, completion.start, completion.end) for item in completion.items]
            [('figure-1', 4, 12)]
        """
        parameters: Parameters = {"q": q, "cursor": cursor, "limit": limit}
        return Completion.read(self._transport.get("/v1/fields:complete", parameters))
