"""What people look at: the HTML page and drawn clips."""
