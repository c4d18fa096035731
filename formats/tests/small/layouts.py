"""Writes layouts.h5, latest.h5, heap.h5 and indexed.h5, which the tests read: elements in chunks, packed, in a header, and groups of each kind.

pip install h5py numpy; python layouts.py
"""

import h5py
import numpy as np


def counted(shape, dtype="<f4"):
    return (np.arange(np.prod(shape)).reshape(shape) / 2).astype(dtype)


with h5py.File("layouts.h5", "w") as file:
    options = {"compression": "gzip", "shuffle": True, "fletcher32": True}
    file.create_dataset("packed", data=counted((7, 5, 3)), chunks=(4, 2, 2), **options)
    file.create_dataset("odd", data=counted((5,), "u1"), chunks=(3,), fletcher32=True)
    file.create_dataset("many", data=counted((150,)), chunks=(1,))
    file.create_dataset("half", data=counted((2, 3), ">f2"))
    file.create_dataset("unwritten", shape=(2, 3), dtype="<f4")
    file.create_dataset("empty", shape=(0, 3), dtype="<f4")
    file.create_dataset("words", data=["no", "number"])
    create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    create.set_layout(h5py.h5d.COMPACT)
    inline = h5py.h5d.create(file.id, b"inline", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple((4,)), create)
    inline.write(h5py.h5s.ALL, h5py.h5s.ALL, counted((4,), "<f8"))
    ordered = file.create_group("ordered", track_order=True)
    ordered.create_dataset("a", data=counted((3,)))
    ordered["link"] = h5py.SoftLink("/half")
    vars = file.create_group("layer/vars")
    vars.attrs["name"] = "called"
    vars.create_dataset("0", data=counted((2,)))

with h5py.File("latest.h5", "w", libver="latest") as file:
    file.create_dataset("packed", data=counted((4, 3)), chunks=(4, 3), compression="gzip")
    file.create_dataset("plain", data=counted((4, 3)), chunks=(4, 3))
    file.create_dataset("whole", data=counted((2, 2), "<f8"))
    file.create_group("layer/vars").attrs["name"] = "called"
    file["layer/vars"].create_dataset("0", data=counted((2,)))

with h5py.File("heap.h5", "w") as file:
    group = file.create_group("many", track_order=True)
    for number in range(9):
        group.create_group(str(number))

with h5py.File("indexed.h5", "w", libver="latest") as file:
    file.create_dataset("indexed", data=counted((4, 3)), chunks=(2, 3))
