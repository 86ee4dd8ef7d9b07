/* What a C run-time library would give: the entry point, stack probes, memory functions and a little output. */
#include "win32.h"

int main(int argc, char **argv);

int _fltused = 1;

NOINLINE void say(const char *text)
{
    DWORD length = 0, written;
    while (text[length])
        length++;
    WriteFile(GetStdHandle((DWORD)-11), text, length, &written, 0);
}

void say_number(const char *before, long long number)
{
    char digits[24], *at = digits + sizeof digits;
    unsigned rest = number < 0 ? 0u - (unsigned)number : (unsigned)number;
    *--at = 0;
    *--at = '\n';
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        *--at = '-';
    say(before);
    say(at);
}

BOOL same_text(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

__attribute__((no_builtin)) void *memset(void *to, int value, SIZE_T size)
{
    for (SIZE_T i = 0; i < size; i++)
        ((volatile char *)to)[i] = (char)value;
    return to;
}

__attribute__((no_builtin)) void *memcpy(void *to, const void *from, SIZE_T size)
{
    for (SIZE_T i = 0; i < size; i++)
        ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}

/* Touches each page of a new frame, so that the guard page moves down. Size in rax/eax. */
#ifdef __x86_64__
__asm__(".globl __chkstk\n"
        ".def __chkstk; .scl 2; .type 32; .endef\n"
        "__chkstk:\n"
        "  movq %rax, %r11\n"
        "  leaq 8(%rsp), %r10\n"
        "1: cmpq $4096, %r11\n"
        "  jb 2f\n"
        "  subq $4096, %r10\n"
        "  testb %r10b, (%r10)\n"
        "  subq $4096, %r11\n"
        "  jmp 1b\n"
        "2: subq %r11, %r10\n"
        "  testb %r10b, (%r10)\n"
        "  retq\n");
#elif defined(__aarch64__) /* size in units of 16 in x15 */
__asm__(".globl __chkstk\n"
        ".def __chkstk; .scl 2; .type 32; .endef\n"
        "__chkstk:\n"
        "  lsl x16, x15, #4\n"
        "  mov x17, sp\n"
        "1: sub x17, x17, #4096\n"
        "  ldr xzr, [x17]\n"
        "  subs x16, x16, #4096\n"
        "  b.gt 1b\n"
        "  ret\n");
#else
__asm__(".globl __chkstk\n"
        ".globl __alloca_probe\n"
        "__chkstk:\n"
        "__alloca_probe:\n"
        "  pushl %ecx\n"
        "  leal 8(%esp), %ecx\n"
        "1: cmpl $4096, %eax\n"
        "  jb 2f\n"
        "  subl $4096, %ecx\n"
        "  testb %cl, (%ecx)\n"
        "  subl $4096, %eax\n"
        "  jmp 1b\n"
        "2: subl %eax, %ecx\n"
        "  testb %cl, (%ecx)\n"
        "  movl %esp, %eax\n"
        "  movl %ecx, %esp\n"
        "  movl (%eax), %ecx\n"
        "  movl 4(%eax), %eax\n"
        "  pushl %eax\n"
        "  retl\n");
#endif

/* The program's name may be quoted; arguments are plain words. */
static int split(char *line, char **words, int room)
{
    int count = 0;
    while (*line && count < room) {
        char end = ' ';
        while (*line == ' ')
            line++;
        if (*line == '"')
            end = *line++;
        if (!*line)
            break;
        words[count++] = line;
        while (*line && *line != end)
            line++;
        if (*line)
            *line++ = 0;
    }
    return count;
}

NOINLINE __attribute__((used)) void mainCRTStartup(void)
{
    static char line[1024];
    char *argv[8];
    const char *from = GetCommandLineA();
    for (int i = 0; from[i] && i < 1023; i++)
        line[i] = from[i];
    ExitProcess((DWORD)main(split(line, argv, 8), argv));
}
