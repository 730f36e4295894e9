"""The cases, one module an area: a case's file is `test_<first word of its id>.py`; a long area is split by the second word.

What belongs here: cases. What does not: fixtures (`virtproof.fixtures`), so that cases kept outside this package have them too.
"""
