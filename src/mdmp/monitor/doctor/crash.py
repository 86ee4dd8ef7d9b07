"""A program that ends in the way that its first argument names. It imports nothing of mdmp unless asked to.

python crash.py KIND [--wait] [--system] [--handler PATHS FOLDER]
"""

import ctypes
import os
import platform
import signal
import sys
import threading
from contextlib import suppress

ENDLESS_CALL = {
    "x86_64": b"\xe8\xfb\xff\xff\xff",
    "AMD64": b"\xe8\xfb\xff\xff\xff",
    "aarch64": b"\xfe\x0f\x1f\xf8\xff\xff\xff\x17",
    "ARM64": b"\xfe\x0f\x1f\xf8\xff\xff\xff\x17",
}
"""A function that calls itself: `call .`; `str x30, [sp, #-16]!` and `b .-4`."""
CPP_EXCEPTION = 0xE06D7363


def null_read() -> None:
    in_native_thread(ctypes.cast(libc().strlen, ctypes.c_void_p).value, 0)


def null_read_in_thread() -> None:
    thread = threading.Thread(target=null_read)
    thread.start()
    thread.join()


def abort() -> None:
    os.abort()


def stack_overflow() -> None:
    in_native_thread(make_code(ENDLESS_CALL[platform.machine()]), 0)


def cpp_exception() -> None:
    """Thrown through frames without any handler."""
    if sys.platform == "win32":
        function = ctypes.windll.kernel32.RaiseException
        address = ctypes.cast(function, ctypes.c_void_p).value or 0
        code = b"\x48\x83\xec\x28\xb9" + CPP_EXCEPTION.to_bytes(4, "little")  # sub rsp, 40; mov ecx, code
        code += b"\x31\xd2\x45\x31\xc0\x45\x31\xc9"  # xor edx, edx; xor r8d, r8d; xor r9d, r9d
        code += b"\x48\xb8" + address.to_bytes(8, "little") + b"\xff\xd0"  # mov rax, address; call rax
        in_native_thread(make_code(code), 0)
    else:
        library = ctypes.CDLL("libstdc++.so.6")
        allocate, throw = library.__cxa_allocate_exception, library.__cxa_throw
        allocate.restype = ctypes.c_void_p
        throw.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
        throw(allocate(ctypes.c_size_t(4)), ctypes.addressof(ctypes.c_void_p.in_dll(library, "_ZTIi")), None)


def handled() -> None:
    """A fault that the program copes with is no crash."""
    if sys.platform == "win32":
        with suppress(OSError):
            ctypes.string_at(0)
    else:
        signal.signal(signal.SIGSEGV, lambda *_: None)
        os.kill(os.getpid(), signal.SIGSEGV)


def python_exception() -> None:
    raise ValueError("a test of mdmp doctor")


KINDS = {
    function.__name__: function
    for function in (null_read, null_read_in_thread, abort, stack_overflow, cpp_exception, handled, python_exception)
}


def libc() -> ctypes.CDLL:
    return ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)


def in_native_thread(function: int | None, argument: int) -> None:
    """Windows: where ctypes does not make an exception of Python of it. Elsewhere: here."""
    if sys.platform == "win32":
        kernel = ctypes.windll.kernel32
        kernel.CreateThread.argtypes = (*(ctypes.c_void_p,) * 4, ctypes.c_uint32, ctypes.c_void_p)
        kernel.CreateThread.restype = ctypes.c_void_p
        kernel.WaitForSingleObject(ctypes.c_void_p(kernel.CreateThread(None, None, function, argument, 0, None)), 20000)
    else:
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(function or 0)(argument)


def make_code(code: bytes) -> int:
    if sys.platform == "win32":
        allocate = ctypes.windll.kernel32.VirtualAlloc
        allocate.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_uint32)
        allocate.restype = ctypes.c_void_p
        address = int(allocate(None, len(code), 0x3000, 0x40))
        ctypes.memmove(address, code, len(code))
    else:
        import mmap

        memory = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        memory.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        kept.append(memory)
    return address


kept: list[object] = []


def main(arguments: list[str]) -> None:
    if sys.platform == "win32":
        if "--system" not in arguments:
            # No window that asks what to do, which would take crashes from the system's handler as well.
            ctypes.windll.kernel32.SetErrorMode(0x8007)
    else:
        import resource

        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if "--handler" in arguments:
        paths, folder = arguments[-2:]
        sys.path += paths.split(os.pathsep)
        from mdmp.monitor.handler import install_handler

        install_handler(folder=folder)
    print("ready", flush=True)
    if "--wait" in arguments:
        sys.stdin.readline()
    KINDS[arguments[0]]()


if __name__ == "__main__":
    main(sys.argv[1:])
