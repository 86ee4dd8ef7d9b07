/* host.exe: has a plug-in look at a picture, and crashes when it is called back through two DLLs. */
#include "host.h"

API int run_plugin(const Picture *picture, Visitor *visit, void *context);

typedef struct {
    int total;
    int *counts; /* one for each value; nobody made them */
} Histogram;

NOINLINE static BOOL on_pixel(void *context, int x, int y, int value)
{
    Histogram *histogram = context;
    histogram->total += x + y;
    histogram->counts[value]++;
    return 1;
}

NOINLINE static int render(const Picture *picture)
{
    Histogram histogram = {0, 0};
    int seen = run_plugin(picture, on_pixel, &histogram);
    return seen + histogram.total;
}

int main(int argc, char **argv)
{
    static const BYTE pixels[] = {9, 8, 7, 6, 5, 4};
    Picture picture = {3, 2, pixels};
    (void)argc, (void)argv;
    say_number("seen ", render(&picture));
    return 0;
}
