"""Stand-ins: what pasted scripts use of the libraries, one file each; what a file does not name is unknown.

A file defines `NAMES`, what stands for a dotted name of the library, and where it needs that `OTHER`: expressions over
the whole dotted name, each with what makes something of its last part. What neither has is an `Unknown` that freezes
nothing. What files have in common is in `framework.py`. A new library is such a file and its line in `library.FILES`.
"""
