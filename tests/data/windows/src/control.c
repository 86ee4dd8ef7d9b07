/* Faults by going where one must not, and by instructions that refuse. */
#include "faults.h"

__attribute__((noreturn)) void __fastfail(unsigned code);

typedef int Handler(int event);

NOINLINE static int on_open(int event)
{
    return event + 1;
}

static Handler *volatile handlers[] = {on_open, (Handler *)0x0BAD0BAD, 0};

NOINLINE static int dispatch(int event)
{
    return 2 * handlers[event](event) + 1;
}

NOINLINE static int pump_events(int first)
{
    return dispatch(0) + dispatch(first);
}

void wild_jump(void)
{
    say_number("answer ", pump_events(1));
}

void null_call(void)
{
    say_number("answer ", pump_events(2));
}

static BYTE script[16] = {0xB8, 0x2A, 0, 0, 0, 0xC3}; /* mov eax, 42; ret: but data may not run */

NOINLINE static int run_script(BYTE *volatile code)
{
    return 1 + ((Handler *)code)(0);
}

void execute_data(void)
{
    say_number("answer ", run_script(script));
}

static volatile int samples;

NOINLINE static int average(int sum, int count)
{
    return sum / count;
}

NOINLINE static int report_average(void)
{
    return 10 + average(1234, samples);
}

void divide_by_zero(void)
{
    say_number("average ", report_average());
}

NOINLINE static void unreachable_state(int state)
{
    say_number("unreachable state ", state);
    __builtin_trap();
}

NOINLINE static int next_state(int state)
{
    if (state > 3)
        unreachable_state(state);
    return state + 1;
}

void illegal_instruction(void)
{
    volatile int state = 2;
    while (state)
        state = next_state(state);
}

NOINLINE static void wait_for_interrupt(void)
{
    say("halting\n");
#ifdef __aarch64__
    __asm__ volatile("msr vbar_el1, xzr");
#else
    __asm__ volatile("hlt");
#endif
}

void privileged_instruction(void)
{
    wait_for_interrupt();
    say("woken\n");
}

NOINLINE static void check(BOOL condition, const char *what)
{
    if (condition)
        return;
    say("check failed: ");
    say(what);
    say("\n");
    __debugbreak();
}

void breakpoint(void)
{
    check(samples == 0, "samples == 0");
    check(samples > 0, "samples > 0");
    say("goes on\n");
}

typedef struct Link {
    struct Link *next, *before;
} Link;

NOINLINE static void unlink(Link *link)
{
    if (link->next->before != link || link->before->next != link)
        __fastfail(3); /* FAST_FAIL_CORRUPT_LIST_ENTRY */
    link->next->before = link->before;
    link->before->next = link->next;
}

NOINLINE static void drain(Link *head)
{
    while (head->next != head)
        unlink(head->next);
}

void fast_fail(void)
{
    Link head, a = {&head, &head}, b = {&head, &a};
    head.next = &a;
    head.before = &b;
    drain(&head);
    say("drained\n");
}

static const int *volatile missing_table;

NOINLINE static int look_up(int index)
{
    return missing_table[index];
}

NOINLINE static int guarded_look_up(int index)
{
    __try {
        return look_up(index);
    } __except (1) {
        say("no table: handled\n");
        return -1;
    }
}

NOINLINE static void report_damage(int index)
{
    SIZE_T details[3] = {(SIZE_T)index, 0x1234, 0x5678};
    RaiseException(0xE0424242, 1 /* not continuable */, 3, details);
}

void seh_then_custom(void)
{
    int found = guarded_look_up(4);
    if (found < 0)
        report_damage(found);
    say("found\n");
}
