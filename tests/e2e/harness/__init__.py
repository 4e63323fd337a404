"""What the end-to-end tests share: starting the server, talking to it, running tasks, and looking for what was left behind."""
