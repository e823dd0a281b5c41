"""Small rules that rewrite a linked graph into a cheaper one with the same answer."""
