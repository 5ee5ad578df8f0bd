"""What a server needs beside its page.

analyst        the process that reads and traces models for the page
prefetch       a process that does the same beforehand for the models that people open first
jobs           the queue of probes, sweeps and searches
job_types      what each kind of job asks for, and the function that does it
worker_pool    starts the processes that run jobs, and ends them
worker         such a process
run_log        what a run has measured so far, in files
runs           every run ever made, in one database
eta            how long a run will take
access         what visitors may open
server_lock    which servers still run
hub            what the Hugging Face Hub says of a model
imports        reads what a visitor pasted
file_check     looks at a model's file that a visitor dropped
one_answer     a process for one question, as the two before need it
process        what all child processes share
"""
