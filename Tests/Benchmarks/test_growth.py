"""The tables that the program prints are read back, and the growth that they show is found."""

import unittest
import xml.etree.ElementTree as ElementTree

import growth
import tables

PRINTED = """something before

clients  heartbeat, µs  all tasks, ms
-------------------------------------
1000              0.45            0.4
100000            0.61           27.6

clients  updates
----------------
1000        2000"""


class TableTests(unittest.TestCase):
    def test_the_first_table_with_the_heading_is_read(self):
        found = tables.rows(PRINTED, "clients")
        self.assertEqual([row["clients"] for row in found], ["1000", "100000"])
        self.assertEqual(found[1]["all tasks, ms"], "27.6")

    def test_a_table_without_dashes_ends_where_the_columns_do(self):
        found = tables.rows("an encoder\nshape  ms\nthis encoder  19.7\n21.5 MB packed", "shape")
        self.assertEqual(found, [{"shape": "this encoder", "ms": "19.7"}])

    def test_a_missing_table_is_named(self):
        with self.assertRaisesRegex(ValueError, "'shape'"):
            tables.rows(PRINTED, "shape")


class GrowthTests(unittest.TestCase):
    def test_the_power_of_the_growth(self):
        for power in (0, 1, 1.5, 2):
            points = [(size, 3 * size**power) for size in (5, 10, 40, 320)]
            self.assertAlmostEqual(growth.power(points), power, places=9)

    def test_all_curves_are_measured_and_drawn(self):
        asked = []

        def bench(arguments):
            asked.append(arguments)
            columns = {
                "events": ["clients", "heartbeat, µs", "all tasks, ms"], "aggregation": ["shape", "ms/flush"],
                "replay": ["pass", "ms"], "tuning": ["shape", "ms"],
            }[arguments[0]]
            sizes = [word for word in arguments if word.isdigit()] if arguments[0] == "events" else ["replay, all"]
            rows = ["  ".join([size] + ["2.5"] * (len(columns) - 1)) for size in sizes]
            return "\n".join(["  ".join(columns), "-" * 30, *rows])

        curves = growth.measure(bench, "ROOT")
        self.assertEqual({arguments[0] for arguments in asked}, {"events", "aggregation", "replay", "tuning"})
        for _, _, points in curves:
            self.assertGreater(len(points), 3)
            self.assertEqual({cost for _, cost in points}, {2.5})
        picture = ElementTree.fromstring(growth.chart(curves))
        self.assertEqual(
            len(picture.findall("{http://www.w3.org/2000/svg}circle")), sum(len(points) for _, _, points in curves))


if __name__ == "__main__":
    unittest.main()
