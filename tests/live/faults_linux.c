/* Crashes on purpose: `faults NAME [thread] [wait]`. Each fault is in a function crash_NAME, at the line marked with
   its name. `thread`: not in the main thread, and with others around. `wait`: after a line was read from standard input. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAULT __attribute__((noipa)) static void
#define PLACE ((void *)0x2000000000)

static int *volatile nowhere;
static int *volatile no_address = (int *)0x8123456789abcdef;
static volatile int zero, sum;
static volatile size_t eight = 8;
static char *volatile first, *volatile second;

FAULT crash_null(void) { *nowhere = 7; } /* null */
FAULT crash_field(void) { sum = ((volatile int *)nowhere)[6]; } /* field */
FAULT crash_non_canonical(void) { *no_address = 7; } /* non_canonical */
FAULT crash_jump(void) {
    ((void (*)(void))(unsigned long)0x1234)(); /* jump */
    sum++;
}
FAULT crash_read_only(void) {
    char *page = mmap(PLACE, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    page[5] = 1; /* read_only */
}
FAULT crash_bus(void) {
    int file = memfd_create("short", 0);
    char *page = mmap(PLACE, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0);
    sum = page[3]; /* bus */
}
/* On one line, because any of its steps may be the one too many. */
#define ROOM volatile char room[1000]; room[depth % 1000] = 1
__attribute__((noipa)) static int crash_overflow_of(int depth) { ROOM; return crash_overflow_of(depth - 1) + room[7]; } /* overflow */
FAULT crash_overflow(void) { sum = crash_overflow_of(1 << 30) + 1; }
FAULT crash_illegal(void) { __asm__ volatile("ud2"); } /* illegal */
FAULT crash_divide(void) { sum = 7 / zero; } /* divide */
FAULT crash_trap(void) { __asm__ volatile("int3"); } /* trap */
FAULT crash_abort(void) { abort(); } /* abort */
FAULT crash_assert(void) { assert(sum == 4711); } /* assert */
FAULT crash_double_free(void) {
    first = malloc(24);
    free(first);
    free(first); /* double_free */
    sum++;
}
FAULT crash_wrong_free(void) {
    char room[64] = {0};
    first = room + 24;
    free(first); /* wrong_free */
    sum += room[0];
}
FAULT crash_heap_overrun(void) {
    first = malloc(2000);
    memset(first + 2000, 'x', 24);
    second = malloc(100000); /* heap_overrun */
    sum++;
}
__attribute__((noipa)) static void fill(char *room) {
    for (int i = 0; i < 40; i++) ((volatile char *)room)[i] = 'x';
}
__attribute__((noipa, optimize("stack-protector-all"))) static void crash_smash(void) {
    char room[8];
    fill(room);
} /* smash */
FAULT crash_fortify(void) {
    char room[4];
    __builtin___memcpy_chk(room, "1234567", eight, sizeof room); /* fortify */
    sum += room[0];
}
FAULT crash_forbidden(void) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, rules};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
    syscall(SYS_getppid); /* forbidden */
    sum++;
}
FAULT crash_raised(void) {
    raise(SIGSEGV); /* raised */
    sum++;
}
FAULT crash_killed(void) {
    kill(getpid(), SIGQUIT); /* killed */
    for (;;) pause();
}
static void give_up(int number) { (void)number; abort(); }
FAULT crash_handler_aborts(void) {
    signal(SIGSEGV, give_up);
    *nowhere = 7; /* handler_aborts */
}
static void pass_on(int number) { signal(number, SIG_DFL); }
FAULT crash_handler_returns(void) {
    signal(SIGSEGV, pass_on);
    *nowhere = 7; /* handler_returns */
}
static void raise_again(int number) { signal(number, SIG_DFL); raise(number); }
FAULT crash_handler_raises(void) {
    signal(SIGSEGV, raise_again);
    *nowhere = 7; /* handler_raises */
}
static void never(int number) { _exit(number); }
FAULT crash_blocked(void) {
    sigset_t set;
    signal(SIGSEGV, never);
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    *nowhere = 7; /* blocked */
}

/* No crashes: signals that the program handles. */
static void repair(int number, siginfo_t *info, void *context) {
    (void)number; (void)context;
    sum++;
    mprotect(info->si_addr, 4096, PROT_READ | PROT_WRITE);
}
static void fine_handled(void) {
    struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    char *pages = mmap(PLACE, 4096000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    for (int i = 0; i < 1000; i++) pages[i * 4096] = 1;
    signal(SIGABRT, SIG_IGN);
    raise(SIGABRT);
    exit(sum == 1000 ? 0 : 1);
}
static void fine_nothing(void) { exit(0); }
static void fine_seven(void) { exit(7); }
static void fine_terminated(void) { raise(SIGTERM); }
static void fine_hard_killed(void) { raise(SIGKILL); }

static const struct { const char *name; void (*function)(void); } FAULTS[] = {
    {"null", crash_null}, {"field", crash_field}, {"non_canonical", crash_non_canonical}, {"jump", crash_jump},
    {"read_only", crash_read_only}, {"bus", crash_bus}, {"overflow", crash_overflow}, {"illegal", crash_illegal},
    {"divide", crash_divide}, {"trap", crash_trap}, {"abort", crash_abort}, {"assert", crash_assert},
    {"double_free", crash_double_free}, {"wrong_free", crash_wrong_free}, {"heap_overrun", crash_heap_overrun},
    {"smash", crash_smash}, {"fortify", crash_fortify}, {"forbidden", crash_forbidden}, {"raised", crash_raised},
    {"killed", crash_killed}, {"handler_aborts", crash_handler_aborts}, {"handler_returns", crash_handler_returns},
    {"handler_raises", crash_handler_raises}, {"blocked", crash_blocked},
    {"fine_handled", fine_handled}, {"fine_nothing", fine_nothing}, {"fine_seven", fine_seven},
    {"fine_terminated", fine_terminated}, {"fine_hard_killed", fine_hard_killed},
};

static pthread_barrier_t ready;
static void *sleeper(void *unused) { pthread_barrier_wait(&ready); for (;;) pause(); return unused; }
static void *crasher(void *function) { pthread_barrier_wait(&ready); (*(void (**)(void))function)(); return 0; }

int main(int count, char **arguments) {
    void (*function)(void) = 0;
    int in_thread = 0, wait = 0;
    for (size_t i = 0; count > 1 && i < sizeof FAULTS / sizeof *FAULTS; i++)
        if (!strcmp(arguments[1], FAULTS[i].name)) function = FAULTS[i].function;
    for (int i = 2; i < count; i++) {
        in_thread |= !strcmp(arguments[i], "thread");
        wait |= !strcmp(arguments[i], "wait");
    }
    if (!function) return 99;
    if (wait) {
        puts("ready");
        fflush(stdout);
        getchar();
    }
    if (!in_thread) function();
    else {
        pthread_t threads[4];
        pthread_barrier_init(&ready, 0, 4);
        for (int i = 0; i < 3; i++) pthread_create(&threads[i], 0, sleeper, 0);
        pthread_create(&threads[3], 0, crasher, &function);
        pthread_join(threads[3], 0);
    }
    return 98;
}
