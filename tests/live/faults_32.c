/* A crash of a 32-bit program that needs no library: built by `cc -m32 -nostdlib -static`. */
static int *volatile nowhere;
__attribute__((noipa)) static int crash_null(int value) { return *nowhere = value; } /* null32 */
__attribute__((noipa)) static int start(int value) { return crash_null(value) + 1; }
void _start(void) {
    int result = start(7);
    __asm__ volatile("int $0x80" : : "a"(1), "b"(result));
}
