"""What the bot may say, and how it is read; imports nothing of ours."""
