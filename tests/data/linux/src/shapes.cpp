// Shapes of code whose debug information is awkward: nested inlining, scopes, templates, cold parts, tail calls.
#include "shapes.h"

extern "C" long plain(long *values, long count);
volatile long sink;

namespace geometry {
struct Shape {
  long sides;
  explicit Shape(long n) : sides(n) {}
  virtual __attribute__((noinline)) long area() const { return four_times(sides) + sink; }
  __attribute__((always_inline)) long scaled(long factor) const {
    long total = 0;
    for (long i = 0; i < factor; ++i) total += four_times(sides * i + sink);
    return total;
  }
  struct Corner {
    static __attribute__((noinline)) long angle(long n) { sink = n; return n * 180 - 360; }
  };
};

struct Square final : Shape {
  Square() : Shape(4) {}
  __attribute__((noinline)) long area() const override { return scaled(sides) * sides; }
};

template <typename T, int Times> __attribute__((noinline)) T repeat(T value) {
  T total = value;
  for (int i = 0; i < Times; ++i) total = total * 3 + twice(total) + sink;
  return total;
}
}  // namespace geometry

namespace {
struct Hidden {
  long base;
  __attribute__((noinline)) long lookup(long key) { return key ? four_times(base) / key : sink; }
  __attribute__((always_inline)) long inlined(long key) { return twice(key + sink) - base; }
};

__attribute__((noinline)) long local(long value) {
  Hidden hidden{value};
  return hidden.lookup(value & 7) + hidden.inlined(value);
}
}  // namespace

static __attribute__((noinline, cold)) void complain(long code) {
  sink = code;
  __builtin_trap();
}

__attribute__((noinline)) long checked(long value) {
  if (__builtin_expect(value < -1000, 0)) {
    sink = four_times(value);
    complain(value);
  }
  return twice(value);
}

__attribute__((noinline)) long with_frame(long count) {
  long *room = static_cast<long *>(__builtin_alloca(count * sizeof(long)));
  for (long i = 0; i < count; ++i) room[i] = twice(i) + sink;
  return plain(room, count);
}

extern "C" __attribute__((noinline)) long run(long seed) {
  auto adder = [seed](long value) __attribute__((noinline)) { return four_times(value) + seed; };
  geometry::Square square;
  const geometry::Shape &shape = square;
  long result = adder(seed) + shape.area() + geometry::Shape(seed).area();
  result += geometry::repeat<long, 3>(seed) + geometry::repeat<short, 2>(static_cast<short>(seed));
  result += local(seed) + checked(seed) + with_frame(seed & 15) + geometry::Shape::Corner::angle(seed);
  return result;
}

extern "C" void *__cxa_pure_virtual() { __builtin_trap(); }

extern "C" void _start() {
  sink = run(5);
  for (;;) {}
}
