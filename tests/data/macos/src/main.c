/* The data and the start of both images. */
void *volatile kept;
long bare_run(long), chained_run(long), run(long);

long both(long a) { return bare_run(a) + chained_run(a); }
static __attribute__((noinline)) long hidden(long a) { return both(a) ^ 0x55; }
long start(void) { return hidden(7) + hidden(8); }
