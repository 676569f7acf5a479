"""CP-SAT in a process of its own, so that neither its threads nor its model building hold the event loop up."""
