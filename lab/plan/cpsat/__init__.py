"""Plans by constraint programming (CP-SAT of OR-Tools), which only ever improves what stands.

The solver is imported by `lab.plan.cpsat.build` and `lab.plan.cpsat.solve` alone, and those by a process of its own.
"""
