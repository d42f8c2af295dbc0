"""Price lists as the open collection Fri nettleie has them, one YAML file for each grid company. Pure.

`yaml` reads the part of YAML that such files use, `price_list` makes one of our periods of one price list,
`convert` our tariffs of a company, `write` their text.
"""
