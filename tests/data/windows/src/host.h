/* What host.exe, plugin.dll and filters.dll agree on. */
#pragma once
#include "win32.h"

typedef struct {
    int width, height;
    const BYTE *pixels;
} Picture;

/* Told of each pixel; a false answer ends the walk. */
typedef BOOL Visitor(void *context, int x, int y, int value);

#ifdef BUILDING_DLL
#define API __declspec(dllexport)
#else
#define API __declspec(dllimport)
#endif
