/* A program that is captured while it runs. It says so when a call of its own fails because of that. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static volatile unsigned long turns;
volatile double sum = 0.5;

__attribute__((noinline)) void wait_for_events(int set) {
  struct epoll_event event;
  while (epoll_wait(set, &event, 1, 2000) >= 0) /* WAITS HERE */
    ;
  printf("epoll_wait failed: %s\n", strerror(errno));
  fflush(stdout);
}

__attribute__((noinline)) void wait_for_signal(void) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  while (sigwaitinfo(&set, &info) >= 0) /* SIGNAL HERE */
    ;
  printf("sigwaitinfo failed: %s\n", strerror(errno));
  fflush(stdout);
}

__attribute__((noinline)) void count(void) {
  for (;;) {
    turns++; /* COUNTS HERE */
    sum = sum * 1.0000001 + 0.25;
  }
}

static void *events(void *unused) {
  pthread_setname_np(pthread_self(), "events");
  wait_for_events(epoll_create1(0));
  return unused;
}

static void *signals(void *unused) {
  pthread_setname_np(pthread_self(), "signals");
  wait_for_signal();
  return unused;
}

static void *counter(void *unused) {
  pthread_setname_np(pthread_self(), "counter");
  count();
  return unused;
}

static void *brief(void *unused) { return unused; }

static void *breeder(void *unused) {
  pthread_setname_np(pthread_self(), "breeder");
  for (;;) {
    pthread_t thread;
    if (!pthread_create(&thread, 0, brief, 0)) pthread_join(thread, 0);
    usleep(500);
  }
  return unused;
}

__attribute__((noinline)) int answer(void) {
  char line[64];
  if (!fgets(line, sizeof line, stdin)) return 0; /* READS HERE */
  printf("%lu %s", turns, line);
  fflush(stdout);
  return 1;
}

int main(int argc, char **argv) {
  pthread_t thread;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, 0);
  pthread_create(&thread, 0, events, 0);
  pthread_create(&thread, 0, signals, 0);
  pthread_create(&thread, 0, counter, 0);
  if (argc > 1 && !strcmp(argv[1], "breed")) pthread_create(&thread, 0, breeder, 0);
  printf("ready\n");
  fflush(stdout);
  while (answer())
    ;
  return 7;
}
