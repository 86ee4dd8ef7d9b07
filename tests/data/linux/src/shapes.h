/* Functions that are inlined into both units. */
#pragma once

static inline __attribute__((always_inline)) long twice(long value) {
  return value + value;
}

static inline __attribute__((always_inline)) long four_times(long value) {
  long half = twice(value);
  return twice(half) ^ 1;
}
