# SPDX-License-Identifier: Apache-2.0
"""The safetensors format, read and written from its description: eight bytes with the header's length, a JSON
header that maps names to type, shape and the range of bytes, and the bytes, little-endian, row-major."""

import json
import math
import struct

import torch

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I8": torch.int8}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def read(path):
    """{name: tensor}. Raises ValueError when the file is not what its header says."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    (header_bytes,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + header_bytes])
    header.pop("__metadata__", None)
    tensors, end_of_last = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
        count = math.prod(shape)
        item_bytes = torch.empty((), dtype=dtype).element_size()
        if begin != end_of_last or end - begin != count * item_bytes or 8 + header_bytes + end > len(data):
            raise ValueError(f"{path}: tensor '{name}' lies at {begin}..{end}, which does not fit")
        tensors[name] = torch.frombuffer(data, dtype=dtype, count=count, offset=8 + header_bytes + begin).view(shape)
        end_of_last = end
    if 8 + header_bytes + end_of_last != len(data):
        raise ValueError(f"{path}: {len(data)} bytes, but its tensors end elsewhere")
    return tensors


def write(path, tensors):
    """Writes {name: tensor}, in the order given."""
    header, at = {}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the data starts at a multiple of eight bytes
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes())
