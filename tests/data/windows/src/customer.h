#pragma once

namespace shop {

/** Points that a customer has collected. */
class LoyaltyAccount {
public:
    void add(int earned)
    {
        points_ += earned;
    }

    int points() const { return points_; }

private:
    int points_ = 0;
};

/** A customer with an account; guests have none. */
class Customer {
public:
    Customer(const char *name, const char *email, long long number) : name_(name), email_(email), number_(number) {}

    void reward(int earned)
    {
        loyalty_.add(earned);
    }

    const char *name() const { return name_; }
    const char *email() const { return email_; }
    long long number() const { return number_; }
    int points() const { return loyalty_.points(); }

private:
    const char *name_;
    const char *email_;
    long long number_;
    LoyaltyAccount loyalty_;
};

} // namespace shop
