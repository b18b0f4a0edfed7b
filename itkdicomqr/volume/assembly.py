"""Instances in any form and order become voxels as they come."""

from __future__ import annotations

import os
from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

import numpy as np
from pydicom.uid import MediaStorageDirectoryStorage

from itkdicomqr.errors import (
    ConflictingInstancesError,
    CorruptInstanceError,
    LimitExceededError,
    NoPixelsError,
    VolumeError,
)
from itkdicomqr.instance import SOP_INSTANCE_UID, Instance
from itkdicomqr.outlines import Outlines
from itkdicomqr.prose import counted, listed
from itkdicomqr.scan import Header
from itkdicomqr.sources import Source, as_instance
from itkdicomqr.volume.decoding.codecs import is_native
from itkdicomqr.volume.headers import SliceHeader, checked_orientation, detached, frame_size
from itkdicomqr.volume.intake import has_pixels
from itkdicomqr.volume.kinds.arrangements import slices_of
from itkdicomqr.volume.options import Options
from itkdicomqr.volume.outcomes import Refused
from itkdicomqr.volume.refusals import refuse_unsupported
from itkdicomqr.volume.vectors import dot, normal
from itkdicomqr.volume.voxels.pixels import components, fill_slice, voxel_dtype
from itkdicomqr.volume.voxels.slots import Allocate, Slots

WORKERS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""The cores that this process may use."""
MOST_NAMED = 5
"""How many of the elements that differ an error names."""

DECODING_AHEAD = 2 * WORKERS
"""Compressed frames that may wait for a decoder: more would only hold memory."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A frame whose voxels lie in a slot.

    Attributes
    ----------
    header : SliceHeader
        Without pixel data.
    slots : Slots
        Among which slots.
    slot : int
        Which of them.
    excess : Future of int
        How many bytes the pixel data has beyond the frame; done when the voxels are there.
    """

    header: SliceHeader
    slots: Slots
    slot: int
    excess: Future[int]


Taken = tuple[str, Header, list[Placed]]
"""Of an instance the transfer syntax, the header and the frames; none where it is no image, or of a refused kind."""

FrameSize = tuple[int, int]
"""Columns and rows."""


class Assembly:
    """Takes instances one by one, and keeps of each its header and its voxels.

    Compressed frames are decoded in threads while the next instance comes.

    Parameters
    ----------
    options : Options
        What the caller chose.
    expected : int
        How many instances will come, if that is known.
    allocate : callable
        Makes the arrays for voxels.
    consuming : bool
        Whether the memory of large instances may be given back while they are read.

    Attributes
    ----------
    skipped, duplicates : list of str
        SOP Instance UIDs without pixels, and those that came more than once.
    origins : Counter
        How many instances came from where.
    """

    def __init__(
        self, options: Options, expected: int = 0, allocate: Allocate = np.empty, *, consuming: bool = False
    ) -> None:
        self._options = options
        self._expected = max(1, expected)
        self._outlines = Outlines()
        self._allocate = allocate
        self._consuming = consuming
        self._slots: dict[tuple[int, ...], Slots] = {}
        self._taken: dict[str, Taken] = {}
        self._refused: dict[str, tuple[FrameSize, VolumeError]] = {}
        self._first: SliceHeader | None = None
        self._descending: bool | None = None
        self._decoders: ThreadPoolExecutor | None = None
        self._decoding: deque[Future[int]] = deque()
        self.skipped: list[str] = []
        self.duplicates: list[str] = []
        self.origins: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._decoders is not None:
            self._decoders.shutdown(cancel_futures=True)

    def add(self, source: Source) -> None:
        """Take one instance.

        Raises
        ------
        InputError
            It is nothing that holds an instance.
        CorruptInstanceError
            It is damaged.
        ConflictingInstancesError
            One of its SOP Instance UID came before and differs.
        LimitExceededError
            The voxels would need more than ``max_series_bytes``.
        """
        instance = as_instance(source)
        instance.scan(self._outlines)
        uid = instance.sop_instance_uid
        self.origins[instance.origin] += 1
        if uid in self._taken:
            self._check_same(instance)
            self.duplicates.append(uid)
        elif has_pixels(instance):
            self._taken[uid] = self._taken_in(instance)
        else:
            _check_named(instance)
            self._taken[uid] = _without_frames(instance)
            self.skipped.append(uid)

    def finish(self) -> list[Placed]:
        """Wait for the decoders, and give all frames; none where every image is `refused`.

        Raises
        ------
        NoPixelsError
            No instance has pixels.
        CorruptInstanceError
            A compressed frame is damaged.
        """
        self._await_decoders(0)
        frames = [frame for uid in sorted(self._taken) for frame in self._taken[uid][2]]
        if not frames and not self._refused:
            none = f"no pixels in {counted(len(self._taken), 'instance')}" if self._taken else "no instances were given"
            message = f"{none}: there is no image to make"
            raise NoPixelsError(message)
        return frames

    @property
    def refused(self) -> list[Refused]:
        """The images of kinds that are refused, as one outcome; none where there are no such."""
        if not self._refused:
            return []
        uids = sorted(self._refused)
        size, error = self._refused[uids[0]]
        return [Refused({"SOPInstanceUID": tuple(uids)}, (*size, len(uids)), error)]

    def _taken_in(self, instance: Instance) -> Taken:
        """Take the frames of an image, or keep why it is refused: others of its series may be right."""
        try:
            headers = slices_of(instance, self._options)
            for header in headers:
                refuse_unsupported(header)
            dtypes = [voxel_dtype(header, self._options) for header in headers]
        except VolumeError as error:
            self._refused[instance.sop_instance_uid] = (frame_size(instance), error.with_traceback(None))
            return _without_frames(instance)
        kept = detached(headers)
        placed = [self._placed(*each) for each in zip(headers, kept, dtypes, strict=True)]
        return instance.transfer_syntax_uid, kept[0].instance.elements, placed

    def _placed(self, header: SliceHeader, slim: SliceHeader, dtype: np.dtype[Any]) -> Placed:
        self._check_size(header, dtype)
        slots = self._slots_for(header, dtype)
        slot = slots.take(self._likely_slot(header))
        fill = partial(fill_slice, header, slots.array[slot], self._options)
        compressed = not is_native(header.instance.transfer_syntax_uid)
        filled = self._filled(fill, compressed=compressed)
        if self._consuming and not compressed and _is_read_in_order(header):
            size = header.layout.stored_samples * header.layout.bits_allocated // 8
            header.instance.give_back(header.frame * size, size)
        return Placed(slim, slots, slot, filled)

    def _filled(self, fill: partial[int], *, compressed: bool) -> Future[int]:
        """Fill a slot, in a thread where something must be decoded: decoders let go of the interpreter."""
        if not compressed or WORKERS == 1:
            done: Future[int] = Future()
            done.set_result(fill())
            return done
        if self._decoders is None:
            self._decoders = ThreadPoolExecutor(WORKERS)
        self._await_decoders(DECODING_AHEAD)
        self._decoding.append(self._decoders.submit(fill))
        return self._decoding[-1]

    def _await_decoders(self, left: int) -> None:
        while len(self._decoding) > left:
            self._decoding.popleft().result()

    def _slots_for(self, header: SliceHeader, dtype: np.dtype[Any]) -> Slots:
        """Give slots with room for one more frame, within the limit."""
        layout = header.layout
        count = components(layout)
        frame = (layout.rows, layout.columns) + ((count,) if count > 1 else ())
        slots = self._slots.get(frame)
        if slots is None:
            slots = self._slots[frame] = Slots(frame, dtype, self._likely_count(header, dtype), self._allocate)
        elif not slots.fits(dtype):
            self._await_decoders(0)
            slots.enlarge(dtype)
        return slots

    def _likely_count(self, header: SliceHeader, dtype: np.dtype[Any]) -> int:
        """Guess how many frames of a shape will come, within the limit: of the first, all that are expected."""
        alone = header.frames > 1 or self._slots
        count = header.frames if alone else self._expected - len(self._taken)
        return max(1, min(count, self._options.max_series_bytes // _size(header, dtype)))

    def _check_size(self, header: SliceHeader, dtype: np.dtype[Any]) -> None:
        needed = sum(slots.used_bytes for slots in self._slots.values()) + _size(header, dtype)
        limit = self._options.max_series_bytes
        if needed > limit:
            message = f"the voxels need {needed} bytes; max_series_bytes={limit} allows fewer"
            raise LimitExceededError(message)

    def _likely_slot(self, header: SliceHeader) -> int | None:
        """Guess the place in the order from Instance Number, which may run against the normal."""
        if header.instance_number is None or header.frames > 1 or header.tile is not None:
            return None
        if self._first is None:
            self._first = header
        elif self._descending is None:
            self._descending = _runs_against(self._first, header)
        rank = header.instance_number - 1
        return self._expected - 1 - rank if self._descending else rank

    def _check_same(self, instance: Instance) -> None:
        """Refuse a second instance of one SOP Instance UID whose header or voxels differ."""
        uid = instance.sop_instance_uid
        syntax, elements, placed = self._taken[uid]
        self._await_decoders(0)
        same = syntax == instance.transfer_syntax_uid and dict(elements) == dict(instance.elements)
        same = same and (bool(placed) or uid in self._refused) == has_pixels(instance)
        if not (same and all(map(self._is_same_frame, placed, slices_of(instance, self._options) if placed else ()))):
            message = f"it came twice, and {self._differing(instance)} differ: pass one of the two"
            raise ConflictingInstancesError(message, sop_instance_uid=uid)

    def _differing(self, instance: Instance) -> str:
        """Name what differs in a second instance, without values."""
        syntax, elements, _ = self._taken[instance.sop_instance_uid]
        if syntax != instance.transfer_syntax_uid:
            return f"the transfer syntaxes {syntax} and {instance.transfer_syntax_uid}"
        before, after = dict(elements), dict(instance.elements)
        tags = sorted(tag for tag in before.keys() | after.keys() if before.get(tag) != after.get(tag))
        return listed((f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in tags), MOST_NAMED) or "its pixels"

    def _is_same_frame(self, placed: Placed, header: SliceHeader) -> bool:
        kept = placed.slots.array[placed.slot]
        other = np.empty_like(kept)
        fill_slice(header, other, self._options)
        return bool(np.array_equal(kept, other, equal_nan=kept.dtype.kind == "f"))


def _without_frames(instance: Instance) -> Taken:
    return instance.transfer_syntax_uid, instance.elements.without_pixels(), []


def _check_named(instance: Instance) -> None:
    """Refuse to skip what does not even name itself: in another encoding than is told, nothing can be found.

    A DICOMDIR, which comes with the files of a medium, has no name in its data set (PS3.3 F.3.2).
    """
    is_directory = instance.sop_class_uid == MediaStorageDirectoryStorage
    if SOP_INSTANCE_UID not in instance.elements and not is_directory:
        message = (
            "its data set lacks SOPInstanceUID (0008,0018) and pixels: it may be encoded otherwise than its "
            f"transfer syntax {instance.transfer_syntax_uid} says"
        )
        raise CorruptInstanceError(message, sop_instance_uid=instance.sop_instance_uid)


def _size(header: SliceHeader, dtype: np.dtype[Any]) -> int:
    """Return how many bytes the voxels of a slice need."""
    return header.layout.rows * header.layout.columns * components(header.layout) * dtype.itemsize


def _is_read_in_order(header: SliceHeader) -> bool:
    """Tell whether each frame of an instance has bytes of its own, and is read once."""
    return header.frames > 1 and header.tile is None and header.layout.bits_allocated >= 8 and header.constant is None


def _runs_against(first: SliceHeader, other: SliceHeader) -> bool | None:
    """Tell whether Instance Numbers rise against the normal, None where two slices do not tell it."""
    if first.orientation is None or first.position is None or other.position is None:
        return None
    towards = normal(checked_orientation(first))
    rise = dot(other.position, towards) - dot(first.position, towards)
    numbers = (other.instance_number or 0) - (first.instance_number or 0)
    return rise * numbers < 0 if rise and numbers else None
