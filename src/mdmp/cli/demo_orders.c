/* The program that `mdmp demo` crashes: a shop's evening run over the orders of a day. Its fault is a real one: one
   order names a customer that is not in the list, and nobody looks whether the customer was found. */
#include <stdio.h>

struct customer {
    int id;
    char name[40];
    int discount; /* percent */
};

struct order {
    int number;
    int customer_id;
    int cents;
};

static const struct customer customers[] = {
    {7, "Harbour Books", 10},
    {12, "City Library", 25},
    {31, "Night Bakery", 0},
};

static const struct order orders[] = {
    {1001, 12, 12900},
    {1002, 7, 4550},
    {1003, 13, 8800},
    {1004, 31, 1995},
};

static const struct customer *find_customer(int id)
{
    for (size_t i = 0; i < sizeof customers / sizeof customers[0]; i++)
        if (customers[i].id == id)
            return &customers[i];
    return NULL;
}

static int price(const struct order *order, const struct customer *customer)
{
    int discount = order->cents / 100 * customer->discount;
    return order->cents - discount;
}

static int bill(const struct order *order)
{
    const struct customer *customer = find_customer(order->customer_id);
    int total = price(order, customer);
    printf("order %d: %s pays %d.%02d\n", order->number, customer->name, total / 100, total % 100);
    fflush(stdout);
    return total;
}

int main(void)
{
    int income = 0;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        income += bill(&orders[i]);
    printf("income of the day: %d.%02d\n", income / 100, income % 100);
    return 0;
}
