"""The program that `mdmp demo` crashes where there is no compiler: a shop's customers in memory that C code shares."""

import ctypes


class Customer(ctypes.Structure):
    _fields_ = (("id", ctypes.c_int), ("name", ctypes.c_char * 40), ("discount", ctypes.c_int))


CUSTOMERS = {12: Customer(12, b"City Library", 25), 7: Customer(7, b"Harbour Books", 10)}
ORDERS = ((1001, 12, 12900), (1002, 7, 4550), (1003, 13, 8800))


def find_customer(number: int) -> Customer:
    """As a C library would answer: the address of the customer, 0 for one that is not there."""
    address = ctypes.addressof(CUSTOMERS[number]) if number in CUSTOMERS else 0
    return Customer.from_address(address)


def bill(order: int, number: int, cents: int) -> int:
    customer = find_customer(number)
    total: int = cents - cents // 100 * customer.discount
    print(f"order {order}: {customer.name.decode()} pays {total / 100:.2f}", flush=True)
    return total


def main() -> None:
    income = sum(bill(*order) for order in ORDERS)
    print(f"income of the day: {income / 100:.2f}")


if __name__ == "__main__":
    main()
