/* filters.dll: walks over pixels. Its PDB is not kept: only exports name its code. */
#define BUILDING_DLL
#include "host.h"

NOINLINE static int walk_row(const Picture *picture, int y, int threshold, Visitor *visit, void *context)
{
    int seen = 0;
    for (int x = 0; x < picture->width; x++) {
        int value = picture->pixels[y * picture->width + x];
        if (value > threshold && visit(context, x, y, value))
            seen++;
    }
    return seen;
}

API int apply_filter(const Picture *picture, int threshold, Visitor *visit, void *context)
{
    int rows = 0;
    for (int y = 0; y < picture->height; y++)
        rows += walk_row(picture, y, threshold, visit, context) > 0;
    return rows;
}

API int filter_version(void)
{
    return 3;
}
