/* Crashes of C++ on purpose: `faults NAME [wait]`, like faults_linux.c. */
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>

#define FAULT __attribute__((noipa)) static void

namespace shop {
struct Sold_out : std::runtime_error {
    int left;
    Sold_out() : std::runtime_error("no apples are left"), left(4711) {}
};
}

struct Base {
    Base() { call(); }
    virtual ~Base() {}
    __attribute__((noipa)) void call() { pure(); } /* pure_virtual */
    virtual void pure() = 0;
};
struct Derived : Base {
    void pure() override {}
};

FAULT crash_throw() { throw shop::Sold_out(); } /* throw */
FAULT crash_throw_int() { throw 4711; } /* throw_int */
FAULT crash_terminate() { std::terminate(); } /* terminate */
FAULT crash_noexcept() noexcept { throw std::logic_error("thrown where nothing may be"); } /* noexcept */
FAULT crash_rethrow() {
    try {
        throw shop::Sold_out();
    } catch (const std::exception &) {
        throw; /* rethrow */
    }
}
FAULT crash_pure_virtual() { Derived derived; }
FAULT fine_caught() {
    try {
        throw shop::Sold_out();
    } catch (const std::exception &) {
    }
}

static const struct { const char *name; void (*function)(); } FAULTS[] = {
    {"throw", crash_throw}, {"throw_int", crash_throw_int}, {"terminate", crash_terminate},
    {"noexcept", crash_noexcept}, {"rethrow", crash_rethrow}, {"pure_virtual", crash_pure_virtual},
    {"fine_caught", fine_caught},
};

int main(int count, char **arguments) {
    if (count > 2) {
        std::puts("ready");
        std::fflush(stdout);
        std::getchar();
    }
    for (auto &fault : FAULTS)
        if (count > 1 && !std::strcmp(arguments[1], fault.name)) {
            fault.function();
            return 0;
        }
    return 99;
}
