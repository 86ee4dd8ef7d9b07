#pragma once

#include "customer.h"

namespace shop {

struct Item {
    const char *name;
    int cents;
    int count;
};

/** What will be paid for. */
class Cart {
public:
    static constexpr int room = 6;

    void add(const Item &item)
    {
        if (size_ < room)
            items_[size_++] = item;
    }

    int total() const
    {
        int cents = 0;
        for (int i = 0; i < size_; i++)
            cents += items_[i].cents * items_[i].count;
        return cents;
    }

private:
    Item items_[room];
    int size_ = 0;
};

/** A cart and who pays for it. */
struct Order {
    int number;
    Customer *customer; // null when a guest pays
    Cart cart;

    void complete()
    {
        // One point for each whole euro.
        customer->reward(cart.total() / 100);
    }
};

} // namespace shop
