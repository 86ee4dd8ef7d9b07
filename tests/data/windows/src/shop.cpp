// A small order desk. Guests may order too, and one place forgets that they have no account.
#include "order.h"
#include "win32.h"

namespace shop {

class OrderDesk {
public:
    void accept(int number, Customer *customer, const Item &first, const Item &second);
    int run_jobs();

private:
    int process_order(Order &order);

    Order orders_[4];
    int count_ = 0;
};

NOINLINE void OrderDesk::accept(int number, Customer *customer, const Item &first, const Item &second)
{
    Order &order = orders_[count_++];
    order.number = number;
    order.customer = customer;
    order.cart.add(first);
    order.cart.add(second);
}

NOINLINE int OrderDesk::process_order(Order &order)
{
    say_number("processing order ", order.number);
    order.complete();
    say_number("  paid, cents: ", order.cart.total());
    return order.cart.total();
}

NOINLINE int OrderDesk::run_jobs()
{
    int income = 0;
    for (int i = 0; i < count_; i++)
        income += process_order(orders_[i]);
    return income;
}

} // namespace shop

int main(int, char **)
{
    using namespace shop;
    Customer regular("Regular", "regular@example.com", 4711);
    OrderDesk desk;

    desk.accept(1001, &regular, {"tea", 450, 2}, {"cups", 1250, 1});
    desk.accept(1002, nullptr, {"teapot", 3900, 1}, {"tea", 450, 1});
    say_number("income, cents: ", desk.run_jobs());
    return 0;
}
