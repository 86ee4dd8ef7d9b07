using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace Shop
{
    public class Desk
    {
        public class Drawer<T>
        {
            private readonly List<T> items = new List<T>();

            public T Take(int index)
            {
                T item = items[index];
                items.RemoveAt(index); return item;
            }
        }

        private readonly Drawer<string> drawer = new Drawer<string>();

        public int Total(IEnumerable<int> prices, int discount)
        {
            int sum = 0;
            foreach (int price in prices)
            {
                if (price < 0)
                {
                    throw new ArgumentException("negative price");
                }
                sum += price;
            }
            return sum / discount;
        }

        public IEnumerable<int> Cheap(int[] prices)
        {
            foreach (int price in prices)
            {
                if (price < 10)
                {
                    yield return price;
                }
            }
        }

        public async Task<string> PayAsync(int index)
        {
            await Task.Delay(1);
            string name = drawer.Take(index);
            return Label(() => name + ":" +
                index);
        }

        private static string Label(Func<string> make)
        {
            switch (make().Length)
            {
                case 0: return "none";
                case 1: return "one";
                default: return make();
            }
        }

#line 100 "generated/Rates.tt"
        public static int Rate(int value)
        {
            value++;
#line 7 "generated/Other.tt"
            value *= 2;
#line hidden
            value -= 1;
#line default
            return value;
        }
    }

    public partial class Till
    {
        public static int Main(string[] args)
        {
            var desk = new Desk();
            Console.WriteLine(desk.Total(new[] { 1, 2 }, args.Length));
            return Count;
        }
    }
}
