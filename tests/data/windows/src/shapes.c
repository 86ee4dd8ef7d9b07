/* Shapes of frames: deep inlining, frames of a size known only at run time, large ones, many saved registers, tail
 * calls. Each ends in a fault in its innermost function. */
#include "faults.h"

typedef struct {
    int width, height;
    const unsigned *texels;
} Texture;

static const Texture *volatile bound_texture;
static volatile unsigned bad_value = 0x10;

FORCEINLINE static unsigned fetch(const Texture *texture, int at)
{
    return texture->texels[at];
}

FORCEINLINE static unsigned sample(const Texture *texture, int x, int y)
{
    return fetch(texture, y * texture->width + x);
}

FORCEINLINE static unsigned blend(const Texture *texture, int x, int y)
{
    unsigned here = sample(texture, x, y);
    unsigned next = sample(texture, x + 1, y);
    return (here >> 1) + (next >> 1);
}

FORCEINLINE static unsigned shade(int x, int y)
{
    return blend(bound_texture, x, y) | 0xFF000000u;
}

FORCEINLINE static unsigned draw_row(int y)
{
    unsigned sum = 0;
    for (int x = 0; x < 3; x++)
        sum += shade(x, y);
    return sum;
}

NOINLINE static unsigned draw_picture(int height)
{
    unsigned sum = 0;
    for (int y = 0; y < height; y++)
        sum ^= draw_row(y);
    return sum;
}

void deep_inline(void)
{
    static const Texture texture = {4, 4, 0};
    bound_texture = &texture;
    say_number("sum ", draw_picture(4));
}

NOINLINE static unsigned checksum(const char *text, int length)
{
    const unsigned *wrong = (const unsigned *)(SIZE_T)bad_value;
    unsigned sum = *wrong;
    for (int i = 0; i < length; i++)
        sum = sum * 31 + (BYTE)text[i];
    return sum;
}

/* Its frame has a frame register, since the room for the line is asked for at run time. */
NOINLINE static unsigned pad_line(const char *line, int width)
{
    char *padded = __builtin_alloca((SIZE_T)width);
    int i = 0;
    for (; i < width && line[i]; i++)
        padded[i] = line[i];
    for (; i < width; i++)
        padded[i] = ' ';
    return checksum(padded, width) + 1;
}

NOINLINE static unsigned print_lines(int count)
{
    unsigned sum = 0;
    for (int i = 0; i < count; i++)
        sum ^= pad_line("a line", 50 + 100 * i);
    return sum;
}

void dynamic_frame(void)
{
    say_number("sum ", print_lines(3));
}

NOINLINE static unsigned sort_rows(unsigned *rows, int count)
{
    for (int i = 0; i < count; i++)
        rows[i] = (unsigned)(count - i);
    return *(volatile unsigned *)(SIZE_T)bad_value + rows[count / 2];
}

/* 24,000 bytes: the prologue must call the stack probe. */
NOINLINE static unsigned build_table(int count)
{
    unsigned rows[6000];
    unsigned middle = sort_rows(rows, count);
    return middle + rows[0];
}

void big_frame(void)
{
    say_number("middle ", build_table(6000));
}

NOINLINE static long long measure(long long at)
{
    return at + *(volatile unsigned *)(SIZE_T)bad_value;
}

/* Keeps more values over its calls than there are registers: all callee-saved ones are pushed. */
NOINLINE static long long mix(long long a, long long b, long long c, double scale)
{
    double low = (double)a * scale, high = (double)b * scale;
    long long d = a ^ b, e = b ^ c, f = a * c, g = measure(a + 1);
    g += measure(d) * e;
    return (long long)(low + high) + a + b + c + d + e + f + g;
}

NOINLINE static long long mix_twice(long long a, long long b, double scale)
{
    long long c = mix(a, b, a - b, scale);
    return c + mix(b, a, c, scale * 2) + a + b;
}

void saved_registers(void)
{
    volatile double scale = 1.5;
    say_number("mixed ", mix_twice(3, 4, scale));
}

NOINLINE static int write_block(int block)
{
    return block + *(volatile int *)(SIZE_T)bad_value;
}

NOINLINE static int flush_buffer(int block)
{
    say_number("flush ", block);
    __attribute__((musttail)) return write_block(block + 1);
}

NOINLINE static int close_file(int block)
{
    say_number("close ", block);
    __attribute__((musttail)) return flush_buffer(block + 1);
}

NOINLINE static int close_all(int files)
{
    int sum = 0;
    for (int i = 0; i < files; i++)
        sum += close_file(10 * i);
    return sum;
}

void tail_call(void)
{
    say_number("closed ", close_all(2));
}
