"""Files that a browser downloads instead of showing."""

import itertools
from collections.abc import Iterator

from starlette.responses import StreamingResponse


def download(content: Iterator[bytes], media_type: str, filename: str) -> StreamingResponse:
    """Streams a file.

    The first parts are made before the response starts, so that an early error is answered as one.
    """
    first = list(itertools.islice(content, 2))
    headers = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return StreamingResponse(
        itertools.chain(first, content), media_type=media_type, headers=headers
    )
