"""What only the demo needs: videos drawn from recorded landmarks."""
