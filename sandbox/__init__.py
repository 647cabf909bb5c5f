"""Stand-in vendors: a seeded world of an ESN, told over the wires of BoondManager and Bill.com.

The room imports nothing of ours, so that it cannot share our mistakes.
"""
