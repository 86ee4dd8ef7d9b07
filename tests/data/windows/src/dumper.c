/* dumper OUT.dmp TYPE SECONDS PROGRAM [ARGUMENT]: runs PROGRAM under the Windows debug API and has dbghelp.dll write a
 * dump of its crash: at the second chance of an exception, or at the first one of a stack overflow. When nothing happens
 * for so many SECONDS, the dump is written without an exception.
 * TYPE is the MINIDUMP_TYPE in decimal. Exit code: 0 when a dump was written. */
#include "win32.h"

enum { EXCEPTION_EVENT = 1, EXIT_PROCESS_EVENT = 5 };
static const DWORD CONTINUE = 0x10002, NOT_HANDLED = 0x80010001;
static const DWORD FULL_MEMORY = 2;
static const DWORD BREAKPOINT = 0x80000003, STACK_OVERFLOW = 0xC00000FD;

typedef struct {
    DWORD code, flags;
    void *next, *address;
    DWORD count;
    SIZE_T arguments[15];
} Record;

typedef struct {
    DWORD kind, process, thread;
    union {
        struct {
            Record record;
            DWORD first_chance;
        } exception;
        char room[256];
    };
} Event;

typedef struct {
    DWORD size;
    char *reserved, *desktop, *title;
    DWORD numbers[8];
    WORD show, reserved_size;
    void *reserved2;
    HANDLE input, output, error;
} Startup;

typedef struct {
    HANDLE process, thread;
    DWORD process_id, thread_id;
} Started;

typedef struct {
    char *base, *allocation;
    DWORD first_protection;
    SIZE_T size;
    DWORD state, protection, type;
} Region;

#pragma pack(push, 4)
typedef struct {
    DWORD thread;
    void *pointers;
    BOOL client_pointers;
} DumpException;
#pragma pack(pop)

IMPORT BOOL WINAPI CreateProcessA(const char *program, char *line, void *, void *, BOOL inherit, DWORD flags, void *,
                                  const char *folder, Startup *startup, Started *started);
IMPORT BOOL WINAPI WaitForDebugEvent(Event *event, DWORD milliseconds);
IMPORT BOOL WINAPI ContinueDebugEvent(DWORD process, DWORD thread, DWORD status);
IMPORT BOOL WINAPI TerminateProcess(HANDLE process, DWORD code);
IMPORT HANDLE WINAPI CreateFileA(const char *path, DWORD access, DWORD share, void *, DWORD how, DWORD flags, HANDLE);
IMPORT BOOL WINAPI CloseHandle(HANDLE object);
IMPORT HANDLE WINAPI OpenThread(DWORD access, BOOL inherit, DWORD thread);
IMPORT BOOL WINAPI GetThreadContext(HANDLE thread, void *context);
IMPORT BOOL WINAPI MiniDumpWriteDump(HANDLE process, DWORD process_id, HANDLE file, DWORD type,
                                     const DumpException *exception, const void *streams, const void *callback);

IMPORT SIZE_T WINAPI VirtualQueryEx(HANDLE process, const void *address, Region *region, SIZE_T size);
IMPORT int WINAPI NtUnmapViewOfSection(HANDLE process, void *base);

static unsigned number_of(const char *digits)
{
    unsigned number = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++)
        number = number * 10 + (unsigned)(*digits - '0');
    return number;
}

/* Lets go of mapped files, which are tables of languages: 4 MB that nobody looks for in a full dump. */
static void drop_tables(HANDLE process)
{
    static const DWORD MAPPED = 0x40000;
    Region region;
    for (char *at = 0; VirtualQueryEx(process, at, &region, sizeof region); at = region.base + region.size)
        if (region.type == MAPPED && region.base == region.allocation && region.size > 0x8000)
            NtUnmapViewOfSection(process, region.base);
}

static BOOL write_dump(const char *path, unsigned type, const Started *started, const DumpException *exception)
{
    HANDLE file = CreateFileA(path, 0xC0000000, 0, 0, 2, 0x80, 0);
    BOOL written;
    if (type & FULL_MEMORY)
        drop_tables(started->process);
    written = MiniDumpWriteDump(started->process, started->process_id, file, type, exception, 0, 0);
    CloseHandle(file);
    return written;
}

static BOOL write_crash(const char *path, unsigned type, const Started *started, const Event *event)
{
    static __attribute__((aligned(64))) BYTE context[4096];
    Record record = event->exception.record;
    void *pointers[2] = {&record, context};
    DumpException exception = {event->thread, pointers, 0};
    HANDLE thread = OpenThread(0x1FFFFF, 0, event->thread);
    BOOL known;

#ifdef _WIN64
    *(DWORD *)(context + 0x30) = 0x10001F; /* CONTEXT_ALL for AMD64 */
#else
    *(DWORD *)context = 0x1003F; /* CONTEXT_ALL for i386 */
#endif
    known = GetThreadContext(thread, context);
    CloseHandle(thread);
    return known && write_dump(path, type, started, &exception);
}

int main(int argc, char **argv)
{
    Startup startup = {.size = sizeof startup};
    Started started;
    Event event;
    BOOL begun = 0, written = 0;
    char line[256];
    SIZE_T length = 0;

    if (argc < 5)
        return 2;
    for (int i = 4; i < argc; i++) {
        for (const char *from = argv[i]; *from && length < sizeof line - 2; from++)
            line[length++] = *from;
        line[length++] = ' ';
    }
    line[length - 1] = 0;
    if (!CreateProcessA(0, line, 0, 0, 0, 2 /* DEBUG_ONLY_THIS_PROCESS */, 0, 0, &startup, &started))
        return 3;
    for (;;) {
        DWORD status = CONTINUE;
        if (!WaitForDebugEvent(&event, number_of(argv[3]) * 1000)) {
            written = write_dump(argv[1], number_of(argv[2]), &started, 0);
            break;
        }
        if (event.kind == EXIT_PROCESS_EVENT)
            return 4;
        if (event.kind == EXCEPTION_EVENT) {
            DWORD code = event.exception.record.code;
            if (!begun && code == BREAKPOINT) {
                begun = 1;
            } else {
                status = NOT_HANDLED;
                say_number("exception ", (int)code);
                if (!event.exception.first_chance || code == STACK_OVERFLOW) {
                    written = write_crash(argv[1], number_of(argv[2]), &started, &event);
                    break;
                }
            }
        }
        ContinueDebugEvent(event.process, event.thread, status);
    }
    TerminateProcess(started.process, 1);
    return written ? 0 : 1;
}
