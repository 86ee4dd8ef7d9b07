/* Breeds threads and children and gets signals for some seconds, and tells whether any call failed meanwhile.
   `busy SECONDS [crash]` */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int ticks, born, children, failed;

static void tick(int number) { (void)number; ticks++; }
static void *short_lived(void *unused) { born++; return unused; }
static void *breeder(void *unused) {
    for (;; usleep(200)) {
        pthread_t thread;
        if (pthread_create(&thread, 0, short_lived, 0)) failed++;
        else pthread_join(thread, 0);
    }
    return unused;
}
static void *forker(void *unused) {
    for (;; usleep(1000)) {
        int status, pid = fork();
        if (!pid) _exit(3);
        if (waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 3) failed++;
        children++;
    }
    return unused;
}
static void *spawner(void *unused) {
    for (;; usleep(1000)) {
        int status = system("exit 4");
        if (WEXITSTATUS(status) != 4) failed++;
        children++;
    }
    return unused;
}

int main(int count, char **arguments) {
    struct itimerval often = {{0, 5000}, {0, 5000}};
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    pthread_t thread;
    sigaction(SIGALRM, &action, 0);
    setitimer(ITIMER_REAL, &often, 0);
    pthread_create(&thread, 0, breeder, 0);
    pthread_create(&thread, 0, breeder, 0);
    pthread_create(&thread, 0, forker, 0);
    pthread_create(&thread, 0, spawner, 0);
    for (int i = atoi(arguments[1]) * 20; i > 0; i--) {
        struct timespec left = {0, 50000000};
        while (nanosleep(&left, &left) && errno == EINTR) {}
    }
    printf("busy: %d failed: %d\n", ticks > 50 && born > 50 && children > 50, failed);
    fflush(stdout);
    if (count > 2) *(volatile int *)8 = 1;
    _exit(6);
}
