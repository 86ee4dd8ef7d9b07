[assembly: System.Reflection.AssemblyVersion("1.2.3.4")]

namespace Shop
{
    public partial class Till
    {
        private static int opened = Opened() + 1;

        public static int Count { get { return opened; } }

        static int Opened()
        {
            return 41;
        }
    }
}
