"""`make bench`: how fast and how large a real server is, alone and beside others.

Nothing here imports the product: it is started as a program and spoken to over the network. What is measured and how is
said by each measurement's `how` text, which the report prints beside its figures.
"""
