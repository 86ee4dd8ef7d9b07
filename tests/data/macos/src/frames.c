/* Every kind of frame that compact unwind information tells apart. KEEP_n makes a function save n registers. */
#ifdef CHAINED
#define NAME(name) chained_##name
#else
#define NAME(name) bare_##name
#endif
#define FUNCTION __attribute__((noinline)) long

#ifdef __x86_64__
#define LOSE(register) __asm__ volatile("not %%" #register ::: #register)
#define KEEP_1 LOSE(rbx)
#define KEEP_2 LOSE(r14); LOSE(rbx)
#define KEEP_3 LOSE(r12); LOSE(r15); LOSE(rbx)
#define KEEP_5 LOSE(rbx); LOSE(r12); LOSE(r13); LOSE(r14); LOSE(r15)
#ifdef CHAINED
#define KEEP_FP LOSE(r13)
#else
#define KEEP_FP LOSE(r13); LOSE(rbp)
#endif
#define KEEP_FLOATS
#else
#define LOSE(register) __asm__ volatile("mvn " #register ", " #register ::: #register)
#define KEEP_1 LOSE(x19)
#define KEEP_2 LOSE(x19); LOSE(x20)
#define KEEP_3 LOSE(x19); LOSE(x22); LOSE(x26)
#define KEEP_5 LOSE(x19); LOSE(x20); LOSE(x21); LOSE(x22); LOSE(x23); LOSE(x24); LOSE(x25); LOSE(x27); LOSE(x28)
#define KEEP_FP KEEP_2
#define KEEP_FLOATS __asm__ volatile("" ::: "d8", "d9", "d11")
#endif

extern void *volatile kept;

FUNCTION NAME(leaf)(long a) { return a * 3; }
FUNCTION NAME(leaf_keeps_2)(long a) { KEEP_2; return a * 5; }
FUNCTION NAME(leaf_with_room)(long a) { char room[200]; KEEP_2; kept = room; return a * 7; }
FUNCTION NAME(small)(long a) { return NAME(leaf)(a) + NAME(leaf_keeps_2)(a + 1); }
FUNCTION NAME(keeps_1)(long a) { KEEP_1; return NAME(small)(a) + NAME(leaf_with_room)(a); }
FUNCTION NAME(keeps_2)(long a) { KEEP_2; return NAME(keeps_1)(a) * a; }
FUNCTION NAME(keeps_3)(long a) { char room[40]; KEEP_3; kept = room; return NAME(keeps_2)(a) - a; }
FUNCTION NAME(keeps_5)(long a) { char room[300]; KEEP_5; kept = room; return NAME(keeps_3)(a) ^ a; }
FUNCTION NAME(keeps_fp)(long a) { KEEP_FP; return NAME(keeps_5)(a) + 5; }
FUNCTION NAME(floats)(long a) { KEEP_FLOATS; KEEP_2; return NAME(keeps_fp)(a) + 6; }
FUNCTION NAME(page)(long a) { char room[5000]; KEEP_1; kept = room; return NAME(floats)(a) + 1; }
FUNCTION NAME(huge)(long a) { char room[200000]; KEEP_2; kept = room; return NAME(page)(a) + 1; }
FUNCTION NAME(dynamic)(long a) { char *room = __builtin_alloca(a & 63); kept = room; return NAME(huge)(a) + room[0]; }
FUNCTION NAME(early)(long a) {
  if (a < 0) return NAME(leaf)(-a);
  KEEP_3;
  if (a > 1000) return NAME(small)(a) + 1;
  return NAME(dynamic)(a) * 2;
}
FUNCTION NAME(tail)(long a) {
  KEEP_1;
  if (NAME(early)(a) & 1) return NAME(small)(a ^ 1);
  return NAME(keeps_1)(a ^ 2);
}
FUNCTION NAME(nine)(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j) {
  KEEP_1;
  return NAME(tail)(a + b + c + d + e + f + g + h + i + j) + NAME(early)(-a) + NAME(early)(2000 + a);
}
FUNCTION NAME(run)(long a) { return NAME(nine)(a, 1, 2, 3, 4, 5, 6, 7, 8, a) + NAME(tail)(a + 1) + 1; }
