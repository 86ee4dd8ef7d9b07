/* Threads in known places; the way to crash is the argument. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct order { int number; struct order *next; };
static volatile int zero;
static int *volatile nowhere;

static void by_signal_handler(int number) { (void)number; abort(); }
static int deep(int n, char **argv);

static int crash(const char *how) {
    if (!strcmp(how, "segv")) return *nowhere = 7;
    if (!strcmp(how, "abort")) abort();
    if (!strcmp(how, "fpe")) return 7 / zero;
    if (!strcmp(how, "ill")) __builtin_trap();
    if (!strcmp(how, "ro")) { *(volatile char *)"text" = 1; }
    if (!strcmp(how, "handler")) { signal(SIGSEGV, by_signal_handler); return *nowhere; }
    if (!strcmp(how, "jump")) ((int (*)(void))(unsigned long)0x1234)();
    if (!strcmp(how, "bus")) {
        char name[] = "busXXXXXX"; int f = mkstemp(name); unlink(name);
        char *p = mmap(0, 4096, PROT_READ, MAP_SHARED, f, 0);
        return *p;
    }
    if (!strcmp(how, "overflow")) return deep(1 << 30, 0) + 1;
    if (!strcmp(how, "kill")) kill(getpid(), SIGQUIT);
    if (!strcmp(how, "sleep")) pause();
    return 0;
}

static int deep(int n, char **argv) {
    volatile char room[100];
    room[n & 63] = n;
    if (n == 0) return crash(argv[1]);
    return deep(n - 1, argv) + room[n & 63];
}

static pthread_barrier_t ready;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *sleeper(void *arg) { pthread_barrier_wait(&ready); for (;;) sleep(1000); return arg; }
static void *waiter(void *arg) { pthread_barrier_wait(&ready); pthread_mutex_lock(&lock); return arg; }
static void *crasher(void *arg) { pthread_barrier_wait(&ready); usleep(100000); deep(3, arg); return 0; }

static int compare(const void *a, const void *b) {
    static char *args[3]; (void)a; (void)b;
    args[1] = "abort"; deep(1, args); return 0;
}

int main(int argc, char **argv) {
    pthread_t threads[3];
    if (argc > 2 && !strcmp(argv[2], "threads")) {
        pthread_barrier_init(&ready, 0, 4);
        pthread_mutex_lock(&lock);
        pthread_create(&threads[0], 0, sleeper, 0);
        pthread_create(&threads[1], 0, waiter, 0);
        pthread_create(&threads[2], 0, crasher, argv);
        pthread_barrier_wait(&ready);
        pthread_join(threads[2], 0);
    }
    if (argc > 2 && !strcmp(argv[2], "sort")) { int list[] = {3, 1, 2}; qsort(list, 3, 4, compare); }
    return deep(argc > 2 ? atoi(argv[2]) : 5, argv);
}
