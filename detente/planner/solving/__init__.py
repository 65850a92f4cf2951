"""From a program to values and a bound. Nothing here knows what a column means; one file touches the solver."""
