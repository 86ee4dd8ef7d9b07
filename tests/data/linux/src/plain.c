/* C: no scopes, no linkage names; a nested chain of inlined functions from a header, and one with switch tables. */
#include "shapes.h"

static long depth_three(long value) { return four_times(value) - 3; }
static inline long depth_two(long value) { return depth_three(value + 2) * 5; }
static inline long depth_one(long value) { return depth_two(value) + depth_two(value + 1); }

long plain(long *values, long count) {
  long total = 0;
  for (long i = 0; i < count; ++i) {
    if (values[i] & 1)
      total += depth_one(values[i]);
    else
      total ^= twice(values[i]);
  }
  return total;
}

__attribute__((noinline)) long choose(long which, long value) {
  switch (which) {
    case 0: return value + 1;
    case 1: return twice(value) * 7;
    case 2: return four_times(value) / 3;
    case 3: return plain(&value, 1);
    default: return which;
  }
}
