"""What hours of use cost: peaks, steps, budgets, prices. Pure, and knows of no meter: hours in, money out.

Money is an integer in milliøre: 10^-5 NOK, a thousandth of an øre. Powers and limits are in W, energies in
Wh.
"""
