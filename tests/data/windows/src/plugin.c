/* plugin.dll: counts the bright pixels of a picture. Comes with its PDB. */
#define BUILDING_DLL
#include "host.h"

__declspec(dllimport) int apply_filter(const Picture *picture, int threshold, Visitor *visit, void *context);

typedef struct {
    Visitor *visit;
    void *context;
    int bright;
} Count;

static BOOL count_pixel(void *context, int x, int y, int value)
{
    Count *count = context;
    if (!count->visit(count->context, x, y, value))
        return 0;
    count->bright++;
    return 1;
}

NOINLINE static int filter_picture(const Picture *picture, Count *count)
{
    int rows = apply_filter(picture, 5, count_pixel, count);
    return rows * 1000 + count->bright;
}

API int run_plugin(const Picture *picture, Visitor *visit, void *context)
{
    Count count = {visit, context, 0};
    int answer = filter_picture(picture, &count);
    return answer + count.bright;
}
