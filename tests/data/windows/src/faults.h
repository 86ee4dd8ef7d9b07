/* One function for each fault that faults.exe can make. */
#pragma once
#include "win32.h"

#ifdef __cplusplus
extern "C" {
#endif

/* memory.c */
void null_read(void);
void freed_pointer(void);
void write_readonly(void);
void stack_overflow(void);
void stack_probe(void);

/* control.c */
void wild_jump(void);
void null_call(void);
void execute_data(void);
void divide_by_zero(void);
void illegal_instruction(void);
void privileged_instruction(void);
void breakpoint(void);
void fast_fail(void);
void seh_then_custom(void);

/* shapes.c */
void deep_inline(void);
void dynamic_frame(void);
void big_frame(void);
void saved_registers(void);
void tail_call(void);

/* threads.c */
void named_threads(void);
void deadlock(void);

/* throw.cpp */
void cpp_throw(void);

#ifdef __cplusplus
}
#endif
