"""Files to import, as bytes: plain, gzip or standard input, in blocks cut between lines, never whole in memory."""

from __future__ import annotations

import io
import os
import re
import select
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from influxish.errors import InfluxishError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_BYTES = 4 << 20
"""Bytes read at once."""

LONGEST_LINE = 8 << 20
"""Bytes beyond which a line without an end is refused."""

_PIPE_SECONDS = 0.2
_GZIP_MAGIC = b"\x1f\x8b"


class BrokenInput(InfluxishError):
    """A file that cannot be read to its end; what came before the break was handed on."""

    code = "bad-input"


class Source:
    """One input. Iterating yields its bytes, decompressed; `position` says how many stored bytes were read.

    Args:
        name: a path, or "-" for standard input.
    Raises:
        BrokenInput: the file cannot be opened; or, while it is iterated, the disk fails or its gzip data is damaged.
    """

    def __init__(self, name: str) -> None:
        self.name = "standard input" if name == "-" else name
        self.position = 0
        try:
            self._file: BinaryIO = sys.stdin.buffer if name == "-" else Path(name).open("rb")  # noqa: SIM115 - see close()
        except OSError as error:
            raise BrokenInput(f"cannot open {name}: {error.strerror}") from error
        # Windows can wait for sockets only.
        self._is_pipe = os.name == "posix" and stat.S_ISFIFO(os.fstat(self._file.fileno()).st_mode)

    def close(self) -> None:
        """Close the file, but not standard input."""
        if self._file is not sys.stdin.buffer:
            self._file.close()

    @property
    def size(self) -> int:
        """Bytes in the file, 0 when there is no telling."""
        return os.fstat(self._file.fileno()).st_size

    def __iter__(self) -> Iterator[bytes]:
        first = self._read()
        if first.startswith(_GZIP_MAGIC):
            yield from self._decompressed(first)
            return
        while first:
            yield first
            first = self._read()

    def _read(self) -> bytes:
        try:
            data = self._read_pipe() if self._is_pipe else self._file.read(BLOCK_BYTES)
        except OSError as error:
            raise BrokenInput(f"{self.name}: cannot be read beyond byte {self.position:,}: {error.strerror}") from error
        self.position += len(data)
        return data

    def _read_pipe(self) -> bytes:
        """A block, or less when nothing more comes for a moment, so that a slow stream is loaded as it flows.

        Waiting in short turns also lets Ctrl-C through: a signal between two reads does not end the second one.
        """
        data = bytearray()
        while len(data) < BLOCK_BYTES:
            if select.select([self._file], [], [], _PIPE_SECONDS)[0]:
                part = os.read(self._file.fileno(), BLOCK_BYTES - len(data))
                if not part:
                    break
                data += part
            elif data:
                break
        return bytes(data)

    def _decompressed(self, data: bytes) -> Iterator[bytes]:
        """Several members may follow one another, as after `cat a.gz b.gz`."""
        inflater = zlib.decompressobj(wbits=31)
        while data:
            try:
                yield inflater.decompress(data, BLOCK_BYTES)
            except zlib.error as error:
                raise BrokenInput(
                    f"{self.name}: the gzip data is damaged before byte {self.position:,} ({error})"
                ) from error
            data = inflater.unconsumed_tail
            if inflater.eof:
                data = inflater.unused_data.lstrip(b"\0") or self._read()
                inflater = zlib.decompressobj(wbits=31)
                if not data:
                    return
            data = data or self._read()
        raise BrokenInput(f"{self.name}: the gzip data is cut off after byte {self.position:,}: the file is not whole")


def is_same_file(name: str, path: Path) -> bool:
    """Whether the input `name` ("-" is standard input) and `path` are one file, by whatever names. One that is missing
    is no other's, and a device may be read and written at once."""
    try:
        read = os.fstat(sys.stdin.fileno()) if name == "-" else os.stat(name)
        written = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(read.st_mode) and os.path.samestat(read, written)


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Some whole lines.

    Attributes:
        first_line: number of the first one, from 1.
        data: the lines, each ended by a line feed but perhaps the last of the file.
        too_long: the beginning of one line that was refused for its length; then `data` is empty.
    """

    first_line: int
    data: bytes
    too_long: bytes = b""


def line_blocks(source: Iterable[bytes]) -> Iterator[LineBlock]:
    """The lines of line protocol in blocks of some megabytes. A line feed inside a string does not end a line.

    Raises:
        BrokenInput: as the source; the beginning of a line that it breaks off in is not handed on, since a number cut
            short would still be a number.
    """
    held, line, skipping = b"", 1, False
    for data in source:
        if skipping:
            end = data.find(b"\n") + 1
            if not end:
                continue
            data, line, skipping = data[end:], line + 1, False
        held += data
        end = last_line_end(held)
        if not end and len(held) > LONGEST_LINE:
            end = held.find(b"\n") + 1
            if not end:
                yield LineBlock(line, b"", too_long=held[:1000])
                held, skipping = b"", True
                continue
        if end:
            yield LineBlock(line, held[:end])
            line += held.count(b"\n", 0, end)
            held = held[end:]
    if held:
        yield LineBlock(line, held)


def last_line_end(data: bytes) -> int:
    """Offset after the last line feed that ends a line of line protocol; 0 without any. `data` begins a line."""
    start = 0
    while (quote := data.find(b'"', start)) >= 0:
        # Lines without a quote need no look.
        start = max(start, data.rfind(b"\n", start, quote) + 1)
        end = line_end(data, start)
        if end < 0:
            return start
        start = end + 1
    return max(start, data.rfind(b"\n") + 1)


_KEY = re.compile(rb"(?:[^\\ \n]|\\[^\n])*(?: |(?=\n))")
_STRING = re.compile(rb'="[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def line_end(data: bytes, start: int) -> int:
    """Offset of the line feed that ends the line beginning at `start`, -1 when it is not there.

    Quotes mean something only where a field's value begins: after `=`, behind the blank that ends the series key.
    """
    end = data.find(b"\n", start)
    if end < 0 or data.find(b'"', start, end) < 0:
        return end
    key = _KEY.match(data, start)
    position = key.end() if key else start
    while True:
        end = data.find(b"\n", position)
        opening = data.find(b'="', position, end if end >= 0 else len(data))
        if opening < 0:
            return end
        string = _STRING.match(data, opening)
        if string is None:
            return -1
        position = string.end()


def numbered_lines(block: LineBlock) -> dict[int, bytes]:
    """Line number → line, without its line feed. A string with line feeds makes one line of several numbers."""
    lines, start, number = {}, 0, block.first_line
    data = block.data if block.data.endswith(b"\n") else block.data + b"\n"
    while start < len(block.data):
        end = line_end(data, start)
        # A quote that never closes costs its own line only.
        end = data.find(b"\n", start) if end < 0 else end
        lines[number] = data[start:end]
        number += data.count(b"\n", start, end) + 1
        start = end + 1
    return lines


class ByteStream(io.RawIOBase):
    """A source as a file object, for readers that want one."""

    def __init__(self, source: Source) -> None:
        self._pieces, self._held = iter(source), memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._held = memoryview(piece)
        size = min(len(target), len(self._held))
        target[:size] = self._held[:size]
        self._held = self._held[size:]
        return size
