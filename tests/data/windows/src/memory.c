/* Faults by reading and writing where one must not. */
#include "faults.h"

typedef struct {
    char name[36];
    int volume;
} Settings;

static Settings *volatile current_settings; /* nobody loads them */

/* A leaf: on x64 it has no unwind information. */
NOINLINE static int settings_volume(const Settings *settings)
{
    return settings->volume;
}

NOINLINE static int load_settings(void)
{
    return 100 - settings_volume(current_settings);
}

void null_read(void)
{
    say_number("volume ", load_settings());
}

typedef struct Session {
    struct Session *next;
    int id;
} Session;

static Session sessions[3] = {{&sessions[1], 1}, {&sessions[2], 2}, {0, 3}};

/* As the debug heap of a C run-time library does: freed bytes become 0xDD. */
NOINLINE static void free_session(Session *session)
{
    memset(session, 0xDD, sizeof *session);
}

NOINLINE static int sum_of_ids(const Session *session)
{
    int sum = 0;
    for (; session; session = session->next)
        sum += session->id;
    return sum;
}

NOINLINE static int close_idle_sessions(void)
{
    free_session(&sessions[1]);
    return 7 * sum_of_ids(sessions);
}

void freed_pointer(void)
{
    say_number("sum ", close_idle_sessions());
}

static const char greeting[] = "good morning";

NOINLINE static void capitalize(char *volatile text)
{
    *text -= 32;
}

void write_readonly(void)
{
    capitalize((char *)greeting);
    say(greeting);
}

typedef struct Folder {
    const struct Folder *parent;
    int files;
} Folder;

typedef struct Step {
    const struct Step *from;
    const Folder *folder;
    char path[200];
} Step;

/* A folder that is its own parent has no end. */
NOINLINE static int files_above(const Folder *folder, const Step *from)
{
    volatile Step here;
    here.from = from;
    here.folder = folder;
    here.path[0] = 0;
    if (!folder->parent)
        return 0;
    return here.folder->files + files_above(folder->parent, (const Step *)&here);
}

static Folder *volatile start_folder;

void stack_overflow(void)
{
    Folder loop = {&loop, 1};
    start_folder = &loop;
    say_number("files ", files_above(start_folder, 0));
}

/* Frames larger than a page: the fault comes in the stack probe, before the function's first line. */
NOINLINE static int render_level(int level, const char *above)
{
    volatile char canvas[40000];
    canvas[level % 64] = above ? above[1] : 1;
    return canvas[level % 64] + render_level(level + 1, (const char *)canvas);
}

void stack_probe(void)
{
    say_number("levels ", render_level(0, 0));
}
