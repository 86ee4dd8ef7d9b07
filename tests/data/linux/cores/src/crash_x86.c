/* The smallest program of 32 bits that crashes with a stack to walk. */
static int *volatile p;
__attribute__((noinline)) static int deep(int n) { if (n == 0) return *p + 1; return deep(n - 1) + n; }
__attribute__((used)) void entry(void) { deep(4); }
__asm__(".globl _start\n_start: .cfi_startproc\n .cfi_undefined eip\n call entry\n ud2\n .cfi_endproc\n");
