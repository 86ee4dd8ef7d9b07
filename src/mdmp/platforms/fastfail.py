"""Codes of `__fastfail` (first parameter of exception 0xC0000409).

Source: winnt.h of the Windows SDK (FAST_FAIL_*), Microsoft's page on the `__fastfail` intrinsic.
"""

_NAMES = """
LEGACY_GS_VIOLATION|a stack buffer overrun was detected (old /GS check)
VTGUARD_CHECK_FAILURE|a virtual function table was found damaged
STACK_COOKIE_CHECK_FAILURE|a stack buffer overrun was detected (/GS stack cookie)
CORRUPT_LIST_ENTRY|a doubly linked list was found damaged
INCORRECT_STACK|the stack pointer lies outside the thread's stack
INVALID_ARG|an invalid argument was given to a C runtime function
GS_COOKIE_INIT|the stack cookie could not be set up
FATAL_APP_EXIT|the program stopped itself with abort()
RANGE_CHECK_FAILURE|an index was out of range
UNSAFE_REGISTRY_ACCESS|a driver used the registry unsafely
GUARD_ICALL_CHECK_FAILURE|an indirect call went to a place that is no function (control flow guard)
GUARD_WRITE_CHECK_FAILURE|a write was refused by write guard
INVALID_FIBER_SWITCH|a switch to an invalid fiber
INVALID_SET_OF_CONTEXT|a thread context was about to be set that is not valid
INVALID_REFERENCE_COUNT|a reference count went wrong
||
||
||
INVALID_JUMP_BUFFER|longjmp was given a damaged jump buffer
MRDATA_MODIFIED|read-only data of the loader was modified
CERTIFICATION_FAILURE|a certification check failed
INVALID_EXCEPTION_CHAIN|the chain of exception handlers on the stack is damaged
CRYPTO_LIBRARY|the cryptographic library gave up
INVALID_CALL_IN_DLL_CALLOUT|a forbidden call was made from a DLL's entry point
INVALID_IMAGE_BASE|an image's base address is wrong
DLOAD_PROTECTION_FAILURE|the delay-load section could not be protected
UNSAFE_EXTENSION_CALL|an unsafe extension was called
DEPRECATED_SERVICE_INVOKED|a system service that no longer exists was called
INVALID_BUFFER_ACCESS|a buffer was accessed outside its bounds
INVALID_BALANCED_TREE|a balanced tree was found damaged
INVALID_NEXT_THREAD|the scheduler chose an invalid thread
GUARD_ICALL_CHECK_SUPPRESSED|a suppressed function was called indirectly (control flow guard)
APCS_DISABLED|asynchronous procedure calls were left disabled
INVALID_IDLE_STATE|an invalid processor idle state
MRDATA_PROTECTION_FAILURE|read-only data of the loader could not be protected
UNEXPECTED_HEAP_EXCEPTION|an exception inside the heap manager
INVALID_LOCK_STATE|a lock was in an impossible state
GUARD_JUMPTABLE|a jump table was damaged (control flow guard)
INVALID_LONGJUMP_TARGET|longjmp went to a place that is no valid target
INVALID_DISPATCH_CONTEXT|an exception was dispatched with a damaged context
INVALID_THREAD|an operation on an invalid thread
INVALID_SYSCALL_NUMBER|a system call number that does not exist
INVALID_FILE_OPERATION|a file operation that is not allowed
LPAC_ACCESS_DENIED|access denied to a less privileged application container
GUARD_SS_FAILURE|the return address does not match the shadow stack
LOADER_CONTINUITY_FAILURE|an unsigned or unexpected image was loaded
GUARD_EXPORT_SUPPRESSION_FAILURE|a suppressed export was called indirectly (control flow guard)
INVALID_CONTROL_STACK|the shadow stack is damaged
SET_CONTEXT_DENIED|setting a thread's context was refused
INVALID_IAT|an import address table is damaged
HEAP_METADATA_CORRUPTION|the heap's own data is damaged
PAYLOAD_RESTRICTION_VIOLATION|an exploit mitigation stopped the program
LOW_LABEL_ACCESS_DENIED|access denied to a process of low integrity
ENCLAVE_CALL_FAILURE|a call into an enclave failed
UNHANDLED_LSS_EXCEPTON|an unhandled exception in the Linux subsystem
ADMINLESS_ACCESS_DENIED|access denied without administrator rights
UNEXPECTED_CALL|a function was called that must not be called
CONTROL_INVALID_RETURN_ADDRESS|the return address is not valid
UNEXPECTED_HOST_BEHAVIOR|the host of a virtual machine misbehaved
FLAGS_CORRUPTION|processor flags were found damaged
VEH_CORRUPTION|the list of vectored exception handlers is damaged
ETW_CORRUPTION|event tracing's data is damaged
RIO_ABORT|registered I/O gave up
INVALID_PFN|a page frame number is invalid
GUARD_ICALL_CHECK_FAILURE_XFG|an indirect call went to a function of another type (extended flow guard)
CAST_GUARD|a C++ object was cast to a class that it is not (cast guard)
HOST_VISIBILITY_CHANGE|memory visibility to the host changed
KERNEL_CET_SHADOW_STACK_ASSIST|a shadow stack of the kernel is damaged
PATCH_CALLBACK_FAILED|a hot patch's callback failed
NTDLL_PATCH_FAILED|patching ntdll failed
INVALID_FLS_DATA|fiber-local storage is damaged
"""


def fast_fail(code: int) -> tuple[str, str] | None:
    """Name (`FAST_FAIL_STACK_COOKIE_CHECK_FAILURE`) and meaning of a fast-fail code; None when it is unknown."""
    rows = _NAMES.strip().split("\n")
    if not 0 <= code < len(rows):
        return None
    name, meaning, *_ = rows[code].split("|")
    return (f"FAST_FAIL_{name}", meaning) if name else None
