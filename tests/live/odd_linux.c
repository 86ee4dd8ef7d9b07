/* Programs in states that few programs are in. The first argument says which. */
#define _GNU_SOURCE
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

static int *volatile nothing;

__attribute__((noinline)) static void crash(void) { *nothing = 1; /* crash */ }

static void forbid(int first, int second) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, second, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {5, rules};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void *crash_later(void *at_once) {
    char line[8];
    puts("ready");
    if (at_once || fgets(line, sizeof line, stdin)) crash();
    return 0;
}

static void *forbidden_to_copy(void *unused) {
    forbid(SYS_clone, SYS_wait4);
    for (;;) pause();
    return unused;
}

/* The main thread ends before another one, which crashes. */
static void main_ended(char *at_once) {
    pthread_t thread;
    pthread_create(&thread, 0, crash_later, at_once);
    pthread_exit(0);
}

/* Only the main thread may make a process; it is busy, and the others wait. */
static void filtered_threads(void) {
    pthread_t thread;
    for (int i = 0; i < 3; i++) pthread_create(&thread, 0, forbidden_to_copy, 0);
    usleep(100000);
    puts("ready");
    for (volatile long count = 0;; count++) {}
}

__attribute__((noinline)) static void filter_kills(void) {
    forbid(SYS_getppid, SYS_getppid);
    getppid(); /* filter_kills */
}

/* 4 TiB of memory, of which a few pages are used. */
static void sparse(void) {
    char *memory = mmap(0, 1UL << 42, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (unsigned long i = 0; i < 16; i++) strcpy(memory + (i << 38) + 4096, "some text");
    printf("%p\n", (void *)memory);
    crash_later(0);
}

static void *end(void *unused) { return unused; }

static void *make_threads(void *unused) {
    for (pthread_t thread;;)
        if (!pthread_create(&thread, 0, end, 0)) pthread_join(thread, 0);
    return unused;
}

/* Threads are born and end all the time. */
static void restless(void) {
    pthread_t thread;
    for (int i = 0; i < 8; i++) pthread_create(&thread, 0, make_threads, 0);
    crash_later(0);
}

static void *crash_together(void *barrier) {
    pthread_barrier_wait(barrier);
    crash();
    return 0;
}

/* Threads crash at the same time. */
static void all_crash(void) {
    pthread_barrier_t barrier;
    pthread_t thread;
    pthread_barrier_init(&barrier, 0, 8);
    for (int i = 0; i < 8; i++) pthread_create(&thread, 0, crash_together, &barrier);
    pthread_join(thread, 0);
}

static void give_up(int number) { (void)number; abort(); }

__attribute__((noinline)) static int recurse(int depth) {
    volatile char room[256];
    room[0] = (char)depth;
    return recurse(depth + 1) + room[0];
}

/* As run-time libraries do it: the handler has a stack of its own, and ends the program. */
static void overflow_told(void) {
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, 0);
    sigaction(SIGSEGV, &action, 0);
    recurse(0);
}

/* It becomes itself, a thousand times a second. */
static void reborn(char **words) {
    if (!words[2]) puts("ready");
    usleep(300);
    execl("/proc/self/exe", words[0], "reborn", "again", (char *)0);
}

int main(int count, char **words) {
    setvbuf(stdout, 0, _IONBF, 0);
    if (count < 2) return 2;
    if (!strcmp(words[1], "main_ended")) main_ended(words[2]);
    if (!strcmp(words[1], "filtered_threads")) filtered_threads();
    if (!strcmp(words[1], "filter_kills")) filter_kills();
    if (!strcmp(words[1], "sparse")) sparse();
    if (!strcmp(words[1], "overflow_told")) overflow_told();
    if (!strcmp(words[1], "restless")) restless();
    if (!strcmp(words[1], "reborn")) reborn(words);
    if (!strcmp(words[1], "all_crash")) all_crash();
    return 1;
}
