"""What a compiled CUDA program says about the resources that its kernels take."""

import struct

# Attributes of `.nv.info`, as `cuobjdump -elf` names them.
FRAME_SIZE, MIN_STACK_SIZE, REGCOUNT = 0x11, 0x12, 0x2F
# Entries whose payload has a size of its own; the others have two bytes of value.
SIZED = 4


def kernels(cubin):
    """For each kernel: its registers, static shared memory, and bytes of stack a thread.

    A stack is where registers are spilled to, and arrays that do not fit into registers.
    """
    sections = list(_sections(cubin))
    by_name = {name: (info, body) for name, info, body in sections}
    names = [name[len(".text.") :] for name in by_name if name.startswith(".text.")]
    symbols = _symbols(by_name)
    found = {name: {"registers": 0, "shared": 0, "stack": 0} for name in names}
    for name, (_, body) in by_name.items():
        if name == ".nv.info" or name.startswith(".nv.info."):
            for attribute, payload in _entries(body):
                if attribute in (FRAME_SIZE, MIN_STACK_SIZE, REGCOUNT):
                    symbol, value = struct.unpack("<II", payload)
                    kernel = found.get(symbols[symbol])
                    if kernel is not None:
                        what = "registers" if attribute == REGCOUNT else "stack"
                        kernel[what] = max(kernel[what], value)
        for prefix, what in ((".nv.shared.", "shared"), (".nv.local.", "stack")):
            if name.startswith(prefix) and name[len(prefix) :] in found:
                kernel = found[name[len(prefix) :]]
                kernel[what] = max(kernel[what], len(body))
    return found


def _sections(elf):
    """Name, `sh_info` and content of each section; of one without content, as many zeros."""
    if elf[:5] != b"\x7fELF\x02":
        raise ValueError("not a 64-bit ELF file")
    (start,) = struct.unpack_from("<Q", elf, 0x28)
    size, count, names_at = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", elf, start + size * at) for at in range(count)]
    names = headers[names_at]
    for name, kind, _, _, offset, length, _, info, _, _ in headers:
        begin = names[4] + name
        text = elf[begin : elf.index(b"\0", begin)].decode()
        nobits = kind == 8
        yield text, info, bytes(length) if nobits else elf[offset : offset + length]


def _symbols(by_name):
    """The names of the symbols, by number."""
    _, table = by_name[".symtab"]
    _, strings = by_name[".strtab"]
    names = []
    for at in range(0, len(table), 24):
        (begin,) = struct.unpack_from("<I", table, at)
        names.append(strings[begin : strings.index(b"\0", begin)].decode())
    return names


def _entries(body):
    """Attribute and payload of each entry of a `.nv.info` section."""
    at = 0
    while at < len(body):
        kind, attribute, size = struct.unpack_from("<BBH", body, at)
        at += 4
        if kind == SIZED:
            yield attribute, body[at : at + size]
            at += size
