"""How each kind of resource gets from observed to desired; `plan.py` puts them together. Pure."""
