// Functions with the same machine code: the linker keeps one of each (/OPT:ICF), so that an address has many names.
#include "win32.h"

template <class Number> class Gauge {
public:
    NOINLINE void set(Number value)
    {
        last_ = value;
        count_++;
    }

    NOINLINE Number last() const { return last_; }

private:
    Number last_ = 0;
    int count_ = 0;
};

struct Engine {
    Gauge<int> *speed;
    Gauge<unsigned> *load;
    Gauge<float> *heat;
};

NOINLINE static void update_speed(Engine &engine, int value)
{
    engine.speed->set(value);
    say_number("speed ", engine.speed->last());
}

NOINLINE static void update_load(Engine &engine, unsigned value)
{
    engine.load->set(value);
    say_number("load ", engine.load->last());
}

NOINLINE static void update_heat(Engine &engine, float value)
{
    engine.heat->set(value);
    say_number("heat ", static_cast<int>(engine.heat->last()));
}

NOINLINE static void run_engine(Engine &engine)
{
    update_speed(engine, 10);
    update_heat(engine, 80.5f);
    update_load(engine, 3);
    say("engine runs\n");
}

int main(int, char **)
{
    Gauge<int> speed;
    Gauge<float> heat;
    Engine engine{&speed, nullptr, &heat}; // nobody made a gauge for the load
    run_engine(engine);
    return 0;
}
