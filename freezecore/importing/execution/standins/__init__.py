"""Stand-ins: what pasted scripts use of the libraries, one file each; what a file does not name is unknown.

A file defines `names`: for each module of the library the names that matter, with what stands for them. Everything else
of the library is an `Unknown` that freezes nothing. A new library is such a file and its line in `library.FILES`.
"""
