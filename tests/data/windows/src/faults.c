/* faults.exe NAME: runs into the fault of that name. */
#include "faults.h"

#define FAULT(name) {#name, name}
static const struct {
    const char *name;
    void (*run)(void);
} faults[] = {
    FAULT(null_read),    FAULT(freed_pointer),       FAULT(write_readonly),         FAULT(stack_overflow),
    FAULT(stack_probe),  FAULT(wild_jump),           FAULT(null_call),              FAULT(execute_data),
    FAULT(breakpoint),   FAULT(illegal_instruction), FAULT(privileged_instruction), FAULT(divide_by_zero),
    FAULT(fast_fail),    FAULT(seh_then_custom),     FAULT(deep_inline),            FAULT(dynamic_frame),
    FAULT(big_frame),    FAULT(saved_registers),     FAULT(tail_call),              FAULT(named_threads),
    FAULT(deadlock),     FAULT(cpp_throw),
};

int main(int argc, char **argv)
{
    for (unsigned i = 0; argc > 1 && i < sizeof faults / sizeof *faults; i++) {
        if (same_text(argv[1], faults[i].name)) {
            faults[i].run();
            say("still alive\n");
            return 0;
        }
    }
    say("usage: faults NAME\n");
    return 2;
}
