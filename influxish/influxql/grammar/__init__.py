"""The grammar of InfluxQL for PLY: one function per production, which builds one node and its span.

`expressions.py`, `select.py`, `show.py` and `manage.py` hold the productions, `tables.py` the generated LALR tables
(`tools/build_parser_tables.py` writes it), `expected.py` says what InfluxDB would have expected at an error.
"""
