/* Several threads: three named workers of which the second one crashes, and two threads that wait for each other. */
#include "faults.h"

typedef struct {
    int number;
    const WCHAR *name;
    const char *const *files;
    HANDLE ready, go;
} Worker;

static const char *const names_of_2[] = {"index", "pages", 0};

NOINLINE static int length_of(const char *name)
{
    int length = 0;
    while (name[length])
        length++;
    return length;
}

NOINLINE static int load_files(const Worker *worker)
{
    int sum = 0;
    for (int i = 0; i < 3; i++) /* one too many */
        sum += length_of(worker->files[i]);
    return sum;
}

NOINLINE static void wait_to_go(const Worker *worker)
{
    SetEvent(worker->ready);
    WaitForSingleObject(worker->go, 0xFFFFFFFF);
}

static DWORD WINAPI run_worker(void *argument)
{
    const Worker *worker = argument;
    SetThreadDescription(GetCurrentThread(), worker->name);
    wait_to_go(worker);
    say_number("loaded ", load_files(worker));
    return 0;
}

void named_threads(void)
{
    static const WCHAR names[3][9] = {u"loader-1", u"loader-2", u"loader-3"};
    static Worker workers[3];
    HANDLE threads[3];
    for (int i = 0; i < 3; i++) {
        workers[i] = (Worker){i, names[i], names_of_2, CreateEventA(0, 0, 0, 0), CreateEventA(0, 0, 0, 0)};
        threads[i] = CreateThread(0, 0, run_worker, &workers[i], 0, 0);
        WaitForSingleObject(workers[i].ready, 0xFFFFFFFF);
    }
    Sleep(50); /* until the third one waits too */
    SetEvent(workers[1].go);
    WaitForSingleObject(threads[1], 0xFFFFFFFF);
}

typedef struct {
    void *internals[sizeof(void *) == 8 ? 5 : 6];
} Lock; /* CRITICAL_SECTION */

IMPORT void WINAPI InitializeCriticalSection(Lock *lock);
IMPORT void WINAPI EnterCriticalSection(Lock *lock);
IMPORT void WINAPI LeaveCriticalSection(Lock *lock);

static Lock accounts, journal;

NOINLINE static void take_both(Lock *first, Lock *second, const char *who)
{
    EnterCriticalSection(first);
    Sleep(100);
    EnterCriticalSection(second);
    say(who);
    LeaveCriticalSection(second);
    LeaveCriticalSection(first);
}

static DWORD WINAPI write_journal(void *argument)
{
    (void)argument;
    SetThreadDescription(GetCurrentThread(), u"journal");
    take_both(&journal, &accounts, "journal written\n");
    return 0;
}

NOINLINE static void transfer(void)
{
    take_both(&accounts, &journal, "transferred\n");
}

void deadlock(void)
{
    HANDLE thread;
    InitializeCriticalSection(&accounts);
    InitializeCriticalSection(&journal);
    thread = CreateThread(0, 0, write_journal, 0, 0, 0);
    transfer();
    WaitForSingleObject(thread, 0xFFFFFFFF);
}
