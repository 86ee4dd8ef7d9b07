// throws.exe NAME: C++ exceptions by way of GCC's run-time library, as MinGW programs have it.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

__attribute__((noinline)) static int parse_line(const char *text)
{
    if (!std::strchr(text, '='))
        throw std::runtime_error("a line without '='");
    return 1;
}

__attribute__((noinline)) static int parse_surely(const char *text) noexcept
{
    return 1 + parse_line(text);
}

__attribute__((noinline)) static void pass_on() noexcept(false)
{
    throw;
}

static void quit()
{
    std::_Exit(4);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (!std::strcmp(name, "uncaught"))
        return parse_line("verbose");
    if (!std::strcmp(name, "noexcept"))
        return parse_surely("verbose");
    if (!std::strcmp(name, "own_handler")) {
        std::set_terminate(quit);
        return parse_line("verbose");
    }
    try {
        if (!std::strcmp(name, "number"))
            throw 42;
        if (!std::strcmp(name, "again")) {
            try {
                parse_line("verbose");
            } catch (const std::runtime_error &) {
                std::puts("not ours");
                std::fflush(stdout);
                pass_on();
            }
        }
        for (int i = 0; i < 3; i++) {
            try {
                parse_line("verbose");
            } catch (const std::logic_error &) {
                std::puts("not this one");
            }
        }
    } catch (const std::exception &problem) {
        if (!std::strcmp(name, "again"))
            throw;
        std::printf("caught %s\n", problem.what());
        std::fflush(stdout);
        if (!std::strcmp(name, "caught_abort"))
            std::abort();
        if (!std::strcmp(name, "caught_exit"))
            std::exit(3);
    }
    return 3;
}
