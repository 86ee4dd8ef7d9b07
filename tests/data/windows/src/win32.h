/* The few Windows declarations that the programs need, so that they build without any SDK. */
#pragma once

#define NOINLINE __declspec(noinline)
#define FORCEINLINE __forceinline
#define WINAPI __stdcall
#define IMPORT __declspec(dllimport)

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned char BYTE;
typedef unsigned short WORD;
typedef unsigned int DWORD;
typedef int BOOL;
typedef unsigned short WCHAR;
typedef void *HANDLE;
typedef __SIZE_TYPE__ SIZE_T;

IMPORT HANDLE WINAPI GetStdHandle(DWORD which);
IMPORT BOOL WINAPI WriteFile(HANDLE file, const void *data, DWORD size, DWORD *written, void *overlapped);
IMPORT const char *WINAPI GetCommandLineA(void);
IMPORT __attribute__((noreturn)) void WINAPI ExitProcess(DWORD code);
IMPORT void WINAPI Sleep(DWORD milliseconds);
IMPORT HANDLE WINAPI GetCurrentThread(void);
IMPORT HANDLE WINAPI CreateThread(void *security, SIZE_T stack, DWORD(WINAPI *start)(void *), void *argument,
                                  DWORD flags, DWORD *id);
IMPORT HANDLE WINAPI CreateEventA(void *security, BOOL manual, BOOL initial, const char *name);
IMPORT BOOL WINAPI SetEvent(HANDLE event);
IMPORT DWORD WINAPI WaitForSingleObject(HANDLE object, DWORD milliseconds);
IMPORT int WINAPI SetThreadDescription(HANDLE thread, const WCHAR *name);
IMPORT void WINAPI RaiseException(DWORD code, DWORD flags, DWORD count, const SIZE_T *arguments);

/* runtime.c */
void say(const char *text);
void say_number(const char *before, long long number);
void *memset(void *to, int value, SIZE_T size);
BOOL same_text(const char *a, const char *b);

#ifdef __cplusplus
}
#endif
