/* watched.exe [wait] NAME [ARGUMENT]: all that faults.exe does, and more that a program may do under mdmp's eyes.
 * wait: says "ready", and goes on when a line comes from standard input. */
#include "faults.h"

typedef struct {
    DWORD size;
    char *texts[3];
    DWORD numbers[8];
    WORD show, reserved_size;
    void *reserved;
    HANDLE files[3];
} Startup;
typedef struct {
    HANDLE process, thread;
    DWORD process_id, thread_id;
} Started;

IMPORT BOOL WINAPI ReadFile(HANDLE file, void *data, DWORD size, DWORD *read, void *overlapped);
IMPORT BOOL WINAPI CreateProcessA(const char *program, char *line, void *, void *, BOOL inherit, DWORD flags, void *,
                                  const char *folder, Startup *startup, Started *started);
IMPORT BOOL WINAPI GetExitCodeProcess(HANDLE process, DWORD *code);
IMPORT BOOL WINAPI TerminateProcess(HANDLE process, DWORD code);
IMPORT HANDLE WINAPI GetCurrentProcess(void);
IMPORT void WINAPI OutputDebugStringA(const char *text);
IMPORT void WINAPI OutputDebugStringW(const WCHAR *text);
IMPORT void *WINAPI VirtualAlloc(void *at, SIZE_T size, DWORD how, DWORD protection);
IMPORT DWORD WINAPI GetTickCount(void);
__attribute__((noreturn)) void __fastfail(unsigned code);

static const char *argument;

static unsigned number(void)
{
    unsigned value = 0;
    for (const char *at = argument; at && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (unsigned)(*at - '0');
    return value;
}

static void wait_for_line(void)
{
    char at;
    DWORD read;
    say("ready\n");
    while (ReadFile(GetStdHandle((DWORD)-10), &at, 1, &read, 0) && read == 1 && at != '\n')
        ;
}

/* What the run-time library's abort comes to. */
NOINLINE static void give_up(void)
{
    __fastfail(7); /* FAST_FAIL_FATAL_APP_EXIT */
}

static void run_time_abort(void)
{
    give_up();
    say("given up\n");
}

/* What a damaged stack cookie comes to. */
NOINLINE static void check_cookie(unsigned cookie)
{
    if (cookie != 0xBB40E64E)
        __fastfail(2); /* FAST_FAIL_STACK_COOKIE_CHECK_FAILURE */
}

static void stack_cookie(void)
{
    check_cookie(0x41414141);
    say("cookie is fine\n");
}

/* As ntdll raises it when a block's header makes no sense. */
NOINLINE static void report_heap(void *block)
{
    SIZE_T details[1] = {(SIZE_T)block};
    RaiseException(0xC0000374, 1, 1, details);
}

static void heap_damage(void)
{
    report_heap(&argument);
    say("heap is fine\n");
}

/* As the common language run-time raises it: HRESULT, and further down the module of the run-time. */
NOINLINE static void throw_managed(void)
{
    SIZE_T details[5] = {0x80131509, 0, 0, 0, 0};
    RaiseException(0xE0434352, 1, 5, details);
}

static void managed(void)
{
    throw_managed();
    say("caught\n");
}

NOINLINE static int look_at(const volatile int *where)
{
    return *where;
}

static void handled(void)
{
    for (int i = 0; i < 5; i++) {
        __try {
            say_number("found ", look_at((const int *)8));
        } __except (1) {
            say_number("handled ", i);
        }
    }
    ExitProcess(7);
}

static void debug_output(void)
{
    OutputDebugStringA("opening the shop\n");
    OutputDebugStringW(u"caf\u00e9 opens at ");
    OutputDebugStringA("nine\n");
    say_number("found ", look_at((const int *)16));
}

/* The way of naming threads that only a debugger sees. */
NOINLINE static void tell_name(const char *name)
{
    struct {
        SIZE_T kind;
        const char *name;
        DWORD thread, flags;
    } told = {0x1000, name, (DWORD)-1, 0};
    __try {
        RaiseException(0x406D1388, 0, sizeof told / sizeof(SIZE_T), (const SIZE_T *)&told);
    } __except (1) {
        say("no debugger\n");
    }
}

static DWORD WINAPI run_clerk(void *argument_of_thread)
{
    tell_name("clerk");
    return (DWORD)look_at(argument_of_thread);
}

static void told_name(void)
{
    WaitForSingleObject(CreateThread(0, 0, run_clerk, (void *)24, 0, 0), 0xFFFFFFFF);
}

/* Starts itself as `watched ARGUMENT`, and ends as that ends. */
static void parent(void)
{
    Startup startup = {.size = sizeof startup};
    Started started;
    char line[64] = "watched.exe ";
    DWORD code;
    unsigned at = 12;
    for (const char *from = argument; from && *from && at < sizeof line - 1; from++)
        line[at++] = *from;
    line[at] = 0;
    if (!CreateProcessA(0, line, 0, 0, 1, 0, 0, 0, &startup, &started))
        ExitProcess(99);
    WaitForSingleObject(started.process, 0xFFFFFFFF);
    GetExitCodeProcess(started.process, &code);
    say_number("child ended: ", (int)code);
    ExitProcess(5);
}

static void end(void)
{
    ExitProcess(number());
}

static void terminated(void)
{
    TerminateProcess(GetCurrentProcess(), number());
}

/* Uses the processor, for so many milliseconds. */
static void busy(void)
{
    DWORD since = GetTickCount();
    while (GetTickCount() - since < number())
        ;
}

/* Takes so many MiB, touches them, and sleeps for a while. */
static void hungry(void)
{
    for (unsigned i = 0; i < number(); i++) {
        char *block = VirtualAlloc(0, 1 << 20, 0x3000, 4);
        for (unsigned at = 0; block && at < 1 << 20; at += 4096)
            block[at] = 1;
    }
    Sleep(1500);
}

static DWORD WINAPI sleep_long(void *unused)
{
    (void)unused;
    Sleep(5000);
    return 0;
}

static void crowded(void)
{
    for (unsigned i = 0; i < number(); i++)
        CreateThread(0, 1 << 16, sleep_long, 0, 0, 0);
    Sleep(1500);
}

static void idle(void)
{
    Sleep(number());
}

#define FAULT(name) {#name, name}
static const struct {
    const char *name;
    void (*run)(void);
} faults[] = {
    FAULT(null_read),    FAULT(freed_pointer),       FAULT(write_readonly),         FAULT(stack_overflow),
    FAULT(stack_probe),  FAULT(wild_jump),           FAULT(null_call),              FAULT(execute_data),
    FAULT(breakpoint),   FAULT(illegal_instruction), FAULT(privileged_instruction), FAULT(divide_by_zero),
    FAULT(fast_fail),    FAULT(seh_then_custom),     FAULT(named_threads),          FAULT(cpp_throw),
    FAULT(run_time_abort), FAULT(stack_cookie),      FAULT(heap_damage),            FAULT(managed),
    FAULT(handled),      FAULT(debug_output),        FAULT(told_name),              FAULT(parent),
    FAULT(end),          FAULT(terminated),          FAULT(busy),                   FAULT(hungry),
    FAULT(crowded),      FAULT(idle),
};

int main(int argc, char **argv)
{
    int at = 1;
    if (argc > 1 && same_text(argv[1], "wait")) {
        wait_for_line();
        at = 2;
    }
    argument = argc > at + 1 ? argv[at + 1] : 0;
    for (unsigned i = 0; argc > at && i < sizeof faults / sizeof *faults; i++) {
        if (same_text(argv[at], faults[i].name)) {
            faults[i].run();
            say("still alive\n");
            return 0;
        }
    }
    say("usage: watched [wait] NAME [ARGUMENT]\n");
    return 2;
}
