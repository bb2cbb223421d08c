"""The agents' desk: who may sign in, what they see and do, the figures, and forgetting."""
