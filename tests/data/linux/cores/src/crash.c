/* A program without a library that crashes in the way its argument names, with threads whose stacks are known. */
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#define PROT_RW 3
#define PRIVATE_ANONYMOUS 0x22
#define THREAD_FLAGS 0x50f00 /* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */

long system_call(long number, long a, long b, long c, long d, long e, long f);
long start_thread(void (*function)(long), long argument, char *stack_end);
void after_sigaction(void);

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl _start, system_call, start_thread, after_sigaction\n"
        ".type _start, @function\n"
        "_start: .cfi_startproc\n .cfi_undefined rip\n"
        " mov %rsp, %rdi\n call entry\n ud2\n .cfi_endproc\n .size _start, .-_start\n"
        ".type system_call, @function\n"
        "system_call: .cfi_startproc\n"
        " mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n mov %r8, %r10\n mov %r9, %r8\n"
        " mov 8(%rsp), %r9\n syscall\n ret\n .cfi_endproc\n .size system_call, .-system_call\n"
        ".type start_thread, @function\n"
        "start_thread: .cfi_startproc\n"
        " mov %rdi, %r8\n mov %rsi, %r9\n mov %rdx, %rsi\n mov $0x50f00, %edi\n"
        " xor %edx, %edx\n xor %r10d, %r10d\n mov $56, %eax\n syscall\n"
        " test %eax, %eax\n jz 1f\n ret\n .cfi_endproc\n .size start_thread, .-start_thread\n"
        ".type thread_entry, @function\n"
        "thread_entry:\n1: .cfi_startproc\n .cfi_undefined rip\n"
        " mov %r9, %rdi\n call *%r8\n ud2\n .cfi_endproc\n .size thread_entry, .-thread_entry\n"
        /* No call-frame information, as in musl: its instructions must tell (gdb looks at them because of the name). */
        "nop\nafter_sigaction: mov $15, %rax\n syscall\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl _start, system_call, start_thread, after_sigaction\n"
        ".type _start, %function\n"
        "_start: .cfi_startproc\n .cfi_undefined x30\n"
        " mov x29, #0\n mov x0, sp\n bl entry\n udf #0\n .cfi_endproc\n .size _start, .-_start\n"
        ".type system_call, %function\n"
        "system_call: .cfi_startproc\n"
        " mov x8, x0\n mov x0, x1\n mov x1, x2\n mov x2, x3\n mov x3, x4\n mov x4, x5\n mov x5, x6\n svc #0\n ret\n"
        " .cfi_endproc\n .size system_call, .-system_call\n"
        ".type start_thread, %function\n"
        "start_thread: .cfi_startproc\n"
        " mov x10, x0\n mov x11, x1\n mov x1, x2\n mov x0, #0x0f00\n movk x0, #5, lsl #16\n"
        " mov x2, #0\n mov x3, #0\n mov x4, #0\n mov x8, #220\n svc #0\n"
        " cbz x0, 1f\n ret\n .cfi_endproc\n .size start_thread, .-start_thread\n"
        ".type thread_entry, %function\n"
        "thread_entry:\n1: .cfi_startproc\n .cfi_undefined x30\n"
        " mov x29, #0\n mov x0, x11\n blr x10\n udf #0\n .cfi_endproc\n .size thread_entry, .-thread_entry\n"
        "nop\nafter_sigaction: mov x8, #139\n svc #0\n");
#endif

#define CALL(number, ...) CALL_(number, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL_(number, a, b, c, d, e, f, ...) \
    system_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

struct account { long number; long balance; };
struct action { void (*handler)(int); unsigned long flags; void (*restorer)(void); unsigned long mask; };

/* Data that a reader can recognise: this file is told from others by them where no build id is kept. */
long primes[32] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53,
                   59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131};
static struct account *volatile missing;
static volatile int zero, waiting;

static int same(const char *a, const char *b) {
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

static void send(int number) { CALL(__NR_tgkill, CALL(__NR_getpid, 0), CALL(__NR_gettid, 0), number); }
__attribute__((noinline)) static void stop(void) { send(6); }
__attribute__((noinline)) static void on_signal(int number) { waiting = number; stop(); waiting++; }

static void handle(int number) {
    struct action action = {on_signal, 0x44000000, after_sigaction, 0}; /* NODEFER, RESTORER */
    CALL(__NR_rt_sigaction, number, &action, 0, 8);
}

__attribute__((noinline)) static long eat(long n) {
    volatile char room[2000];
    room[n & 1023] = (char)n;
    return eat(n + 1) + room[n & 1023];
}

static void forbid_getuid(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getuid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};
    CALL(__NR_prctl, 38, 1, 0, 0, 0);
    CALL(__NR_prctl, 22, 2, &program);
}

__attribute__((noinline)) static long crash(const char *how) {
    if (same(how, "segv")) missing->balance = 1;
    if (same(how, "abort")) stop();
    if (same(how, "fpe")) return 7 / zero;
    if (same(how, "ill")) __builtin_trap();
    if (same(how, "jump")) ((void (*)(void))8)();
    if (same(how, "handler")) { handle(11); return missing->balance; }
    if (same(how, "handled-jump")) { handle(11); ((void (*)(void))8)(); }
    if (same(how, "sys")) { forbid_getuid(); return CALL(__NR_getuid, 0); }
    if (same(how, "bus")) {
        long file = CALL(__NR_memfd_create, "empty", 0);
        return *(volatile char *)CALL(__NR_mmap, 0, 4096, 1, 1, file, 0);
    }
    if (same(how, "overflow")) {
        long limit[2] = {256 << 10, 256 << 10};
        CALL(__NR_prlimit64, 0, 3, limit, 0);
        return eat(0);
    }
    return 0;
}

__attribute__((noinline)) static long deep(int n, const char *how) {
    if (n == 0) return crash(how) + 1;
    return deep(n - 1, how) + n;
}

static inline __attribute__((always_inline)) void sleep_long(void) {
    long time[2] = {1000, 0};
    CALL(__NR_nanosleep, time, 0);
}

static void sleeper(long argument) { waiting++; for (;;) sleep_long(); }
static void waiter(long address) { waiting++; for (;;) CALL(__NR_futex, address, 128, 0, 0); }
static void crasher(long how) { deep(2, (const char *)how); CALL(__NR_exit_group, 0); }

static char *new_stack(void) { return (char *)CALL(__NR_mmap, 0, 16384, PROT_RW, PRIVATE_ANONYMOUS, -1, 0) + 16384; }

static long run(long count, char **words) {
    const char *how = count > 1 ? words[1] : "segv";
    if (count > 2) {
        start_thread(sleeper, 0, new_stack());
        start_thread(waiter, (long)&zero, new_stack());
        while (waiting < 2) CALL(__NR_sched_yield, 0);
        long time[2] = {0, 50000000};
        CALL(__NR_nanosleep, time, 0);
        start_thread(crasher, (long)how, new_stack());
        waiter((long)&zero);
    }
    return deep(3, how);
}

__attribute__((used)) void entry(long *stack) { CALL(__NR_exit_group, run(stack[0], (char **)(stack + 1)) + primes[0]); }
