// An exception that nobody catches, thrown through a frame that catches another type.
#include "faults.h"

extern "C" const void *const type_info_vtable[] __asm__("??_7type_info@@6B@") = {nullptr};

namespace app {

class error {
public:
    explicit error(const char *what) : what_(what) {}
    virtual const char *what() const { return what_; }

private:
    const char *what_;
};

class network_error : public error {
public:
    using error::error;
};

class config_error : public error {
public:
    config_error(const char *what, int line) : error(what), line_(line) {}
    int line() const { return line_; }

private:
    int line_;
};

class Config {
public:
    NOINLINE void parse_line(const char *text, int line)
    {
        int equals = 0;
        while (text[equals] && text[equals] != '=')
            equals++;
        if (!text[equals])
            throw config_error("a line without '='", line);
        settings_++;
    }

    NOINLINE void load(const char *const *lines, int count)
    {
        for (int i = 0; i < count; i++)
            parse_line(lines[i], i + 1);
        say_number("settings ", settings_);
    }

private:
    int settings_ = 0;
};

NOINLINE static bool start(Config &config)
{
    static const char *const lines[] = {"port=8080", "host=example.com", "verbose"};
    try {
        config.load(lines, 3);
        return true;
    } catch (const network_error &problem) {
        say(problem.what());
        return false;
    }
}

} // namespace app

void cpp_throw()
{
    app::Config config;
    if (!app::start(config))
        say("started without network\n");
}
